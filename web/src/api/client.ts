/**
 * One door to the server: JSON in and out, the CSRF header on unsafe methods, problem details as `ApiError`.
 * It keeps nothing and decides nothing; caching is TanStack Query's, wording is the screens'.
 */
import type { Problem } from './types';

/** The server said no, or could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds until it is worth trying again, where the server said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export function readCookie(name: string): string {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
}

/** Retry-After as seconds; the HTTP-date form counts from now (RFC 9110 §10.2.3). */
export function retryAfterSeconds(value: string | null, now = Date.now()): number | null {
  if (!value) return null;
  if (/^\d+$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return {};
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

async function open(
  method: Method,
  path: string,
  accept: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: accept };
  if (method !== 'GET') headers['X-CSRF-Token'] = readCookie('filmless_csrf');
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, '');
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    const retryAfter = retryAfterSeconds(response.headers.get('Retry-After'));
    throw new ApiError(response.status, problem.detail || problem.title || '', retryAfter);
  }
  return response;
}

/**
 * Ask the server. Answers the parsed body, or undefined for 204.
 * @throws ApiError on any other outcome; an aborted request throws the browser's AbortError as it is.
 */
export async function request<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await open(method, path, 'application/json', body, signal);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/**
 * Ask for an answer that comes line by line (NDJSON), each line as it comes.
 * @throws ApiError as `request` does, also when the connection is lost half-way.
 */
export async function* requestLines<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): AsyncGenerator<T, void> {
  const response = await open(method, path, 'application/x-ndjson', body, signal);
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw signal?.aborted ? cause : new ApiError(0, '');
      });
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as T;
      if (done) return;
    }
  } finally {
    // Whoever stops listening also tells the server to stop.
    await reader.cancel().catch(() => {});
  }
}
