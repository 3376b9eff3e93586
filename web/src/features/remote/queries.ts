/** What the screen of other archives asks and has done. */
import {
  queryOptions,
  skipToken,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import { request } from '../../api/client';
import { useLiveChanges } from '../../api/LiveProvider';
import { type Asked, bodyOf, isUnderWay, withHeld } from './search';
import type { Pull, RemoteArchive, RemoteSeries, RemoteStudies } from './types';

const ASKED = ['remote', 'asked'] as const;
const SEARCH = ['remote', 'search'] as const;
const SERIES = ['remote', 'series'] as const;
const PULLS = ['remote', 'pulls'] as const;

/** While something is being fetched, how far it is; else nothing is asked. */
const PROGRESS_ASK_MS = 1_000;

export const archivesQuery = queryOptions({
  queryKey: ['remote', 'archives'],
  queryFn: async ({ signal }) =>
    (await request<{ archives: RemoteArchive[] }>('GET', '/api/remote/archives', undefined, signal)).archives,
  staleTime: 30_000,
});

/** The last search: in the browser's memory only, so that "back" from a study still has it. */
export function useAsked(): [Asked | undefined, (asked: Asked | undefined) => void] {
  const client = useQueryClient();
  const asked = useQuery<Asked>({ queryKey: ASKED, queryFn: skipToken }).data;
  const ask = (next: Asked | undefined) => {
    client.removeQueries({ queryKey: SEARCH });
    client.removeQueries({ queryKey: SERIES });
    if (next) client.setQueryData(ASKED, next);
    else client.resetQueries({ queryKey: ASKED });
  };
  return [asked, ask];
}

/** One question to each archive that was chosen. Each costs it work and leaves a record: none is repeated unasked. */
export function useSearches(asked: Asked | undefined) {
  return useQueries({
    queries: (asked?.archives ?? []).map((archive) =>
      queryOptions({
        queryKey: [...SEARCH, asked?.at, archive],
        queryFn: ({ signal }) =>
          asked
            ? request<RemoteStudies>('POST', '/api/remote/search', bodyOf(archive, asked.search), signal)
            : Promise.reject(new Error('Nothing was asked.')),
        staleTime: 'static',
        retry: false,
      }),
    ),
  });
}

/** What arrives here, by whatever way, counts in the rows at once. */
export function useHeldLive(): void {
  const client = useQueryClient();
  const subscribe = useLiveChanges();
  useEffect(
    () =>
      subscribe(({ study_instance_uid, number_of_instances }) =>
        client.setQueriesData<RemoteStudies>({ queryKey: SEARCH }, (found) => {
          if (!found?.studies.some((study) => study.study_instance_uid === study_instance_uid)) return found;
          const studies = found.studies.map((study) =>
            study.study_instance_uid === study_instance_uid ? withHeld(study, number_of_instances) : study,
          );
          return { ...found, studies };
        }),
      ),
    [client, subscribe],
  );
}

export function remoteSeriesQuery(archive: string, studyInstanceUid: string) {
  const path = `/api/remote/studies/${encodeURIComponent(studyInstanceUid)}/series`;
  return queryOptions({
    queryKey: [...SERIES, archive, studyInstanceUid],
    queryFn: async ({ signal }) =>
      (
        await request<{ series_list: RemoteSeries[] }>(
          'GET',
          `${path}?${new URLSearchParams({ ae_title: archive })}`,
          undefined,
          signal,
        )
      ).series_list,
    staleTime: 'static',
    retry: false,
  });
}

export const pullsQuery = queryOptions({
  queryKey: PULLS,
  queryFn: async ({ signal }) =>
    (await request<{ pulls: Pull[] }>('GET', '/api/remote/pulls?limit=100', undefined, signal)).pulls,
  refetchInterval: (query) => (query.state.data?.some(isUnderWay) ? PROGRESS_ASK_MS : false),
});

export interface Wanted {
  archive: string;
  study_instance_uid: string;
  /** None: the whole study. */
  series_instance_uids: string[];
}

/** Have studies fetched; answers what was taken on, throws the first refusal after all were asked for. */
export function useFetch(onAsked: (pulls: Pull[]) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (wanted: Wanted[]) => {
      const answers = await Promise.allSettled(
        wanted.map(({ archive, ...what }) =>
          request<Pull>('POST', '/api/remote/pulls', { ae_title: archive, ...what }),
        ),
      );
      onAsked(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
      const refused = answers.find((answer) => answer.status === 'rejected');
      if (refused) throw refused.reason;
    },
    onSettled: () => client.invalidateQueries({ queryKey: PULLS }),
  });
}

export function useStopPull() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (pull: Pull) =>
      request<Pull>('POST', `/api/remote/pulls/${encodeURIComponent(pull.id)}/stop`, {}),
    onSettled: () => client.invalidateQueries({ queryKey: PULLS }),
  });
}
