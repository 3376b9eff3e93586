/** What travels about other archives, in the server's own words. Where to start: `RemoteStudy`. */

export interface RemoteArchive {
  ae_title: string;
  description: string;
}

/** What is looked for; an empty part lets all pass, one at least must not be empty. */
export interface RemoteSearch {
  patient_name: string;
  patient_id: string;
  accession_number: string;
  /** YYYY-MM-DD or empty */
  study_date_from: string;
  study_date_to: string;
  modalities: string[];
}

export interface RemoteStudy {
  study_instance_uid: string;
  /** DICOM PN text */
  patient_name: string;
  patient_id: string;
  patient_birth_date: string | null;
  patient_sex: string;
  study_date: string | null;
  study_time: string | null;
  accession_number: string;
  study_description: string;
  modalities_in_study: string[];
  /** null where the other archive gives no count */
  number_of_series: number | null;
  number_of_instances: number | null;
  number_of_instances_here: number;
  is_here: boolean;
}

export interface RemoteStudies {
  studies: RemoteStudy[];
  /** False when there was more, and the search was cut off. */
  is_whole: boolean;
}

export interface RemoteSeries {
  series_instance_uid: string;
  modality: string;
  series_number: number | null;
  series_description: string;
  series_date: string | null;
  body_part_examined: string;
  number_of_instances: number | null;
}

export type PullState = 'waiting' | 'running' | 'done' | 'failed' | 'stopped';

/** A study, or some series of it, that is being fetched or was. */
export interface Pull {
  id: string;
  ae_title: string;
  study_instance_uid: string;
  series_instance_uids: string[];
  state: PullState;
  completed: number;
  failed: number;
  remaining: number;
  /** Why it waits again or has failed, in plain words. */
  explanation: string;
  asked_by: string;
  asked_at: string;
  ended_at: string | null;
}

/** A study of one archive, as a row. */
export interface FoundStudy extends RemoteStudy {
  archive: string;
}
