/** The same lower bound as the server's; the server stays the judge. */
export const SHORTEST_PASSWORD = 10;

/** The translation key of what is wrong with a new password, or null. */
export function passwordProblem(password: string, repeated: string): string | null {
  if (password.length < SHORTEST_PASSWORD) return 'access.password_short';
  return password === repeated ? null : 'access.password_differs';
}
