/**
 * What other archives are asked, and the part of it that may stand in the address bar: nothing that names
 * a patient.
 */
import type { FoundStudy, Pull, RemoteSearch, RemoteStudy } from './types';

export const NO_SEARCH: RemoteSearch = {
  patient_name: '',
  patient_id: '',
  accession_number: '',
  study_date_from: '',
  study_date_to: '',
  modalities: [],
};

export interface Asked {
  archives: string[];
  search: RemoteSearch;
  /** Tells one press of the button from the next. */
  at: number;
}

export function isEmptySearch(search: RemoteSearch): boolean {
  return Object.values(search).every((value) => (typeof value === 'string' ? !value.trim() : !value.length));
}

export function searchFromAddress(params: URLSearchParams): RemoteSearch {
  return {
    ...NO_SEARCH,
    study_date_from: params.get('from') ?? '',
    study_date_to: params.get('to') ?? '',
    modalities: params.getAll('modality'),
  };
}

export function addressOf(archives: string[], search: RemoteSearch): URLSearchParams {
  const params = new URLSearchParams();
  for (const archive of archives) params.append('archive', archive);
  for (const modality of search.modalities) params.append('modality', modality);
  if (search.study_date_from) params.set('from', search.study_date_from);
  if (search.study_date_to) params.set('to', search.study_date_to);
  return params;
}

/** The body of the search; the server takes null for an open end. */
export function bodyOf(archive: string, search: RemoteSearch) {
  return {
    ...search,
    ae_title: archive,
    study_date_from: search.study_date_from || null,
    study_date_to: search.study_date_to || null,
  };
}

/** Newest first, as every list of studies here; of one moment, by name. */
export function inOrder(studies: FoundStudy[]): FoundStudy[] {
  const moment = (study: FoundStudy) => `${study.study_date ?? ''} ${study.study_time ?? ''}`;
  return [...studies].sort(
    (a, b) => moment(b).localeCompare(moment(a)) || a.patient_name.localeCompare(b.patient_name),
  );
}

export function isUnderWay(pull: Pull): boolean {
  return pull.state === 'waiting' || pull.state === 'running';
}

/** The pull that a row tells of: the one under way, else the newest that was asked for on this screen. */
export function pullOf(study: FoundStudy, pulls: Pull[], mine: ReadonlySet<string>): Pull | undefined {
  const ofStudy = pulls.filter(
    (pull) => pull.ae_title === study.archive && pull.study_instance_uid === study.study_instance_uid,
  );
  return ofStudy.find(isUnderWay) ?? ofStudy.find((pull) => mine.has(pull.id));
}

/** The study with as many instances here as a live event tells. */
export function withHeld(study: RemoteStudy, here: number): RemoteStudy {
  const total = study.number_of_instances;
  return { ...study, number_of_instances_here: here, is_here: here > 0 && (total === null || here >= total) };
}

export const rowKey = (study: FoundStudy) => `${study.archive} ${study.study_instance_uid}`;
