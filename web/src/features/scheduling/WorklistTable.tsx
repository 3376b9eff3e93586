import { ActionIcon, Button, Menu, UnstyledButton } from '@mantine/core';
import { IconDots, IconLogin2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { usePermission } from '../../api/queries';
import { ageInYears, formatClock, formatDay } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { PersonName } from '../../ui/PersonName';
import { shownName } from '../../ui/personName';
import { StepState } from './StepState';
import { can, isReported } from './stepRules';
import type { DeskVerb, ScheduledStep, StepPatient } from './types';

export interface StepActions {
  onOpen: (step: ScheduledStep) => void;
  onEdit: (step: ScheduledStep) => void;
  onDesk: (step: ScheduledStep, verb: DeskVerb) => void;
  onCancel: (step: ScheduledStep) => void;
  /** The step whose change is on its way. */
  busyId: string | null;
}

interface Props extends StepActions {
  steps: ScheduledStep[];
  showsDay: boolean;
}

/** The day's steps by their time. The patient's name opens a step, and holds the focus of its row. */
export function WorklistTable({ steps, showsDay, ...actions }: Props) {
  const { t } = useTranslation();
  return (
    <table className="ledger worklist-table">
      <caption className="visually-hidden">{t('worklist.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('worklist.time')}</th>
          <th scope="col">{t('study.patient')}</th>
          <th scope="col">{t('worklist.procedure')}</th>
          <th scope="col">{t('study.modality')}</th>
          <th scope="col">{t('worklist.station')}</th>
          <th scope="col">{t('study.accession_number')}</th>
          <th scope="col">{t('worklist.state')}</th>
          <th scope="col">
            <span className="visually-hidden">{t('worklist.actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {steps.map((step) => (
          <StepRow key={step.id} step={step} showsDay={showsDay} {...actions} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps extends StepActions {
  step: ScheduledStep;
  showsDay: boolean;
}

function StepRow({ step: held, showsDay, ...actions }: RowProps) {
  const { t } = useTranslation();
  const { patient, request, procedure, step } = held;
  const part = [step.body_part_examined, step.laterality && t(`worklist.laterality.${step.laterality}`)];
  const details = [...part, step.location].filter(Boolean).join(' · ');
  const priority = procedure.requested_procedure_priority;
  return (
    <tr data-row={held.id} data-status={held.status}>
      <td className="step-time" data-label={t('worklist.time')}>
        <span>
          <strong>{formatClock(step.start_time)}</strong>
          {showsDay && <span className="quiet step-day"> {formatDay(step.start_date)}</span>}
        </span>
      </td>
      <th scope="row">
        <UnstyledButton className="row-link step-name" onClick={() => actions.onOpen(held)}>
          <PersonName name={patient.patient_name} none={t('study.no_name')} />
        </UnstyledButton>
        <PatientLine patient={patient} on={step.start_date} />
      </th>
      <td className="step-what" data-label={t('worklist.procedure')}>
        <div>
          <bdi>{procedure.requested_procedure_description || step.description}</bdi>
          {(priority === 'STAT' || priority === 'HIGH') && (
            <span className="step-priority" data-priority={priority}>
              {t(`worklist.priority.${priority}`)}
            </span>
          )}
          {details && <div className="quiet small">{details}</div>}
        </div>
      </td>
      <td data-label={t('study.modality')}>
        <ModalityBadges modalities={[step.modality]} />
      </td>
      <td data-label={t('worklist.station')} className="mono">
        <span>{step.scheduled_station_ae_titles.join(', ')}</span>
      </td>
      <td data-label={t('study.accession_number')} className="mono">
        <bdi>{request.accession_number}</bdi>
      </td>
      <td className="step-state" data-label={t('worklist.state')}>
        <span>
          <StepState status={held.status} />
        </span>
      </td>
      <td className="step-actions">
        <RowActions step={held} {...actions} />
      </td>
    </tr>
  );
}

export function PatientLine({ patient, on }: { patient: StepPatient; on: string }) {
  const { t } = useTranslation();
  const age = ageInYears(patient.patient_birth_date, on);
  const born = formatDay(patient.patient_birth_date);
  return (
    <div className="quiet small">
      <bdi className="mono">{patient.patient_id}</bdi>
      {born && ` · ${t('study.born', { day: born })}`}
      {age !== null && ` (${age})`}
      {patient.patient_sex && ` · ${t(`study.sex_${patient.patient_sex}`, { defaultValue: '' })}`}
    </div>
  );
}

type ActionsProps = StepActions & { step: ScheduledStep };

function RowActions({ step, onOpen, onEdit, onDesk, onCancel, busyId }: ActionsProps) {
  const { t } = useTranslation();
  const mayWrite = usePermission('worklist.write');
  const seesPerformed = usePermission('performed_steps.read');
  const name = shownName(step.patient.patient_name).main || step.patient.patient_id;
  return (
    <>
      {mayWrite && can('arrive', step.status) && (
        <Button
          size="compact-sm"
          variant="light"
          leftSection={<IconLogin2 size={14} aria-hidden />}
          onClick={() => onDesk(step, 'arrive')}
          loading={busyId === step.id}
          aria-label={t('worklist.arrive_name', { name })}
        >
          {t('worklist.arrive')}
        </Button>
      )}
      <Menu position="bottom-end" shadow="md" width={230}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('worklist.actions_of', { name })}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => onOpen(step)}>{t('worklist.details')}</Menu.Item>
          {mayWrite && can('edit', step.status) && (
            <Menu.Item onClick={() => onEdit(step)}>{t('worklist.edit')}</Menu.Item>
          )}
          {mayWrite && can('prepare', step.status) && (
            <Menu.Item onClick={() => onDesk(step, 'prepare')}>{t('worklist.prepare')}</Menu.Item>
          )}
          {mayWrite && can('depart', step.status) && (
            <Menu.Item onClick={() => onDesk(step, 'depart')}>{t('worklist.depart')}</Menu.Item>
          )}
          {seesPerformed && isReported(step.status) && (
            <Menu.Item component={Link} to={`/worklist/performed?step=${encodeURIComponent(step.id)}`}>
              {t('worklist.reported')}
            </Menu.Item>
          )}
          {mayWrite && can('cancel', step.status) && (
            <>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => onCancel(step)}>
                {t('worklist.cancel')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
