import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/client';
import { keys } from '../api/queries';

const RETRIES = 2;

/** A cache in which any 401 means: nobody is signed in. */
export function newQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) client.setQueryData(keys.session, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, mutation) => {
        if (!mutation.meta?.signInStays) onError(error);
      },
    }),
    defaultOptions: {
      queries: {
        // What the server refused it will refuse again; only a lost connection or a busy server is worth asking twice.
        retry: (failures, error) =>
          failures < RETRIES && error instanceof ApiError && (error.status === 0 || error.status >= 502),
        retryDelay: (attempt) => 300 * 2 ** attempt,
      },
    },
  });
  return client;
}
