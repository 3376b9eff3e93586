/** What the queue is asked for, and its place in the address bar. */
import type { TransmissionState } from './types';

export interface QueueFilters {
  view: View;
  destination: string;
  offset: number;
}

/** The states that belong together for who looks at the queue. */
export const VIEWS = {
  all: [],
  under_way: ['waiting', 'held', 'sending'],
  parked: ['parked'],
  done: ['done'],
  cancelled: ['cancelled'],
} as const satisfies Record<string, readonly TransmissionState[]>;
export type View = keyof typeof VIEWS;

export const VIEW_NAMES = Object.keys(VIEWS) as View[];

export function filtersFromAddress(params: URLSearchParams): QueueFilters {
  const view = params.get('show') as View;
  const offset = Number(params.get('offset'));
  return {
    view: VIEW_NAMES.includes(view) ? view : 'all',
    destination: params.get('destination') ?? '',
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
  };
}

export function addressOfFilters({ view, destination, offset }: QueueFilters): URLSearchParams {
  const params = new URLSearchParams();
  if (view !== 'all') params.set('show', view);
  if (destination) params.set('destination', destination);
  if (offset) params.set('offset', String(offset));
  return params;
}

/** May it be tried again, stopped, put first? As the server's table of states says. */
export function possibleOrders(state: TransmissionState, nextTryAt: string, now = Date.now()) {
  const waitsForLater = state === 'waiting' && Date.parse(nextTryAt) > now;
  return {
    retry: state === 'parked' || state === 'cancelled' || waitsForLater,
    stop: state !== 'done' && state !== 'cancelled',
    changePriority: state !== 'done' && state !== 'cancelled',
  };
}

/** What a badge's colour says: at rest, at work, well, or in need of somebody. */
export const TONE_OF: Record<TransmissionState, 'rest' | 'work' | 'well' | 'care' | 'need'> = {
  waiting: 'rest',
  held: 'care',
  sending: 'work',
  parked: 'need',
  done: 'well',
  cancelled: 'rest',
};

export const isEnded = (state: TransmissionState) => state === 'done' || state === 'cancelled';
