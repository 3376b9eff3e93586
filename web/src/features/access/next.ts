/**
 * Where to go after signing in. Only a path of this very site is followed: `//evil.example` and
 * `/\evil.example` are other people's sites to a browser.
 */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith('/sign-in') ? next : '/';
}

/** The viewer is a page of its own, not a route of this app. */
export function isOutsideApp(path: string): boolean {
  return path === '/viewer' || path.startsWith('/viewer/');
}
