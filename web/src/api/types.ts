/**
 * What travels between the web app and `/api`, in the server's own words (snake_case).
 * Where to start: `Study`. Written by hand until the OpenAPI document takes over.
 */

export interface User {
  user_name: string;
  display_name: string;
}

export type Permission =
  | 'studies.read'
  | 'studies.store'
  | 'studies.send'
  | 'routing.manage'
  | 'remote.query'
  | 'worklist.read'
  | 'worklist.write'
  | 'performed_steps.read'
  | 'quarantine.read'
  | 'quarantine.resolve'
  | 'nodes.manage';

export interface Session {
  user: User;
  /** What the person may do; more than this app knows of. */
  permissions: (Permission | string)[];
  expires_at: string | null;
}

export interface SetUpRequest {
  token: string;
  user_name: string;
  display_name: string;
  password: string;
}

export interface Study {
  study_instance_uid: string;
  /** DICOM PN text: components split by `^`, groups (alphabetic, ideographic, phonetic) by `=`. */
  patient_name: string;
  patient_id: string;
  issuer_of_patient_id: string | null;
  /** YYYY-MM-DD */
  patient_birth_date: string | null;
  patient_sex: string | null;
  /** YYYY-MM-DD */
  study_date: string | null;
  /** HH:MM:SS, the modality's own wall clock */
  study_time: string | null;
  accession_number: string | null;
  study_description: string | null;
  referring_physician_name: string | null;
  modalities_in_study: string[];
  number_of_series: number;
  number_of_instances: number;
  size_bytes: number;
  received_at: string;
  updated_at: string;
}

export interface Series {
  series_instance_uid: string;
  modality: string | null;
  series_number: number | null;
  series_description: string | null;
  body_part_examined: string | null;
  number_of_instances: number;
  thumbnail_url: string | null;
}

export interface StudyDetail extends Study {
  series_list: Series[];
}

export interface StudyPage {
  studies: Study[];
  total: number;
  /** False where the server stopped counting: there are more than `total`. */
  total_is_exact: boolean;
  limit: number;
  offset: number;
}

/** The query of `GET /api/studies`; an empty field is not sent. */
export interface StudyQuery {
  search: string;
  patient_name: string;
  patient_id: string;
  accession_number: string;
  modality: string[];
  /** YYYY-MM-DD */
  study_date_from: string;
  /** YYYY-MM-DD */
  study_date_to: string;
  order_by: string;
  limit: number;
  offset: number;
}

export interface StudyChanged {
  study_instance_uid: string;
  number_of_series: number;
  number_of_instances: number;
}

export interface AttributeConflict {
  attribute: string;
  held: string | null;
  received: string | null;
}

export interface QuarantineItem {
  id: string;
  /** A machine word; `explanation` says it in plain words. */
  reason: string;
  explanation: string;
  received_at: string;
  calling_ae_title: string | null;
  study_instance_uid: string | null;
  series_instance_uid: string | null;
  sop_instance_uid: string | null;
  size_bytes: number;
  patient_id: string | null;
  patient_name: string | null;
  conflicts: AttributeConflict[];
  /** False where filing it would make no sense, such as a data set that breaks off. */
  can_be_accepted: boolean;
}

export interface QuarantinePage {
  items: QuarantineItem[];
  total: number;
}

export interface SystemStatus {
  version: string;
  ae_title: string;
  dicom_port: number;
  dicom_host: string;
  studies: number;
  instances: number;
  size_bytes: number;
  quarantine: number | null;
}

/** RFC 9457 problem details. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
}
