/** Scheduled procedure steps as `/api/worklist` has them. Names are PN text; days and times ISO 8601. */

export const STATUSES = [
  'SCHEDULED',
  'ARRIVED',
  'READY',
  'STARTED',
  'COMPLETED',
  'DISCONTINUED',
  'DEPARTED',
  'CANCELED',
] as const;
export type StepStatus = (typeof STATUSES)[number];

export interface Code {
  code_value: string;
  coding_scheme_designator: string;
  code_meaning: string;
  coding_scheme_version: string;
}

export interface StepPatient {
  patient_name: string;
  patient_id: string;
  issuer_of_patient_id: string;
  patient_birth_date: string | null;
  patient_sex: string;
  patient_weight: string;
  pregnancy_status: number | null;
  medical_alerts: string;
  allergies: string;
  special_needs: string;
}

export interface StepRequest {
  accession_number: string;
  requesting_physician: string;
  referring_physician_name: string;
  current_patient_location: string;
}

export interface StepProcedure {
  requested_procedure_id: string;
  requested_procedure_description: string;
  requested_procedure_codes: Code[];
  study_instance_uid: string;
  requested_procedure_priority: string;
  reason_for_the_requested_procedure: string;
}

export interface StepDetails {
  modality: string;
  scheduled_station_ae_titles: string[];
  start_date: string;
  start_time: string;
  scheduled_procedure_step_id: string;
  location: string;
  scheduled_performing_physician_name: string;
  description: string;
  requested_contrast_agent: string;
  comments: string;
  body_part_examined: string;
  laterality: string;
}

/** The four parts a step is made of; the server sends more fields, which go back as they came. */
export interface StepParts {
  patient: StepPatient;
  request: StepRequest;
  procedure: StepProcedure;
  step: StepDetails;
}

export interface ScheduledStep extends StepParts {
  id: string;
  revision: number;
  status: StepStatus;
  created_at: string;
  updated_at: string;
}

export interface StepPage {
  steps: ScheduledStep[];
  total: number;
  limit: number;
  offset: number;
}

/** What people report of a step. */
export type DeskVerb = 'arrive' | 'prepare' | 'depart';

export interface StepQuery {
  date_from: string;
  date_to: string;
  status: StepStatus[];
  modality: string;
  station_ae_title: string;
  search: string;
  limit: number;
  offset: number;
}
