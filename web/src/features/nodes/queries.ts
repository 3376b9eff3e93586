/** What the node screens ask and change. */
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import type { Node, NodeIn, OurNode, UnknownCaller } from './types';

const NODES = ['nodes'] as const;
const CALLERS = ['nodes', 'callers'] as const;

/** Whoever stands at the device and tries again should see it here soon. */
const CALLERS_ASK_MS = 4_000;

export function nodePath(aeTitle: string): string {
  return `/api/nodes/${encodeURIComponent(aeTitle)}`;
}

export const nodesQuery = queryOptions({
  queryKey: [...NODES, 'list'],
  queryFn: async ({ signal }) =>
    (await request<{ nodes: Node[] }>('GET', '/api/nodes', undefined, signal)).nodes,
  staleTime: 5_000,
});

export const callersQuery = queryOptions({
  queryKey: CALLERS,
  queryFn: async ({ signal }) =>
    (await request<{ callers: UnknownCaller[] }>('GET', '/api/unknown-callers', undefined, signal)).callers,
  refetchInterval: CALLERS_ASK_MS,
});

export const ourNodeQuery = queryOptions({
  queryKey: [...NODES, 'ours'],
  queryFn: ({ signal }) => request<OurNode>('GET', '/api/our-node', undefined, signal),
  staleTime: 60_000,
});

interface Saving {
  aeTitle: string;
  node: NodeIn;
  isNew: boolean;
}

export function useSaveNode() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ aeTitle, node, isNew }: Saving) =>
      isNew
        ? request<Node>('POST', '/api/nodes', { ae_title: aeTitle, ...node })
        : request<Node>('PUT', nodePath(aeTitle), node),
    onSuccess: () => client.invalidateQueries({ queryKey: NODES }),
  });
}

export function useRemoveNode() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (aeTitle: string) => request<void>('DELETE', nodePath(aeTitle)),
    onSuccess: () => client.invalidateQueries({ queryKey: NODES }),
  });
}

export function useForgetCaller() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ calling_ae_title, address }: UnknownCaller) =>
      request<void>('DELETE', `/api/unknown-callers?${new URLSearchParams({ calling_ae_title, address })}`),
    onSuccess: () => client.invalidateQueries({ queryKey: CALLERS }),
  });
}
