/** Coloured by what makes the picture; the letters say it, the colour only helps to find it. */
const HUES: Record<string, string> = {
  CT: 'sky',
  MR: 'violet',
  CR: 'slate',
  DX: 'slate',
  RF: 'slate',
  XA: 'slate',
  MG: 'pink',
  US: 'teal',
  NM: 'amber',
  PT: 'amber',
};

export function ModalityBadges({ modalities }: { modalities: (string | null)[] }) {
  const known = modalities.filter((modality): modality is string => Boolean(modality));
  return (
    <span className="modalities">
      {known.map((modality) => (
        <span key={modality} className="modality" data-hue={HUES[modality] ?? 'plain'}>
          {modality}
        </span>
      ))}
    </span>
  );
}
