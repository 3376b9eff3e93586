import { Anchor, Button, Drawer, Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconBolt, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatCount, formatInstant } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import { Progress } from './Progress';
import { WhyWords } from './QueueTable';
import { refusedQuery, transmissionQuery } from './queries';
import { StateBadge } from './StateBadge';
import type { Transmission } from './types';
import { useTransmissionActions } from './useTransmissionActions';

interface Props {
  id: string | null;
  onClose: () => void;
}

/** All that is known of one transmission: what failed, when it goes on, what can be done. */
export function TransmissionDrawer({ id, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={id !== null}
      onClose={onClose}
      position="right"
      size={460}
      title={t('exchange.transmission')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {id && <Content id={id} />}
    </Drawer>
  );
}

function Content({ id }: { id: string }) {
  const { t } = useTranslation();
  const found = useQuery(transmissionQuery(id));
  if (found.isPending) return <Skeleton h={260} radius="md" />;
  if (found.isError) {
    return (
      <ProblemNotice
        title={t('exchange.transmission_failed')}
        error={found.error}
        onRetry={() => void found.refetch()}
      />
    );
  }
  const one = found.data;
  return (
    <Stack gap="md" data-drawer={one.id}>
      <Group justify="space-between">
        <StateBadge state={one.state} />
        <Actions transmission={one} />
      </Group>
      <Progress transmission={one} />
      {one.last_error && (
        <div>
          <Text size="xs" c="dimmed">
            {t('exchange.last_error')}
          </Text>
          <Text size="sm">{one.last_error}</Text>
        </div>
      )}
      {one.instances_refused > 0 && <Refused transmission={one} />}
      <Facts transmission={one} />
    </Stack>
  );
}

function Actions({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const { possible, retry, stop, changePriority } = useTransmissionActions();
  const may = possible(transmission);
  return (
    <Group gap="xs">
      {may.changePriority && transmission.priority !== 'urgent' && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconBolt size={14} aria-hidden />}
          onClick={() => changePriority(transmission, 'urgent')}
        >
          {t('exchange.make_urgent')}
        </Button>
      )}
      {may.stop && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerStop size={14} aria-hidden />}
          onClick={() => stop(transmission)}
        >
          {t('exchange.stop')}
        </Button>
      )}
      {may.retry && (
        <Button
          size="xs"
          leftSection={<IconRefresh size={14} aria-hidden />}
          onClick={() => retry(transmission)}
        >
          {t('exchange.retry')}
        </Button>
      )}
    </Group>
  );
}

/** Which instances the other side would not take. */
function Refused({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const refused = useQuery(refusedQuery(transmission.id, transmission.instances_refused));
  const left = (refused.data?.total ?? 0) - (refused.data?.items.length ?? 0);
  return (
    <section aria-label={t('exchange.refused_title')}>
      <Text size="xs" c="dimmed">
        {t('exchange.refused_title')}
      </Text>
      <ul className="plain-list refused-list">
        {refused.data?.items.map((item) => (
          <li key={item.sop_instance_uid} className="mono uid">
            {item.sop_instance_uid}
          </li>
        ))}
      </ul>
      {left > 0 && (
        <Text size="sm" c="dimmed">
          {t('exchange.and_more', { more: formatCount(left) })}
        </Text>
      )}
    </section>
  );
}

function Facts({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const one = transmission;
  const facts: [string, React.ReactNode][] = [
    [
      t('exchange.study'),
      <Anchor key="study" component={Link} to={`/studies/${one.study_instance_uid}`} inherit>
        <PersonName name={one.patient_name} none={t('study.no_name')} />
      </Anchor>,
    ],
    [t('study.patient_id'), one.patient_id],
    [t('study.description'), one.study_description],
    [t('study.accession_number'), one.accession_number],
    [
      t('exchange.what'),
      one.series_instance_uids.length > 0
        ? t('exchange.some_series', { count: one.series_instance_uids.length })
        : t('exchange.whole_study'),
    ],
    [t('exchange.destination'), one.destination],
    [t('exchange.why'), <WhyWords key="why" transmission={one} />],
    [t('exchange.priority_title'), t(`exchange.priority.${one.priority}`)],
    [t('exchange.attempts'), one.attempts > 0 && formatCount(one.attempts)],
    [t('exchange.queued'), formatInstant(one.created_at)],
    [t('exchange.started'), formatInstant(one.started_at)],
    [t('exchange.ended'), formatInstant(one.ended_at)],
    [t('exchange.next_try_title'), one.state === 'waiting' && formatInstant(one.next_try_at)],
    [t('exchange.afterwards'), one.request_commitment && t('exchange.asks_commitment')],
  ];
  return (
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
  );
}
