import { expect, it } from 'vitest';
import {
  broughtTogether,
  differencesOf,
  missingIn,
  newValues,
  partsOf,
  problemsIn,
  type StepValues,
  valuesOf,
} from './stepForm';
import type { ScheduledStep, StepParts } from './types';

const TYPED: StepValues = {
  ...newValues('2026-11-24', '10:15'),
  family_name: 'Probe',
  given_name: 'Maria',
  patient_id: ' P-1 ',
  procedure: 'CT head',
  modality: 'ct',
  stations: ['CT1'],
  patient_weight: '61,5',
  referring_physician: 'Sender, Sam',
  requesting_physician: 'Clinic',
};

function held(changes: Partial<StepValues> = {}, patient_name = 'Probe^Maria'): ScheduledStep {
  const parts: StepParts = partsOf({ ...TYPED, ...changes });
  return {
    id: 's1',
    revision: 1,
    status: 'SCHEDULED',
    created_at: '',
    updated_at: '',
    ...parts,
    patient: { ...parts.patient, patient_name },
    step: { ...parts.step, start_time: '10:15:00', description: 'CT head' },
  };
}

it('what was typed becomes the words of DICOM', () => {
  const { patient, request, step } = partsOf(TYPED);
  expect(patient.patient_name).toBe('Probe^Maria');
  expect([patient.patient_id, patient.patient_weight, patient.patient_birth_date]).toEqual([
    'P-1',
    '61.5',
    null,
  ]);
  expect(request.referring_physician_name).toBe('Sender^Sam');
  expect(request.requesting_physician).toBe('Clinic');
  expect(step.modality).toBe('CT');
});

it('a step that is saved untouched is sent back as it came', () => {
  const step = held({}, 'Yamada^Tarou^^Dr.=山田^太郎');
  const { patient, request, procedure, step: details } = step;
  expect(partsOf(valuesOf(step), step)).toEqual({ patient, request, procedure, step: details });
});

it.each([
  ['Probe', 'Marie', 'Probe^Marie^^Dr.=山田^太郎'],
  ['Muster', 'Maria', 'Muster^Maria^^Dr.'],
  ['Probe', '', 'Probe^^^Dr.=山田^太郎'],
])('a name changed to %j, %j keeps what still fits', (family_name, given_name, name) => {
  const step = held({}, 'Probe^Maria^^Dr.=山田^太郎');
  expect(partsOf({ ...valuesOf(step), family_name, given_name }, step).patient.patient_name).toBe(name);
});

it('a step described by its procedure follows it; one with words of its own does not', () => {
  const step = held();
  const values = { ...valuesOf(step), procedure: 'CT neck' };
  expect(partsOf(values, step).step.description).toBe('CT neck');
  const own = { ...step, step: { ...step.step, description: 'plain' } };
  expect(partsOf(values, own).step.description).toBe('plain');
});

it('what is needed and empty is said', () => {
  expect(Object.keys(missingIn(newValues('2026-11-24', '')))).toEqual([
    'family_name',
    'patient_id',
    'procedure',
    'modality',
    'stations',
    'start_time',
  ]);
  expect(missingIn(TYPED)).toEqual({});
});

it.each([
  ['PatientName has more than 64 characters', { family_name: { word: 'too_long', most: 64 } }, ''],
  [
    'Modality is needed; PatientID is needed',
    { modality: { word: 'needed' }, patient_id: { word: 'needed' } },
    '',
  ],
  ['PatientWeight is not a number', { patient_weight: { word: 'other', text: 'is not a number' } }, ''],
  [
    'RequestedProcedureDescription or a code of the procedure is needed',
    { procedure: { word: 'needed' } },
    '',
  ],
  ['AdmissionID has more than 64 characters', {}, 'AdmissionID has more than 64 characters'],
])('the server saying %j is put to the fields', (list, fields, rest) => {
  expect(problemsIn(`The step cannot be scheduled: ${list}.`)).toEqual({ fields, rest });
});

it('any other refusal is said as it is', () => {
  expect(problemsIn("The accession number belongs to another patient's request.")).toEqual({
    fields: {},
    rest: "The accession number belongs to another patient's request.",
  });
});

it("somebody else's changes are told, and taken over where I changed nothing", () => {
  const [before, now] = [held(), held({ start_time: '11:00', comments: 'late' })];
  now.step.start_time = '11:00:00';
  expect(differencesOf(before, now)).toEqual([
    { field: 'start_time', before: '10:15', now: '11:00' },
    { field: 'comments', before: '', now: 'late' },
  ]);
  const mine = { ...valuesOf(before), comments: 'be kind' };
  expect(broughtTogether(mine, before, now)).toMatchObject({ start_time: '11:00', comments: 'be kind' });
});
