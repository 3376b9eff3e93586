/** What the list of performed steps is asked for, and its place in the address bar. No day there is today. */
import { dayBefore } from '../../ui/format';
import { PERFORMED_STATUSES, type PerformedQuery, type Reference } from './types';

export const PAGE = 50;
export const ANY_DAY = 'any';

export interface PerformedFilters {
  /** YYYY-MM-DD; empty is today, `any` is every day. */
  day: string;
  status: string;
  station: string;
  /** A scheduled step of ours: then the day does not matter. */
  step: string;
  offset: number;
}

export function filtersFromAddress(params: URLSearchParams): PerformedFilters {
  const text = (name: string) => params.get(name) ?? '';
  const offset = Number(params.get('offset'));
  const day = text('day');
  return {
    day: day === ANY_DAY || /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : '',
    status: (PERFORMED_STATUSES as readonly string[]).includes(text('status')) ? text('status') : '',
    station: text('station'),
    step: text('step'),
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
  };
}

export function addressOfFilters(filters: PerformedFilters, today = dayBefore(0)): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value && !(name === 'day' && value === today)) params.set(name, String(value));
  }
  return params;
}

/** The day that is shown; empty for every day. */
export function dayOf(filters: PerformedFilters, today = dayBefore(0)): string {
  if (filters.day === ANY_DAY || filters.step) return '';
  return filters.day || today;
}

export function queryOf(filters: PerformedFilters, today = dayBefore(0)): PerformedQuery {
  const day = dayOf(filters, today);
  return {
    date_from: day,
    date_to: day,
    status: filters.status,
    station_ae_title: filters.station.trim(),
    step_id: filters.step,
    limit: PAGE,
    offset: filters.offset,
  };
}

export function isFiltered(filters: PerformedFilters): boolean {
  return Boolean(filters.status || filters.station.trim() || filters.step);
}

/** The scheduled steps that a performed one belongs to, each once. */
export function linkedSteps(references: readonly Reference[]): Reference[] {
  const seen = new Set<string>();
  return references.filter((one) => {
    if (!one.step_id || seen.has(one.step_id)) return false;
    seen.add(one.step_id);
    return true;
  });
}

/** The worst that is to be said of a performed step's references; empty if every one was followed. */
export function worstRemark(references: readonly Reference[]): Reference['remark'] {
  const order: Reference['remark'][] = [
    'other_patient',
    'ambiguous',
    'not_possible',
    'not_found',
    'unscheduled',
  ];
  if (!references.length) return 'unscheduled';
  return order.find((remark) => references.some((one) => one.remark === remark)) ?? '';
}
