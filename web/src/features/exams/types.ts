/** Performed procedure steps as `/api/performed-steps` has them: what machines said by MPPS. */

export const PERFORMED_STATUSES = ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED'] as const;
export type PerformedStatus = (typeof PERFORMED_STATUSES)[number];

/** Why a reference was not followed to a scheduled step, or had no effect on it; empty if it was. */
export type Remark = '' | 'unscheduled' | 'not_found' | 'ambiguous' | 'other_patient' | 'not_possible';

export interface Reference {
  study_instance_uid: string;
  accession_number: string;
  requested_procedure_id: string;
  scheduled_procedure_step_id: string;
  /** The scheduled step that was found. */
  step_id: string | null;
  remark: Remark;
}

export interface PerformedStep {
  sop_instance_uid: string;
  performed_procedure_step_id: string;
  status: PerformedStatus;
  modality: string;
  performed_station_ae_title: string;
  performed_station_name: string;
  start_date: string | null;
  start_time: string | null;
  end_date: string | null;
  end_time: string | null;
  description: string;
  /** A code value of PS3.16 CID 9300, or empty. */
  discontinuation_reason: string;
  patient_id: string;
  patient_name: string;
  patient_birth_date: string | null;
  patient_sex: string;
  number_of_series: number;
  number_of_instances: number;
  calling_ae_title: string;
  created_at: string;
  updated_at: string;
  references: Reference[];
}

export interface PerformedSeries {
  series_instance_uid: string;
  series_description: string;
  protocol_name: string;
  number_of_instances: number;
}

export interface PerformedStepDetail extends PerformedStep {
  series_list: PerformedSeries[];
}

export interface PerformedPage {
  performed_steps: PerformedStep[];
  total: number;
  limit: number;
  offset: number;
}

export interface PerformedQuery {
  date_from: string;
  date_to: string;
  status: string;
  station_ae_title: string;
  /** Only what belongs to this scheduled step. */
  step_id: string;
  limit: number;
  offset: number;
}
