import { expect, it } from 'vitest';
import { addressOf, isEmptySearch, NO_SEARCH, pullOf, searchFromAddress, withHeld } from './search';
import type { FoundStudy, Pull } from './types';

const STUDY: FoundStudy = {
  archive: 'OLDPACS',
  study_instance_uid: '1.2.3',
  patient_name: 'Doe^Jane',
  patient_id: '4711',
  patient_birth_date: null,
  patient_sex: 'F',
  study_date: '2026-01-02',
  study_time: null,
  accession_number: '',
  study_description: '',
  modalities_in_study: ['CT'],
  number_of_series: 1,
  number_of_instances: 10,
  number_of_instances_here: 0,
  is_here: false,
};

const PULL: Pull = {
  id: 'a',
  ae_title: 'OLDPACS',
  study_instance_uid: '1.2.3',
  series_instance_uids: [],
  state: 'failed',
  completed: 0,
  failed: 0,
  remaining: 0,
  explanation: '',
  asked_by: 'anna',
  asked_at: '2026-01-02T10:00:00Z',
  ended_at: null,
};

it('nothing that names a patient stands in the address', () => {
  const search = {
    ...NO_SEARCH,
    patient_name: 'Doe',
    patient_id: '4711',
    accession_number: 'A1',
    study_date_from: '2026-01-01',
    modalities: ['CT', 'MR'],
  };
  const address = addressOf(['OLDPACS'], search);
  expect(address.toString()).toBe('archive=OLDPACS&modality=CT&modality=MR&from=2026-01-01');
  const named = { patient_name: '', patient_id: '', accession_number: '' };
  expect(searchFromAddress(address)).toEqual({ ...search, ...named });
});

it('a search of blanks is none', () => {
  expect(isEmptySearch({ ...NO_SEARCH, patient_name: '  ' })).toBe(true);
  expect(isEmptySearch({ ...NO_SEARCH, modalities: ['CT'] })).toBe(false);
});

it('a row tells of what is under way, and of what this screen asked for', () => {
  const running: Pull = { ...PULL, id: 'b', state: 'running' };
  expect(pullOf(STUDY, [PULL], new Set())).toBeUndefined();
  expect(pullOf(STUDY, [PULL], new Set(['a']))).toBe(PULL);
  expect(pullOf(STUDY, [PULL, running], new Set(['a']))).toBe(running);
  expect(pullOf(STUDY, [{ ...running, ae_title: 'OTHER' }], new Set(['b']))).toBeUndefined();
});

it.each([
  [10, 0, false],
  [10, 9, false],
  [10, 10, true],
  [null, 0, false],
  [null, 1, true],
])('of %s instances, %s are here: all of them? %s', (number_of_instances, here, is_here) => {
  expect(withHeld({ ...STUDY, number_of_instances }, here).is_here).toBe(is_here);
});
