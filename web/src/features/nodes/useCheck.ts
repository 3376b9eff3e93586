import { useCallback, useEffect, useReducer, useRef } from 'react';
import { requestLines } from '../../api/client';
import { nodePath } from './queries';
import { type Finding, STEPS } from './types';

interface CheckState {
  phase: 'ready' | 'running' | 'done' | 'failed';
  findings: Finding[];
  error: unknown;
  /** When it began; for the text that is copied. */
  at: Date | null;
}

type CheckEvent =
  | { type: 'begun' }
  | { type: 'found'; finding: Finding }
  | { type: 'ended' }
  | { type: 'failed'; error: unknown };

const READY: CheckState = { phase: 'ready', findings: [], error: null, at: null };

function next(state: CheckState, event: CheckEvent): CheckState {
  switch (event.type) {
    case 'begun':
      return { phase: 'running', findings: [], error: null, at: new Date() };
    case 'found':
      return { ...state, findings: [...state.findings, event.finding] };
    case 'ended':
      return { ...state, phase: state.findings.length < STEPS.length ? 'failed' : 'done' };
    case 'failed':
      return { ...state, phase: 'failed', error: event.error };
  }
}

/** One connection check at a time; it stops when the screen goes. */
export function useCheck(aeTitle: string) {
  const [state, tell] = useReducer(next, READY);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const begin = useCallback(
    async (mayStore: boolean) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      tell({ type: 'begun' });
      try {
        const path = `${nodePath(aeTitle)}/check`;
        const lines = requestLines<Finding>('POST', path, { may_store: mayStore }, controller.signal);
        for await (const finding of lines) tell({ type: 'found', finding });
        tell({ type: 'ended' });
      } catch (error) {
        if (!controller.signal.aborted) tell({ type: 'failed', error });
      }
    },
    [aeTitle],
  );
  return { ...state, begin };
}
