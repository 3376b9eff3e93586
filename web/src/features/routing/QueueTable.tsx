import { ActionIcon, Menu, UnstyledButton } from '@mantine/core';
import {
  IconBolt,
  IconDots,
  IconEye,
  IconPlayerStop,
  IconPlayerTrackNext,
  IconRefresh,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatInstant } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import { Progress } from './Progress';
import { StateBadge } from './StateBadge';
import type { Transmission } from './types';
import { useTransmissionActions } from './useTransmissionActions';

interface Props {
  transmissions: Transmission[];
  onOpen: (id: string) => void;
}

/** The queue as a table; the study's name opens what there is to know. */
export function QueueTable({ transmissions, onOpen }: Props) {
  const { t } = useTranslation();
  return (
    <table className="ledger">
      <caption className="visually-hidden">{t('exchange.queue')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('exchange.study')}</th>
          <th scope="col">{t('exchange.destination')}</th>
          <th scope="col">{t('exchange.state_title')}</th>
          <th scope="col">{t('exchange.progress')}</th>
          <th scope="col">{t('exchange.why')}</th>
          <th scope="col">{t('exchange.queued')}</th>
          <th className="ledger-menu">
            <span className="visually-hidden">{t('exchange.actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {transmissions.map((one) => (
          <Row key={one.id} transmission={one} onOpen={() => onOpen(one.id)} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ transmission, onOpen }: { transmission: Transmission; onOpen: () => void }) {
  const { t } = useTranslation();
  const one = transmission;
  const about = [one.study_description, one.accession_number].filter(Boolean).join(' · ');
  return (
    <tr data-transmission={one.id} data-state={one.state}>
      <th scope="row">
        <UnstyledButton className="ledger-link" onClick={onOpen}>
          <PersonName name={one.patient_name} none={t('study.no_name')} />
        </UnstyledButton>
        <div className="quiet ledger-line" dir="auto">
          {about || one.patient_id}
        </div>
      </th>
      <Cell label={t('exchange.destination')}>
        <span className="mono">{one.destination}</span>
        {one.priority !== 'normal' && (
          <div className="ledger-line priority" data-priority={one.priority}>
            {one.priority === 'urgent' && <IconBolt size={13} aria-hidden />}
            {t(`exchange.priority.${one.priority}`)}
          </div>
        )}
      </Cell>
      <Cell label={t('exchange.state_title')} className="ledger-state">
        <StateBadge state={one.state} />
        <Trouble transmission={one} />
      </Cell>
      <Cell label={t('exchange.progress')}>
        <Progress transmission={one} />
      </Cell>
      <Cell label={t('exchange.why')}>
        <WhyWords transmission={one} />
      </Cell>
      <Cell label={t('exchange.queued')}>{formatInstant(one.created_at)}</Cell>
      <td className="ledger-menu">
        <RowMenu transmission={one} onOpen={onOpen} />
      </td>
    </tr>
  );
}

interface CellProps {
  label: string;
  className?: string;
  children: ReactNode;
}

/** A cell that carries its column's name with it when the table becomes a list. */
function Cell({ label, className, children }: CellProps) {
  return (
    <td data-label={label} className={className}>
      <div>{children}</div>
    </td>
  );
}

/** Who wants it sent. */
export function WhyWords({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const { reason, asked_by: name, project } = transmission;
  return (
    <>
      {t(reason === 'rule' ? 'exchange.by_rule' : 'exchange.by_person')} <bdi>{name}</bdi>
      {project && <div className="quiet ledger-line">{t('exchange.for_project', { project })}</div>}
    </>
  );
}

/** What stood in the way last, while it still matters; and when it is tried again. */
export function Trouble({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const { state, last_error: lastError, next_try_at: nextTryAt } = transmission;
  const waitsForLater = state === 'waiting' && Date.parse(nextTryAt) > Date.now();
  return (
    <>
      {lastError && state !== 'done' && state !== 'cancelled' && <div className="trouble">{lastError}</div>}
      {waitsForLater && (
        <div className="quiet ledger-line">{t('exchange.next_try', { at: formatInstant(nextTryAt) })}</div>
      )}
    </>
  );
}

function RowMenu({ transmission, onOpen }: { transmission: Transmission; onOpen: () => void }) {
  const { t } = useTranslation();
  const { possible, retry, stop, changePriority } = useTransmissionActions();
  const may = possible(transmission);
  const isUrgent = transmission.priority === 'urgent';
  return (
    <Menu position="bottom-end" width={220} shadow="md" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('exchange.actions_for', { destination: transmission.destination })}
        >
          <IconDots size={17} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconEye size={15} aria-hidden />} onClick={onOpen}>
          {t('exchange.details')}
        </Menu.Item>
        {may.retry && (
          <Menu.Item leftSection={<IconRefresh size={15} aria-hidden />} onClick={() => retry(transmission)}>
            {t('exchange.retry')}
          </Menu.Item>
        )}
        {may.changePriority && (
          <Menu.Item
            leftSection={
              isUrgent ? <IconPlayerTrackNext size={15} aria-hidden /> : <IconBolt size={15} aria-hidden />
            }
            onClick={() => changePriority(transmission, isUrgent ? 'normal' : 'urgent')}
          >
            {t(isUrgent ? 'exchange.make_normal' : 'exchange.make_urgent')}
          </Menu.Item>
        )}
        {may.stop && (
          <Menu.Item
            leftSection={<IconPlayerStop size={15} aria-hidden />}
            onClick={() => stop(transmission)}
          >
            {t('exchange.stop')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
