import type { ReactNode } from 'react';
import type { Study } from '../../api/types';
import { ageInYears, formatBytes, formatClock, formatCount, formatDay, formatInstant } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { PersonName } from '../../ui/PersonName';

/** One column of the study list. `order` is the server's name for sorting by it. */
export interface StudyColumn {
  id: string;
  label: string;
  order?: string;
  descendingFirst?: boolean;
  numeric?: boolean;
  /** The window width class from which it is shown; without it, always. */
  from?: 'md' | 'lg' | 'xl';
  cell: (study: Study) => ReactNode;
}

function birth(study: Study): string {
  const age = ageInYears(study.patient_birth_date, study.study_date);
  const day = formatDay(study.patient_birth_date);
  return age === null ? day : `${day} (${age})`;
}

type Translate = (key: string) => string;

/** The columns but the first: the patient's name is the row's link and made by the row. */
export function studyColumns(t: Translate): StudyColumn[] {
  return [
    {
      id: 'patient_id',
      label: t('study.patient_id'),
      order: 'patient_id',
      cell: (study) => <bdi className="mono">{study.patient_id}</bdi>,
    },
    { id: 'birth', label: t('study.birth'), from: 'lg', cell: birth },
    { id: 'sex', label: t('study.sex'), from: 'lg', cell: (study) => study.patient_sex },
    {
      id: 'study_date',
      label: t('study.date'),
      order: 'study_date',
      descendingFirst: true,
      cell: (study) => (
        <>
          {formatDay(study.study_date)} <span className="quiet">{formatClock(study.study_time)}</span>
        </>
      ),
    },
    {
      id: 'modality',
      label: t('study.modality'),
      order: 'modality',
      cell: (study) => <ModalityBadges modalities={study.modalities_in_study} />,
    },
    {
      id: 'study_description',
      label: t('study.description'),
      order: 'study_description',
      cell: (study) => <bdi>{study.study_description}</bdi>,
    },
    {
      id: 'accession_number',
      label: t('study.accession_number'),
      order: 'accession_number',
      from: 'md',
      cell: (study) => <bdi className="mono">{study.accession_number}</bdi>,
    },
    {
      id: 'referring',
      label: t('study.referring'),
      from: 'xl',
      cell: (study) => <PersonName name={study.referring_physician_name} none="" />,
    },
    {
      id: 'series',
      label: t('study.series'),
      numeric: true,
      from: 'md',
      cell: (study) => formatCount(study.number_of_series),
    },
    {
      id: 'images',
      label: t('study.images'),
      numeric: true,
      cell: (study) => formatCount(study.number_of_instances),
    },
    {
      id: 'size',
      label: t('study.size'),
      numeric: true,
      from: 'xl',
      cell: (study) => formatBytes(study.size_bytes),
    },
    {
      id: 'received_at',
      label: t('study.received'),
      order: 'received_at',
      descendingFirst: true,
      from: 'xl',
      cell: (study) => formatInstant(study.received_at),
    },
  ];
}
