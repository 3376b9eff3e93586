/**
 * What the study list is asked for, and its place in the address bar: back, reload and a bookmark keep it.
 * A date preset stays relative there: a bookmarked "today" is today's tomorrow, too.
 */
import type { StudyQuery } from '../../api/types';
import { dayBefore } from '../../ui/format';

export const DATE_PRESETS = ['any', 'today', 'yesterday', 'week', 'month', 'range'] as const;
export type DatePreset = (typeof DATE_PRESETS)[number];

export interface StudyFilters {
  search: string;
  patient_name: string;
  patient_id: string;
  accession_number: string;
  modality: string[];
  date: DatePreset;
  /** Only with `date: 'range'`; YYYY-MM-DD or empty. */
  from: string;
  to: string;
  order_by: string;
  offset: number;
}

export const DEFAULT_ORDER = '-study_date';

export const NO_FILTERS: StudyFilters = {
  search: '',
  patient_name: '',
  patient_id: '',
  accession_number: '',
  modality: [],
  date: 'any',
  from: '',
  to: '',
  order_by: DEFAULT_ORDER,
  offset: 0,
};

const TEXTS = ['search', 'patient_name', 'patient_id', 'accession_number', 'from', 'to'] as const;

export function filtersFromAddress(params: URLSearchParams): StudyFilters {
  const filters: StudyFilters = { ...NO_FILTERS, modality: params.getAll('modality') };
  for (const name of TEXTS) filters[name] = params.get(name) ?? '';
  const date = params.get('date') as DatePreset;
  if (DATE_PRESETS.includes(date)) filters.date = date;
  filters.order_by = params.get('order_by') || DEFAULT_ORDER;
  const offset = Number(params.get('offset'));
  if (Number.isSafeInteger(offset) && offset > 0) filters.offset = offset;
  return filters;
}

export function addressOfFilters(filters: StudyFilters): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of TEXTS) if (filters[name]) params.set(name, filters[name]);
  for (const modality of filters.modality) params.append('modality', modality);
  if (filters.date !== 'any') params.set('date', filters.date);
  if (filters.order_by !== DEFAULT_ORDER) params.set('order_by', filters.order_by);
  if (filters.offset) params.set('offset', String(filters.offset));
  return params;
}

/** First and last day of a preset, empty for open ends. */
export function daysOf(filters: StudyFilters, today = new Date()): [from: string, to: string] {
  switch (filters.date) {
    case 'today':
      return [dayBefore(0, today), dayBefore(0, today)];
    case 'yesterday':
      return [dayBefore(1, today), dayBefore(1, today)];
    case 'week':
      return [dayBefore(6, today), ''];
    case 'month':
      return [dayBefore(29, today), ''];
    case 'range':
      return [filters.from, filters.to];
    case 'any':
      return ['', ''];
  }
}

export function queryOf(filters: StudyFilters, limit: number, today = new Date()): StudyQuery {
  const [study_date_from, study_date_to] = daysOf(filters, today);
  const { search, patient_name, patient_id, accession_number, modality, order_by, offset } = filters;
  return {
    search: search.trim(),
    patient_name: patient_name.trim(),
    patient_id: patient_id.trim(),
    accession_number: accession_number.trim(),
    modality,
    study_date_from,
    study_date_to,
    order_by,
    limit,
    offset,
  };
}

/** Is anything asked for but order and page? */
export function isFiltered(filters: StudyFilters): boolean {
  return addressOfFilters({ ...filters, order_by: DEFAULT_ORDER, offset: 0 }).size > 0;
}

/** The next order when a column's head is pressed: dates and counts begin with the greatest. */
export function nextOrder(current: string, column: string, descendingFirst: boolean): string {
  const first = descendingFirst ? `-${column}` : column;
  const second = descendingFirst ? column : `-${column}`;
  return current === first ? second : first;
}
