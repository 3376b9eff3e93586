/** The questions and orders about storage commitment. */
import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import type { Asked, Direction, Failure, Page, Received, Row } from './types';

const KEY = ['commitments'] as const;

/** No live events tell of commitment; requests take minutes to hours. */
const LOOK_MS = 15_000;

function rowOf(one: Received | Asked): Row {
  const isReceived = 'calling_ae_title' in one;
  return {
    id: one.id,
    node: isReceived ? one.calling_ae_title : one.node_ae_title,
    state: one.state,
    instances: one.number_of_instances,
    failed: one.number_failed,
    lastError: one.last_error,
    at: isReceived ? one.received_at : one.created_at,
    answeredAt: isReceived ? one.reported_at : one.answered_at,
    transactionUid: one.transaction_uid,
  };
}

export function commitmentsQuery(direction: Direction, state: string, limit: number, offset: number) {
  return queryOptions({
    queryKey: [...KEY, direction, state, limit, offset],
    queryFn: async ({ signal }): Promise<Page<Row>> => {
      const params = new URLSearchParams({ limit: String(limit), offset: String(offset) });
      if (state) params.set('state', state);
      const page = await request<Page<Received | Asked>>(
        'GET',
        `/api/commitments/${direction}?${params}`,
        undefined,
        signal,
      );
      return { items: page.items.map(rowOf), total: page.total };
    },
    placeholderData: keepPreviousData,
    refetchInterval: LOOK_MS,
  });
}

export function failuresQuery(id: string) {
  return queryOptions({
    queryKey: [...KEY, 'failures', id],
    queryFn: ({ signal }) =>
      request<Page<Failure>>('GET', `/api/commitments/${encodeURIComponent(id)}/failures`, undefined, signal),
  });
}

export function useRetry(direction: Direction) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      request<void>('POST', `/api/commitments/${direction}/${encodeURIComponent(id)}/retry`),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
}
