import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import { keys, usePermission } from '../../api/queries';
import type { DeskVerb, ScheduledStep, StepPage, StepParts, StepQuery } from './types';

/** Live events tell of every change; this is for what they cannot tell, such as a new day. */
const ASK_AGAIN_MS = 120_000;

const addressOf = (id: string, verb = '') => `/api/worklist/${encodeURIComponent(id)}${verb}`;

function searchParams(query: StepQuery): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== '') params.append(name, String(one));
    }
  }
  return params;
}

export function worklistQuery(query: StepQuery) {
  return queryOptions({
    queryKey: [...keys.worklist, 'list', query],
    queryFn: ({ signal }) =>
      request<StepPage>('GET', `/api/worklist?${searchParams(query)}`, undefined, signal),
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    refetchInterval: ASK_AGAIN_MS,
  });
}

export function stepQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.worklist, 'step', id],
    queryFn: ({ signal }) => request<ScheduledStep>('GET', addressOf(id), undefined, signal),
    staleTime: 5_000,
  });
}

/** AE titles to offer as stations: the nodes we know. Who may not ask for them types them. */
export function useStations(): { ae_title: string; description: string }[] {
  const mayAsk = usePermission('studies.send');
  const destinations = useQuery({
    queryKey: ['destinations'],
    queryFn: ({ signal }) =>
      request<{ destinations: { ae_title: string; description: string }[] }>(
        'GET',
        '/api/destinations',
        undefined,
        signal,
      ),
    enabled: mayAsk,
    staleTime: 60_000,
  });
  return destinations.data?.destinations ?? [];
}

/** Every change ends with the lists asking again: the order and the filters may place the step elsewhere. */
function useStepMutation<Given>(send: (given: Given) => Promise<ScheduledStep>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: (step) => client.setQueryData(stepQuery(step.id).queryKey, step),
    onSettled: () => client.invalidateQueries({ queryKey: keys.worklist }),
  });
}

export function useDesk() {
  return useStepMutation(({ id, verb }: { id: string; verb: DeskVerb }) =>
    request<ScheduledStep>('POST', addressOf(id, `/${verb}`)),
  );
}

export function useCancelStep() {
  return useStepMutation(({ id, reason }: { id: string; reason: string }) =>
    request<ScheduledStep>('POST', addressOf(id, '/cancel'), { reason }),
  );
}

/** Schedules a step, or changes the one that `held` is; `held.revision` says what the changes were made to. */
export function useSaveStep() {
  return useStepMutation(({ held, parts }: { held: ScheduledStep | null; parts: StepParts }) =>
    held
      ? request<ScheduledStep>('PUT', addressOf(held.id), { ...parts, revision: held.revision })
      : request<ScheduledStep>('POST', '/api/worklist', parts),
  );
}
