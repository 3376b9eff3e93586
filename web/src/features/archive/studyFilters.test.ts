import { describe, expect, it } from 'vitest';
import { studySearchParams } from '../../api/queries';
import {
  addressOfFilters,
  filtersFromAddress,
  isFiltered,
  NO_FILTERS,
  nextOrder,
  queryOf,
  type StudyFilters,
} from './studyFilters';

const today = new Date(2026, 10, 24, 9, 30);

describe('the address bar', () => {
  it.each<[string, Partial<StudyFilters>]>([
    ['', {}],
    ['search=m%C3%BCller+knee', { search: 'müller knee' }],
    ['modality=CT&modality=MR', { modality: ['CT', 'MR'] }],
    ['date=today', { date: 'today' }],
    ['from=2026-01-01&to=2026-02-01&date=range', { date: 'range', from: '2026-01-01', to: '2026-02-01' }],
    ['order_by=patient_name&offset=50', { order_by: 'patient_name', offset: 50 }],
  ])('keeps %j', (address, filters) => {
    const whole = { ...NO_FILTERS, ...filters };
    expect(filtersFromAddress(new URLSearchParams(address))).toEqual(whole);
    expect(addressOfFilters(whole).toString()).toBe(address);
  });

  it.each(['offset=-5', 'offset=x', 'date=never'])('takes no nonsense from %j', (address) => {
    expect(filtersFromAddress(new URLSearchParams(address))).toEqual(NO_FILTERS);
  });
});

describe('what is asked of the server', () => {
  it.each<[Partial<StudyFilters>, string, string]>([
    [{ date: 'any' }, '', ''],
    [{ date: 'today' }, '2026-11-24', '2026-11-24'],
    [{ date: 'yesterday' }, '2026-11-23', '2026-11-23'],
    [{ date: 'week' }, '2026-11-18', ''],
    [{ date: 'month' }, '2026-10-26', ''],
    [{ date: 'range', from: '2026-01-01' }, '2026-01-01', ''],
  ])('%j runs from %j to %j', (filters, from, to) => {
    const query = queryOf({ ...NO_FILTERS, ...filters }, 50, today);
    expect([query.study_date_from, query.study_date_to]).toEqual([from, to]);
  });

  it('leaves empty fields out and repeats each modality', () => {
    const query = queryOf({ ...NO_FILTERS, search: ' doe ', modality: ['CT', 'MR'] }, 50, today);
    expect(studySearchParams(query).toString()).toBe(
      'search=doe&modality=CT&modality=MR&order_by=-study_date&limit=50&offset=0',
    );
  });
});

it('order and page are no filter', () => {
  expect(isFiltered({ ...NO_FILTERS, order_by: 'patient_name', offset: 100 })).toBe(false);
  expect(isFiltered({ ...NO_FILTERS, patient_id: '4711' })).toBe(true);
});

it('a column head turns the order around when pressed again', () => {
  expect(nextOrder('-study_date', 'patient_name', false)).toBe('patient_name');
  expect(nextOrder('patient_name', 'patient_name', false)).toBe('-patient_name');
  expect(nextOrder('-patient_name', 'patient_name', false)).toBe('patient_name');
  expect(nextOrder('patient_name', 'study_date', true)).toBe('-study_date');
});
