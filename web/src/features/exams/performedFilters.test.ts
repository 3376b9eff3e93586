import { expect, it } from 'vitest';
import {
  addressOfFilters,
  dayOf,
  filtersFromAddress,
  isFiltered,
  linkedSteps,
  queryOf,
  worstRemark,
} from './performedFilters';
import type { Reference } from './types';

const TODAY = '2026-11-24';
const NONE = { day: '', status: '', station: '', step: '', offset: 0 };

function refers(step_id: string | null, remark: Reference['remark'] = ''): Reference {
  return {
    study_instance_uid: '1.2',
    accession_number: 'A1',
    requested_procedure_id: 'P1',
    scheduled_procedure_step_id: 'S1',
    step_id,
    remark,
  };
}

it.each([
  ['', NONE],
  ['day=any&status=IN+PROGRESS', { ...NONE, day: 'any', status: 'IN PROGRESS' }],
  ['day=2026-11-20&station=CT1&offset=50', { ...NONE, day: '2026-11-20', station: 'CT1', offset: 50 }],
])('the address %j is read and written', (address, filters) => {
  expect(filtersFromAddress(new URLSearchParams(address))).toEqual(filters);
  expect(addressOfFilters(filters, TODAY).toString()).toBe(address);
});

it('odd addresses are passed over', () => {
  expect(filtersFromAddress(new URLSearchParams('day=x&status=LOST&offset=-1'))).toEqual(NONE);
});

it('what belongs to one scheduled step is looked for on every day', () => {
  const filters = { ...NONE, step: 's1' };
  expect(dayOf(filters, TODAY)).toBe('');
  expect(queryOf(filters, TODAY)).toMatchObject({ date_from: '', date_to: '', step_id: 's1' });
  expect([isFiltered(filters), isFiltered(NONE)]).toEqual([true, false]);
});

it('a step that several references name is one', () => {
  const references = [refers('s1'), refers('s1'), refers(null, 'not_found'), refers('s2')];
  expect(linkedSteps(references).map((one) => one.step_id)).toEqual(['s1', 's2']);
});

it.each<[Reference[], string]>([
  [[], 'unscheduled'],
  [[refers('s1')], ''],
  [[refers('s1'), refers(null, 'not_found')], 'not_found'],
  [[refers(null, 'not_found'), refers('s1', 'other_patient')], 'other_patient'],
])('of %j the worst is %j', (references, remark) => {
  expect(worstRemark(references)).toBe(remark);
});
