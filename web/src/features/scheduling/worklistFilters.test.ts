import { expect, it } from 'vitest';
import {
  addressOfFilters,
  dayOf,
  filtersFromAddress,
  isFiltered,
  NO_FILTERS,
  queryOf,
  type WorklistFilters,
} from './worklistFilters';

const TODAY = '2026-11-24';
const ALL: WorklistFilters = { day: '', ...NO_FILTERS };

it.each<[string, Partial<WorklistFilters>]>([
  ['', {}],
  ['day=2026-11-25', { day: '2026-11-25' }],
  ['day=any&state=todo', { day: 'any', state: 'todo' }],
  ['modality=CT&station=CT+1&offset=100', { modality: 'CT', station: 'CT 1', offset: 100 }],
])('the address %j is %j and back', (address, filters) => {
  const read = filtersFromAddress(new URLSearchParams(address), '');
  expect(read).toEqual({ ...ALL, ...filters });
  expect(addressOfFilters(read, TODAY).toString()).toBe(address);
});

it.each(['day=yesterday', 'state=lost', 'offset=-3', 'offset=many'])(
  '%j in the address is passed over',
  (address) => {
    expect(filtersFromAddress(new URLSearchParams(address), undefined)).toEqual(ALL);
  },
);

it('today needs no place in the address, and a name gets none', () => {
  const filters = { ...ALL, day: TODAY, search: 'Probe Maria' };
  expect(addressOfFilters(filters, TODAY).toString()).toBe('');
  expect(filtersFromAddress(new URLSearchParams(), 'Probe Maria').search).toBe('Probe Maria');
});

it('no day is today, and any day is no limit', () => {
  expect(dayOf(ALL, TODAY)).toBe(TODAY);
  expect(dayOf({ ...ALL, day: 'any' }, TODAY)).toBe('');
});

it('a state stands for the statuses of the server', () => {
  expect(queryOf({ ...ALL, state: 'todo', search: ' nr 1 ' }, TODAY)).toEqual({
    date_from: TODAY,
    date_to: TODAY,
    status: ['SCHEDULED', 'ARRIVED', 'READY'],
    modality: '',
    station_ae_title: '',
    search: 'nr 1',
    limit: 100,
    offset: 0,
  });
});

it('a day and a page are no filter', () => {
  expect(isFiltered({ ...ALL, day: '2026-11-25', offset: 100 })).toBe(false);
  expect(isFiltered({ ...ALL, station: 'CT1' })).toBe(true);
});
