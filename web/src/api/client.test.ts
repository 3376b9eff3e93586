import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, request, retryAfterSeconds } from './client';

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal('fetch', fetched);
  // biome-ignore lint/suspicious/noDocumentCookie: jsdom has no cookie store.
  document.cookie = 'filmless_csrf=a%2Bb';
});

afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockReset();
});

describe('request', () => {
  it('carries the CSRF token on unsafe methods only', async () => {
    fetched.mockImplementation(async () => Response.json({}));
    await request('GET', '/api/session');
    await request('POST', '/api/session', { user_name: 'robin' });
    const headers = fetched.mock.calls.map(([, init]) => init?.headers as Record<string, string>);
    expect(headers.map((one) => one['X-CSRF-Token'])).toEqual([undefined, 'a+b']);
  });

  it('answers undefined for 204', async () => {
    fetched.mockResolvedValue(new Response(null, { status: 204 }));
    expect(await request('DELETE', '/api/session')).toBeUndefined();
  });

  it('tells the problem in the words of the server', async () => {
    const problem = { title: 'Conflict', status: 409, detail: 'It was decided already.' };
    fetched.mockResolvedValue(Response.json(problem, { status: 409 }));
    await expect(request('POST', '/api/quarantine/1/accept')).rejects.toEqual(
      new ApiError(409, 'It was decided already.'),
    );
  });

  it('tells how long to wait', async () => {
    fetched.mockResolvedValue(new Response('', { status: 429, headers: { 'Retry-After': '90' } }));
    await expect(request('POST', '/api/session')).rejects.toMatchObject({ status: 429, retryAfter: 90 });
  });

  it('calls an unreachable server status 0', async () => {
    fetched.mockRejectedValue(new TypeError('network'));
    await expect(request('GET', '/api/studies')).rejects.toMatchObject({ status: 0 });
  });

  it('lets an abort through as it is', async () => {
    const abort = new AbortController();
    abort.abort();
    const cause = new DOMException('', 'AbortError');
    fetched.mockRejectedValue(cause);
    await expect(request('GET', '/api/studies', undefined, abort.signal)).rejects.toBe(cause);
  });
});

it.each([
  ['90', 90],
  ['Tue, 24 Nov 2026 10:00:30 GMT', 30],
  ['Tue, 24 Nov 2026 09:00:00 GMT', 0],
  ['soon', null],
  [null, null],
])('Retry-After %j is %j seconds', (value, seconds) => {
  expect(retryAfterSeconds(value, Date.parse('2026-11-24T10:00:00Z'))).toBe(seconds);
});
