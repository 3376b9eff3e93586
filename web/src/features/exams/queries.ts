import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { request } from '../../api/client';
import { keys } from '../../api/queries';
import type { PerformedPage, PerformedQuery, PerformedStepDetail } from './types';

/** Beginnings and ends are told live; counts that grow in between are not. */
const ASK_AGAIN_MS = 60_000;

export function performedQuery(query: PerformedQuery) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== '') params.set(name, String(value));
  return queryOptions({
    queryKey: [...keys.performedSteps, 'list', query],
    queryFn: ({ signal }) =>
      request<PerformedPage>('GET', `/api/performed-steps?${params}`, undefined, signal),
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    refetchInterval: ASK_AGAIN_MS,
  });
}

export function performedStepQuery(uid: string) {
  return queryOptions({
    queryKey: [...keys.performedSteps, 'one', uid],
    queryFn: ({ signal }) =>
      request<PerformedStepDetail>(
        'GET',
        `/api/performed-steps/${encodeURIComponent(uid)}`,
        undefined,
        signal,
      ),
    staleTime: 5_000,
  });
}
