import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatDayInWords, formatInstant, localeOf } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import { StepState } from './StepState';
import { valuesOf } from './stepForm';
import type { ScheduledStep } from './types';
import { PatientLine } from './WorklistTable';

/** Everything that is known of an exam; what is empty is left out. */
export function StepFacts({ held }: { held: ScheduledStep }) {
  const { t, i18n } = useTranslation();
  const locale = localeOf(i18n.language);
  const values = valuesOf(held);
  const coded = (family: string, value: string) =>
    value && t(`worklist.${family}.${value}`, { defaultValue: value });
  const start = `${formatDayInWords(values.start_date, locale)}, ${values.start_time}`;
  const facts: [string, ReactNode][] = [
    [t('worklist.field.procedure'), values.procedure],
    [t('worklist.start'), start],
    [t('worklist.field.modality'), values.modality],
    [t('worklist.field.stations'), values.stations.join(', ')],
    [t('worklist.field.room'), values.room],
    [t('worklist.field.body_part'), values.body_part],
    [t('worklist.field.laterality'), coded('laterality', values.laterality)],
    [t('worklist.field.priority'), coded('priority', values.priority)],
    [t('worklist.field.accession_number'), values.accession_number],
    [t('worklist.field.referring_physician'), values.referring_physician],
    [t('worklist.field.requesting_physician'), values.requesting_physician],
    [t('worklist.field.performing_physician'), values.performing_physician],
    [t('worklist.field.patient_location'), values.patient_location],
    [t('worklist.field.reason'), values.reason],
    [t('worklist.field.allergies'), values.allergies],
    [t('worklist.field.medical_alerts'), values.medical_alerts],
    [t('worklist.field.pregnancy_status'), coded('pregnancy', values.pregnancy_status)],
    [t('worklist.field.patient_weight'), values.patient_weight],
    [t('worklist.field.contrast_agent'), values.contrast_agent],
    [t('worklist.field.special_needs'), values.special_needs],
    [t('worklist.field.comments'), values.comments],
    [
      t('worklist.study_uid'),
      <span key="uid" className="mono uid">
        {held.procedure.study_instance_uid}
      </span>,
    ],
    [t('worklist.updated'), formatInstant(held.updated_at, locale)],
  ];
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <div>
          <Text fz={17} fw={600}>
            <PersonName name={held.patient.patient_name} none={t('study.no_name')} />
          </Text>
          <PatientLine patient={held.patient} on={values.start_date} />
        </div>
        <StepState status={held.status} />
      </Group>
      <dl className="facts facts-pairs">
        {facts
          .filter(([, value]) => value)
          .map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ))}
      </dl>
    </>
  );
}
