/** What travels about rules, the queue and de-identification, in the server's own words. */

export const STATES = ['waiting', 'held', 'sending', 'parked', 'done', 'cancelled'] as const;
export type TransmissionState = (typeof STATES)[number];

export const PRIORITIES = ['urgent', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface Transmission {
  id: string;
  study_instance_uid: string;
  /** Empty: the whole study. */
  series_instance_uids: string[];
  destination: string;
  reason: 'rule' | 'person';
  /** The name of the rule or of the person. */
  asked_by: string;
  state: TransmissionState;
  priority: Priority;
  instances: number;
  instances_sent: number;
  instances_refused: number;
  attempts: number;
  next_try_at: string;
  last_error: string;
  request_commitment: boolean;
  project: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  study_description: string;
  accession_number: string;
  patient_id: string;
  patient_name: string;
}

export interface TransmissionPage {
  transmissions: Transmission[];
  total: number;
}

/** The first of what the other side refused, and how many there are. */
export interface RefusedInstances {
  items: { sop_instance_uid: string; series_instance_uid: string }[];
  total: number;
}

export interface TransmissionQuery {
  state: readonly TransmissionState[];
  destination: string;
  study_instance_uid: string;
  limit: number;
  offset: number;
}

export interface DestinationState {
  ae_title: string;
  is_paused: boolean;
  failures: number;
  next_try_at: string | null;
  /** Of what is unfinished. */
  counts: Partial<Record<TransmissionState, number>>;
}

export interface Queue {
  is_paused: boolean;
  destinations: DestinationState[];
}

/** A node that may be sent to. */
export interface Destination {
  ae_title: string;
  description: string;
}

export interface SendRequest {
  destinations: string[];
  series_instance_uids: string[];
  priority: Priority;
  request_commitment: boolean;
  project: string;
}

export const WEEKDAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** HH:MM in the department's zone; past midnight where it ends before it begins. */
export interface TimeWindow {
  begins_at: string;
  ends_at: string;
  weekdays: Weekday[];
}

/** Conditions that are lists of patterns with * and ?; one that is empty lets all pass. */
export const PATTERN_CONDITIONS = [
  'modalities',
  'calling_ae_titles',
  'station_names',
  'study_descriptions',
  'series_descriptions',
  'body_parts_examined',
  'referring_physician_names',
] as const;
export type PatternCondition = (typeof PATTERN_CONDITIONS)[number];

export interface NewRule extends Record<PatternCondition, string[]> {
  name: string;
  destinations: string[];
  is_active: boolean;
  position: number;
  received_within: TimeWindow | null;
  scope: 'study' | 'series';
  quiet_seconds: number;
  send_within: TimeWindow | null;
  priority: Priority;
  request_commitment: boolean;
  project: string;
}

/** What the server adds to whatever it keeps. */
export interface Kept {
  id: string;
  created_at: string;
  updated_at: string;
}

export type Rule = NewRule & Kept;

export interface SeriesVerdict {
  series_instance_uid: string;
  modality: string;
  series_description: string;
  failed_conditions: (PatternCondition | 'received_within')[];
}

export interface DryRun {
  series_list: SeriesVerdict[];
  /** By destination. */
  instances: Record<string, number>;
}

export interface NewPrefetchRule {
  name: string;
  archives: string[];
  is_active: boolean;
  position: number;
  modalities: string[];
  procedures: string[];
  priors_max: number;
  years_max: number;
  same_modality_only: boolean;
  same_body_part_only: boolean;
}

export type PrefetchRule = NewPrefetchRule & Kept;

export const PROJECT_OPTIONS = [
  'retain_full_dates',
  'shift_dates',
  'retain_patient_characteristics',
  'retain_uids',
] as const;
export type ProjectOption = (typeof PROJECT_OPTIONS)[number];

export interface Project {
  name: string;
  options: ProjectOption[];
  created_at: string;
}

export interface Subscriber {
  ae_title: string;
  created_at: string;
}
