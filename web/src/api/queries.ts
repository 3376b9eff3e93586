/**
 * The questions the screens ask, as TanStack Query options: one key and one path each.
 * Where to start: `keys`, which live updates and mutations use to reach what is cached.
 */
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { ApiError, request } from './client';
import type {
  Permission,
  QuarantinePage,
  Session,
  StudyDetail,
  StudyPage,
  StudyQuery,
  SystemStatus,
} from './types';

export const keys = {
  session: ['session'] as const,
  studies: ['studies'] as const,
  study: (uid: string) => ['study', uid] as const,
  quarantine: ['quarantine'] as const,
  transmissions: ['transmissions'] as const,
  queue: ['queue'] as const,
  worklist: ['worklist'] as const,
  performedSteps: ['performed-steps'] as const,
  system: ['system'] as const,
};

/** Who is signed in; null for nobody. Every 401 puts null here, and the routes then ask to sign in. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await request<Session>('GET', '/api/session', undefined, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

/** May the person who is signed in do this? Only for what to show: the server decides. */
export function usePermission(permission: Permission): boolean {
  return useQuery(sessionQuery).data?.permissions.includes(permission) ?? false;
}

/** The query string of a study query: empty fields left out, one `modality` for each one chosen. */
export function studySearchParams(query: StudyQuery): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== '') params.append(name, String(one));
    }
  }
  return params;
}

export function studiesQuery(query: StudyQuery) {
  return queryOptions({
    queryKey: [...keys.studies, query],
    queryFn: ({ signal }) =>
      request<StudyPage>('GET', `/api/studies?${studySearchParams(query)}`, undefined, signal),
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
}

export function studyQuery(uid: string) {
  return queryOptions({
    queryKey: keys.study(uid),
    queryFn: ({ signal }) =>
      request<StudyDetail>('GET', `/api/studies/${encodeURIComponent(uid)}`, undefined, signal),
    staleTime: 5_000,
  });
}

export function quarantineQuery(limit: number, offset: number) {
  return queryOptions({
    queryKey: [...keys.quarantine, limit, offset],
    queryFn: ({ signal }) =>
      request<QuarantinePage>('GET', `/api/quarantine?limit=${limit}&offset=${offset}`, undefined, signal),
    placeholderData: keepPreviousData,
  });
}

export const systemQuery = queryOptions({
  queryKey: keys.system,
  queryFn: ({ signal }) => request<SystemStatus>('GET', '/api/system', undefined, signal),
  staleTime: 15_000,
  refetchInterval: 60_000,
});

export const setUpQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => request<{ needed: boolean }>('GET', '/api/setup', undefined, signal),
});
