import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react';
import { type LiveState, listen } from './live';
import type { StudyChanged } from './types';

type OnChange = (change: StudyChanged) => void;
type Subscribe = (onChange: OnChange) => () => void;

const StateContext = createContext<LiveState>('connecting');
const ChangesContext = createContext<Subscribe>(() => () => {});

/** One stream of live events for everything below it. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  const listeners = useRef(new Set<OnChange>());
  useEffect(
    () =>
      listen(client, {
        onState: setState,
        onStudyChanged: (change) => {
          for (const listener of listeners.current) listener(change);
        },
      }),
    [client],
  );
  const subscribe = useCallback<Subscribe>((onChange) => {
    listeners.current.add(onChange);
    return () => listeners.current.delete(onChange);
  }, []);
  return (
    <StateContext value={state}>
      <ChangesContext value={subscribe}>{children}</ChangesContext>
    </StateContext>
  );
}

export function useLiveState(): LiveState {
  return useContext(StateContext);
}

export function useLiveChanges(): Subscribe {
  return useContext(ChangesContext);
}
