/** The mark: an F that is also a view box, and one warm lamp. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#0f2a3d" />
      <path
        d="M9 23V9h14M9 16h10"
        fill="none"
        stroke="#5cc8f5"
        strokeWidth="3.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="22.5" cy="22.5" r="2.6" fill="#ffb454" />
    </svg>
  );
}
