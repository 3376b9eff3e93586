import { expect, it } from 'vitest';
import { addressOfFilters, filtersFromAddress, possibleOrders } from './queueFilters';
import type { TransmissionState } from './types';

it.each(['', 'show=parked', 'show=done&destination=PACS2&offset=50', 'offset=25'])(
  'the address keeps the filters: %s',
  (address) => {
    expect(addressOfFilters(filtersFromAddress(new URLSearchParams(address))).toString()).toBe(address);
  },
);

it('what makes no sense in the address is left out', () => {
  const filters = filtersFromAddress(new URLSearchParams('show=nonsense&offset=-5'));
  expect(filters).toEqual({ view: 'all', destination: '', offset: 0 });
});

it.each<[TransmissionState, string, string]>([
  ['waiting', '2026-01-01T00:00:00Z', 'stop changePriority'],
  ['waiting', '2026-01-01T02:00:00Z', 'retry stop changePriority'],
  ['held', '2026-01-01T00:00:00Z', 'stop changePriority'],
  ['sending', '2026-01-01T00:00:00Z', 'stop changePriority'],
  ['parked', '2026-01-01T00:00:00Z', 'retry stop changePriority'],
  ['done', '2026-01-01T00:00:00Z', ''],
  ['cancelled', '2026-01-01T00:00:00Z', 'retry'],
])('%s (next try %s) may be: %s', (state, nextTryAt, expected) => {
  const possible = Object.entries(possibleOrders(state, nextTryAt, Date.parse('2026-01-01T01:00:00Z')));
  expect(possible.flatMap(([order, may]) => (may ? [order] : [])).join(' ')).toBe(expected);
});
