/** The questions and orders of the exchange screens: one key and one path each. */
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import { keys } from '../../api/queries';
import type {
  Destination,
  DryRun,
  NewRule,
  PrefetchRule,
  Priority,
  Project,
  Queue,
  RefusedInstances,
  Rule,
  SendRequest,
  Subscriber,
  Transmission,
  TransmissionPage,
  TransmissionQuery,
} from './types';

/** While something is on its way, its progress is asked for this often; states come by themselves. */
const PROGRESS_MS = 5_000;

const routingKeys = {
  rules: ['routing-rules'] as const,
  prefetchRules: ['prefetch-rules'] as const,
  projects: ['deidentification-projects'] as const,
  destinations: ['destinations'] as const,
  subscribers: ['availability-subscribers'] as const,
};

function addressOf(query: TransmissionQuery): string {
  const params = new URLSearchParams();
  for (const state of query.state) params.append('state', state);
  if (query.destination) params.set('destination', query.destination);
  if (query.study_instance_uid) params.set('study_instance_uid', query.study_instance_uid);
  params.set('limit', String(query.limit));
  params.set('offset', String(query.offset));
  return `/api/transmissions?${params}`;
}

/** A page of the queue. `isListening` is false while no live events come: then it looks by itself. */
export function transmissionsQuery(query: TransmissionQuery, isListening: boolean) {
  return queryOptions({
    queryKey: [...keys.transmissions, query],
    queryFn: ({ signal }) => request<TransmissionPage>('GET', addressOf(query), undefined, signal),
    placeholderData: keepPreviousData,
    staleTime: 2_000,
    refetchInterval: ({ state }) =>
      !isListening || state.data?.transmissions.some((one) => one.state === 'sending') ? PROGRESS_MS : false,
  });
}

/** One transmission, for as long as somebody looks at it. */
export function transmissionQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.transmissions, 'one', id],
    queryFn: ({ signal }) =>
      request<Transmission>('GET', `/api/transmissions/${encodeURIComponent(id)}`, undefined, signal),
    refetchInterval: ({ state }) => (state.data?.state === 'sending' ? PROGRESS_MS : false),
  });
}

/** Which of its instances were refused; `count` makes it ask anew when there are more. */
export function refusedQuery(id: string, count: number) {
  return queryOptions({
    queryKey: [...keys.transmissions, 'refused', id, count],
    queryFn: ({ signal }) =>
      request<RefusedInstances>(
        'GET',
        `/api/transmissions/${encodeURIComponent(id)}/refused`,
        undefined,
        signal,
      ),
  });
}

export function queueQuery(isListening: boolean) {
  return queryOptions({
    queryKey: keys.queue,
    queryFn: ({ signal }) => request<Queue>('GET', '/api/queue', undefined, signal),
    staleTime: 2_000,
    refetchInterval: isListening ? false : PROGRESS_MS,
  });
}

/** How many transmissions wait for a person; 0 for who may not know. */
export function useParkedCount(isEnabled: boolean): number {
  const destinations = useQuery({ ...queueQuery(true), enabled: isEnabled }).data?.destinations ?? [];
  return destinations.reduce((sum, it) => sum + (it.counts.parked ?? 0), 0);
}

export const destinationsQuery = queryOptions({
  queryKey: routingKeys.destinations,
  queryFn: async ({ signal }) =>
    (await request<{ destinations: Destination[] }>('GET', '/api/destinations', undefined, signal))
      .destinations,
  staleTime: 30_000,
});

export const rulesQuery = queryOptions({
  queryKey: routingKeys.rules,
  queryFn: async ({ signal }) =>
    (await request<{ rules: Rule[] }>('GET', '/api/routing-rules', undefined, signal)).rules,
});

export const prefetchRulesQuery = queryOptions({
  queryKey: routingKeys.prefetchRules,
  queryFn: async ({ signal }) =>
    (await request<{ rules: PrefetchRule[] }>('GET', '/api/prefetch-rules', undefined, signal)).rules,
});

export const projectsQuery = queryOptions({
  queryKey: routingKeys.projects,
  queryFn: async ({ signal }) =>
    (await request<{ projects: Project[] }>('GET', '/api/deidentification-projects', undefined, signal))
      .projects,
  staleTime: 30_000,
});

export const subscribersQuery = queryOptions({
  queryKey: routingKeys.subscribers,
  queryFn: async ({ signal }) =>
    (await request<{ items: Subscriber[] }>('GET', '/api/availability/subscribers', undefined, signal)).items,
});

/** A mutation after which these keys are asked anew. */
function useOrder<T, V>(act: (value: V) => Promise<T>, outdated: readonly (readonly unknown[])[]) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => Promise.all(outdated.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

const QUEUE_KEYS = [keys.transmissions, keys.queue];

export function useSendTo(studyInstanceUid: string) {
  return useOrder(
    (body: SendRequest) =>
      request<{ transmissions: Transmission[] }>(
        'POST',
        `/api/studies/${encodeURIComponent(studyInstanceUid)}/send`,
        body,
      ),
    QUEUE_KEYS,
  );
}

export function useTransmissionOrder() {
  return useOrder(
    ({ id, order }: { id: string; order: 'retry' | 'cancel' }) =>
      request<Transmission>('POST', `/api/transmissions/${encodeURIComponent(id)}/${order}`),
    QUEUE_KEYS,
  );
}

export function useChangePriority() {
  return useOrder(
    ({ id, priority }: { id: string; priority: Priority }) =>
      request<Transmission>('PUT', `/api/transmissions/${encodeURIComponent(id)}/priority`, { priority }),
    QUEUE_KEYS,
  );
}

/** Orders to a destination, or to the whole queue where it is empty. */
export function useQueueOrder() {
  return useOrder(
    ({ order, destination }: { order: 'pause' | 'resume' | 'retry'; destination: string }) =>
      request<unknown>('POST', `/api/queue/${order}`, { destination }),
    QUEUE_KEYS,
  );
}

/** The rules of one kind: saved whole, removed and brought back. */
export function useRuleOrders<New extends object>(kind: 'routing-rules' | 'prefetch-rules') {
  const outdated = [kind === 'routing-rules' ? routingKeys.rules : routingKeys.prefetchRules];
  const path = (id: string) => `/api/${kind}/${encodeURIComponent(id)}`;
  return {
    save: useOrder(
      ({ id, rule }: { id: string | null; rule: New }) =>
        id === null
          ? request<unknown>('POST', `/api/${kind}`, rule)
          : request<unknown>('PUT', path(id), rule),
      outdated,
    ),
    /** One after the other: each is a change that the audit trail names. */
    saveAll: useOrder(async (rules: { id: string; rule: New }[]) => {
      for (const { id, rule } of rules) await request<unknown>('PUT', path(id), rule);
    }, outdated),
    remove: useOrder((id: string) => request<void>('DELETE', path(id)), outdated),
    restore: useOrder((id: string) => request<unknown>('POST', `${path(id)}/restore`), outdated),
  };
}

export function useTryRule() {
  return useMutation({
    mutationFn: (body: { rule: NewRule; study_instance_uid: string }) =>
      request<DryRun>('POST', '/api/routing-rules/try', body),
  });
}

export function useAddProject() {
  return useOrder(
    (body: Pick<Project, 'name' | 'options'>) =>
      request<Project>('POST', '/api/deidentification-projects', body),
    [routingKeys.projects],
  );
}

export function useSubscription() {
  return useOrder(
    ({ title, isTold }: { title: string; isTold: boolean }) =>
      request<void>(isTold ? 'PUT' : 'DELETE', `/api/availability/subscribers/${encodeURIComponent(title)}`),
    [routingKeys.subscribers],
  );
}
