/**
 * What the worklist is asked for, and its place in the address bar. No day there is today: a bookmark stays
 * today's list. What is searched for may be a name, so it is kept in the history entry and not in the address.
 */
import { dayBefore } from '../../ui/format';
import type { StepQuery, StepStatus } from './types';

export const STATE_GROUPS = {
  all: [],
  todo: ['SCHEDULED', 'ARRIVED', 'READY'],
  running: ['STARTED'],
  done: ['COMPLETED', 'DISCONTINUED', 'DEPARTED'],
  cancelled: ['CANCELED'],
} as const satisfies Record<string, readonly StepStatus[]>;
export type StateGroup = keyof typeof STATE_GROUPS;

export const ANY_DAY = 'any';
export const PAGE = 100;

export interface WorklistFilters {
  /** YYYY-MM-DD; empty is today, `any` is every day. */
  day: string;
  state: StateGroup;
  modality: string;
  station: string;
  search: string;
  offset: number;
}

export const NO_FILTERS: Omit<WorklistFilters, 'day'> = {
  state: 'all',
  modality: '',
  station: '',
  search: '',
  offset: 0,
};

export function filtersFromAddress(params: URLSearchParams, search: unknown): WorklistFilters {
  const day = params.get('day') ?? '';
  const state = params.get('state') ?? '';
  const offset = Number(params.get('offset'));
  return {
    day: day === ANY_DAY || /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : '',
    state: state in STATE_GROUPS ? (state as StateGroup) : 'all',
    modality: params.get('modality') ?? '',
    station: params.get('station') ?? '',
    search: typeof search === 'string' ? search : '',
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
  };
}

export function addressOfFilters(filters: WorklistFilters, today = dayBefore(0)): URLSearchParams {
  const params = new URLSearchParams();
  if (filters.day && filters.day !== today) params.set('day', filters.day);
  if (filters.state !== 'all') params.set('state', filters.state);
  if (filters.modality) params.set('modality', filters.modality);
  if (filters.station) params.set('station', filters.station);
  if (filters.offset) params.set('offset', String(filters.offset));
  return params;
}

/** The day that is shown; empty for every day. */
export function dayOf(filters: WorklistFilters, today = dayBefore(0)): string {
  if (filters.day === ANY_DAY) return '';
  return filters.day || today;
}

export function queryOf(filters: WorklistFilters, today = dayBefore(0)): StepQuery {
  const day = dayOf(filters, today);
  return {
    date_from: day,
    date_to: day,
    status: [...STATE_GROUPS[filters.state]],
    modality: filters.modality,
    station_ae_title: filters.station.trim(),
    search: filters.search.trim(),
    limit: PAGE,
    offset: filters.offset,
  };
}

/** Is anything asked for but the day and the page? */
export function isFiltered(filters: WorklistFilters): boolean {
  return Boolean(
    filters.state !== 'all' || filters.modality || filters.station.trim() || filters.search.trim(),
  );
}
