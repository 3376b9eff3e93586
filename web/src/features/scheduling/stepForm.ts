/**
 * A scheduled step as a form has it, and back: names in parts, empty text for what is not known.
 * Also here: what the server found wrong, put to the fields; and two people's changes brought together.
 * Where to start: `StepValues`.
 */
import { shownName } from '../../ui/personName';
import type { ScheduledStep, StepParts } from './types';

export interface StepValues {
  family_name: string;
  given_name: string;
  patient_id: string;
  patient_birth_date: string;
  patient_sex: string;
  patient_weight: string;
  pregnancy_status: string;
  allergies: string;
  medical_alerts: string;
  special_needs: string;
  procedure: string;
  reason: string;
  priority: string;
  modality: string;
  stations: string[];
  start_date: string;
  start_time: string;
  body_part: string;
  laterality: string;
  contrast_agent: string;
  performing_physician: string;
  room: string;
  comments: string;
  accession_number: string;
  referring_physician: string;
  requesting_physician: string;
  patient_location: string;
}

export type StepField = keyof StepValues;

/** What stays as it is once the step exists: the server refuses changes to identifiers. */
export const FIXED: readonly StepField[] = ['patient_id', 'accession_number'];

export const REQUIRED: readonly StepField[] = [
  'family_name',
  'patient_id',
  'procedure',
  'modality',
  'stations',
  'start_date',
  'start_time',
];

/** Which field of the form an attribute of DICOM is. */
const FIELD_OF: Record<string, StepField> = {
  PatientName: 'family_name',
  PatientID: 'patient_id',
  PatientBirthDate: 'patient_birth_date',
  PatientSex: 'patient_sex',
  PatientWeight: 'patient_weight',
  PregnancyStatus: 'pregnancy_status',
  Allergies: 'allergies',
  MedicalAlerts: 'medical_alerts',
  SpecialNeeds: 'special_needs',
  RequestedProcedureDescription: 'procedure',
  ScheduledProcedureStepDescription: 'procedure',
  ReasonForTheRequestedProcedure: 'reason',
  RequestedProcedurePriority: 'priority',
  Modality: 'modality',
  ScheduledStationAETitle: 'stations',
  ScheduledProcedureStepStartDate: 'start_date',
  ScheduledProcedureStepStartTime: 'start_time',
  BodyPartExamined: 'body_part',
  Laterality: 'laterality',
  RequestedContrastAgent: 'contrast_agent',
  ScheduledPerformingPhysicianName: 'performing_physician',
  ScheduledProcedureStepLocation: 'room',
  CommentsOnTheScheduledProcedureStep: 'comments',
  AccessionNumber: 'accession_number',
  ReferringPhysicianName: 'referring_physician',
  RequestingPhysician: 'requesting_physician',
  CurrentPatientLocation: 'patient_location',
};

/** The parts of a name's alphabetic group that have a field, and what has none and is kept. */
function partsOfName(personName: string): {
  family: string;
  given: string;
  others: string[];
  groups: string[];
} {
  const [alphabetic = '', ...groups] = personName.split('=');
  const [family = '', given = '', ...others] = alphabetic.split('^');
  return { family, given, others, groups };
}

function nameOf(values: StepValues, held: string): string {
  const { family, given, others, groups } = partsOfName(held);
  const [newFamily, newGiven] = [values.family_name.trim(), values.given_name.trim()];
  if (newFamily === family.trim() && newGiven === given.trim()) return held;
  // Another spelling in another script would not fit the new name any more.
  const alphabetic = [newFamily, newGiven, ...others].join('^').replace(/\^+$/, '');
  return newFamily === family.trim() ? [alphabetic, ...groups].join('=') : alphabetic;
}

/** A physician is one field, written as people do: "Family, Given". */
function physicianOf(typed: string, held: string): string {
  const text = typed.trim();
  if (text === shownName(held).main) return held;
  const [family = '', ...given] = text.split(',');
  return [family.trim(), given.join(' ').trim()].filter(Boolean).join('^');
}

export function newValues(start_date: string, start_time: string): StepValues {
  return { ...valuesOf(EMPTY), start_date, start_time };
}

const EMPTY: StepParts = {
  patient: {
    patient_name: '',
    patient_id: '',
    issuer_of_patient_id: '',
    patient_birth_date: null,
    patient_sex: '',
    patient_weight: '',
    pregnancy_status: null,
    medical_alerts: '',
    allergies: '',
    special_needs: '',
  },
  request: {
    accession_number: '',
    requesting_physician: '',
    referring_physician_name: '',
    current_patient_location: '',
  },
  procedure: {
    requested_procedure_id: '',
    requested_procedure_description: '',
    requested_procedure_codes: [],
    study_instance_uid: '',
    requested_procedure_priority: '',
    reason_for_the_requested_procedure: '',
  },
  step: {
    modality: '',
    scheduled_station_ae_titles: [],
    start_date: '',
    start_time: '',
    scheduled_procedure_step_id: '',
    location: '',
    scheduled_performing_physician_name: '',
    description: '',
    requested_contrast_agent: '',
    comments: '',
    body_part_examined: '',
    laterality: '',
  },
};

export function valuesOf({ patient, request, procedure, step }: StepParts): StepValues {
  const { family, given } = partsOfName(patient.patient_name);
  return {
    family_name: family,
    given_name: given,
    patient_id: patient.patient_id,
    patient_birth_date: patient.patient_birth_date ?? '',
    patient_sex: patient.patient_sex,
    patient_weight: patient.patient_weight,
    pregnancy_status: patient.pregnancy_status === null ? '' : String(patient.pregnancy_status),
    allergies: patient.allergies,
    medical_alerts: patient.medical_alerts,
    special_needs: patient.special_needs,
    procedure: procedure.requested_procedure_description,
    reason: procedure.reason_for_the_requested_procedure,
    priority: procedure.requested_procedure_priority,
    modality: step.modality,
    stations: step.scheduled_station_ae_titles,
    start_date: step.start_date,
    start_time: step.start_time.slice(0, 5),
    body_part: step.body_part_examined,
    laterality: step.laterality,
    contrast_agent: step.requested_contrast_agent,
    performing_physician: shownName(step.scheduled_performing_physician_name).main,
    room: step.location,
    comments: step.comments,
    accession_number: request.accession_number,
    referring_physician: shownName(request.referring_physician_name).main,
    requesting_physician: shownName(request.requesting_physician).main,
    patient_location: request.current_patient_location,
  };
}

/** What is sent: the step as it was held, with the form's values in place. */
export function partsOf(values: StepValues, held: StepParts = EMPTY): StepParts {
  const { patient, request, procedure, step } = held;
  const described = procedure.requested_procedure_description;
  return {
    patient: {
      ...patient,
      patient_name: nameOf(values, patient.patient_name),
      patient_id: values.patient_id.trim(),
      patient_birth_date: values.patient_birth_date || null,
      patient_sex: values.patient_sex,
      patient_weight: values.patient_weight.trim().replace(',', '.'),
      pregnancy_status: values.pregnancy_status ? Number(values.pregnancy_status) : null,
      medical_alerts: values.medical_alerts.trim(),
      allergies: values.allergies.trim(),
      special_needs: values.special_needs.trim(),
    },
    request: {
      ...request,
      accession_number: values.accession_number.trim(),
      requesting_physician: physicianOf(values.requesting_physician, request.requesting_physician),
      referring_physician_name: physicianOf(values.referring_physician, request.referring_physician_name),
      current_patient_location: values.patient_location.trim(),
    },
    procedure: {
      ...procedure,
      requested_procedure_description: values.procedure.trim(),
      requested_procedure_priority: values.priority,
      reason_for_the_requested_procedure: values.reason.trim(),
    },
    step: {
      ...step,
      modality: values.modality.trim().toUpperCase(),
      scheduled_station_ae_titles: values.stations,
      start_date: values.start_date,
      start_time: step.start_time.startsWith(values.start_time) ? step.start_time : values.start_time,
      location: values.room.trim(),
      scheduled_performing_physician_name: physicianOf(
        values.performing_physician,
        step.scheduled_performing_physician_name,
      ),
      // A step that had only the words of its procedure goes on having them.
      description: step.description === described ? values.procedure.trim() : step.description,
      requested_contrast_agent: values.contrast_agent.trim(),
      comments: values.comments.trim(),
      body_part_examined: values.body_part.trim().toUpperCase(),
      laterality: values.laterality,
    },
  };
}

/** What is wrong with a field, as a word of ours with its number, or in the server's own words. */
export interface FieldProblem {
  word: 'needed' | 'too_long' | 'other';
  most?: number;
  text?: string;
}

export type FieldProblems = Partial<Record<StepField, FieldProblem>>;

export function missingIn(values: StepValues): FieldProblems {
  const missing = REQUIRED.filter(
    (field) => values[field].length === 0 || values[field].toString().trim() === '',
  );
  return Object.fromEntries(missing.map((field) => [field, { word: 'needed' } as const]));
}

function problemIn(text: string): FieldProblem {
  if (text === 'is needed') return { word: 'needed' };
  const most = /^has more than (\d+) characters$/.exec(text)?.[1];
  return most ? { word: 'too_long', most: Number(most) } : { word: 'other', text };
}

/**
 * The server's "The step cannot be scheduled: Keyword what is wrong; Keyword …" by field.
 * `rest` is what no field could be found for: it is said above the form.
 */
export function problemsIn(detail: string): { fields: FieldProblems; rest: string } {
  const list = /^The step cannot be scheduled: (.*)\.$/.exec(detail)?.[1];
  if (!list) return { fields: {}, rest: detail };
  const fields: FieldProblems = {};
  const rest: string[] = [];
  for (const one of list.split('; ')) {
    const [keyword = '', ...words] = one.split(' ');
    const field = FIELD_OF[keyword];
    if (field) fields[field] ??= problemIn(words.join(' ').replace(/^or a code of the procedure /, ''));
    else rest.push(one);
  }
  return { fields, rest: rest.join('; ') };
}

export interface Difference {
  field: StepField;
  before: string;
  now: string;
}

const textOf = (value: string | string[]) => (Array.isArray(value) ? value.join(', ') : value);

/** What somebody else changed between two readings of a step. */
export function differencesOf(before: ScheduledStep, now: ScheduledStep): Difference[] {
  const [old, fresh] = [valuesOf(before), valuesOf(now)];
  return (Object.keys(old) as StepField[])
    .map((field) => ({ field, before: textOf(old[field]), now: textOf(fresh[field]) }))
    .filter((one) => one.before !== one.now);
}

/** My values with somebody else's changes in the fields that I have not touched. */
export function broughtTogether(mine: StepValues, before: ScheduledStep, now: ScheduledStep): StepValues {
  const [old, fresh] = [valuesOf(before), valuesOf(now)];
  const untouched = (Object.keys(old) as StepField[]).filter(
    (field) => textOf(mine[field]) === textOf(old[field]),
  );
  return { ...mine, ...Object.fromEntries(untouched.map((field) => [field, fresh[field]])) };
}
