import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request } from '../../api/client';
import { keys, sessionQuery } from '../../api/queries';
import type { Session, SetUpRequest } from '../../api/types';

export function useSession() {
  return useQuery(sessionQuery);
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials: { user_name: string; password: string }) =>
      request<Session>('POST', '/api/session', credentials),
    onSuccess: (session) => client.setQueryData(keys.session, session),
  });
}

/** Whatever the server says, nothing of the last person's patients stays in this browser's memory. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => request<void>('DELETE', '/api/session'),
    onSettled: () => {
      client.setQueryData(keys.session, null);
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] });
    },
  });
}

export function useSetUp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (wanted: SetUpRequest) => request<Session>('POST', '/api/setup', wanted),
    onSuccess: (session) => client.setQueryData(keys.session, session),
  });
}

export function useChangePassword() {
  return useMutation({
    mutationFn: (change: { current_password: string; new_password: string }) =>
      request<void>('POST', '/api/password', change),
    // A wrong current password is no ended session.
    meta: { signInStays: true },
  });
}
