import { Anchor, UnstyledButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { formatClock, formatCount, formatDay } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { PersonName } from '../../ui/PersonName';
import { LinkState, PerformedState } from './PerformedState';
import { linkedSteps } from './performedFilters';
import type { PerformedStep } from './types';

interface Props {
  steps: PerformedStep[];
  showsDay: boolean;
  onOpen: (uid: string) => void;
}

/** What the machines reported, the latest first. */
export function PerformedTable({ steps, showsDay, onOpen }: Props) {
  const { t } = useTranslation();
  return (
    <table className="ledger worklist-table">
      <caption className="visually-hidden">{t('worklist.tab_performed')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('performed.start_end')}</th>
          <th scope="col">{t('study.patient')}</th>
          <th scope="col">{t('performed.what')}</th>
          <th scope="col">{t('study.modality')}</th>
          <th scope="col">{t('worklist.station')}</th>
          <th scope="col">{t('performed.belongs_to')}</th>
          <th scope="col">{t('performed.made')}</th>
          <th scope="col">{t('worklist.state')}</th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step) => (
          <PerformedRow key={step.sop_instance_uid} step={step} showsDay={showsDay} onOpen={onOpen} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps extends Omit<Props, 'steps'> {
  step: PerformedStep;
}

function PerformedRow({ step, showsDay, onOpen }: RowProps) {
  const { t } = useTranslation();
  const linked = linkedSteps(step.references);
  const end = formatClock(step.end_time);
  return (
    <tr data-row={step.sop_instance_uid} data-performed={step.status}>
      <td className="step-time" data-label={t('performed.start_end')}>
        <span>
          <strong>{formatClock(step.start_time)}</strong>
          {end && ` – ${end}`}
          {showsDay && <span className="quiet"> {formatDay(step.start_date)}</span>}
        </span>
      </td>
      <th scope="row">
        <UnstyledButton className="row-link step-name" onClick={() => onOpen(step.sop_instance_uid)}>
          <PersonName name={step.patient_name} none={t('study.no_name')} />
        </UnstyledButton>
        <div className="quiet small">
          <bdi className="mono">{step.patient_id}</bdi>
        </div>
      </th>
      <td className="step-what" data-label={t('performed.what')}>
        <bdi>{step.description}</bdi>
      </td>
      <td data-label={t('study.modality')}>
        <ModalityBadges modalities={[step.modality]} />
      </td>
      <td data-label={t('worklist.station')}>
        <span className="mono">{step.performed_station_ae_title}</span>
      </td>
      <td data-label={t('performed.belongs_to')}>
        <div className="linked">
          {linked.map((one) => (
            <Anchor
              key={one.step_id}
              component={Link}
              to={scheduledAddress(one.step_id)}
              inherit
              className="mono"
            >
              {one.accession_number || one.scheduled_procedure_step_id || t('performed.scheduled_exam')}
            </Anchor>
          ))}
          <LinkState references={step.references} />
        </div>
      </td>
      <td data-label={t('performed.made')}>
        <Made step={step} />
      </td>
      <td className="step-state" data-label={t('worklist.state')}>
        <div>
          <PerformedState status={step.status} />
          <Reason code={step.discontinuation_reason} />
        </div>
      </td>
    </tr>
  );
}

/** Where the scheduled exam is shown. */
export function scheduledAddress(stepId: string | null): string {
  return `/worklist?step=${encodeURIComponent(stepId ?? '')}`;
}

export function Made({ step }: { step: PerformedStep }) {
  const { t } = useTranslation();
  if (!step.number_of_series) {
    const isRunning = step.status === 'IN PROGRESS';
    return <span className="quiet">{t(isRunning ? 'performed.nothing_yet' : 'performed.nothing')}</span>;
  }
  return (
    <span>
      {t('performed.series_count', { count: step.number_of_series })}
      {', '}
      {t('study.image_count', {
        count: step.number_of_instances,
        images: formatCount(step.number_of_instances),
      })}
    </span>
  );
}

/** Why it was discontinued: the standard's reasons in words, any other by its code. */
export function Reason({ code }: { code: string }) {
  const { t } = useTranslation();
  if (!code) return null;
  return (
    <div className="trouble small">
      {t(`performed.reason.c${code}`, { defaultValue: t('performed.reason_code', { code }) })}
    </div>
  );
}
