import { Alert, Button, Group, Text, UnstyledButton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconPlayerPause, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useProblemText } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { formatCount, formatInstant } from '../../ui/format';
import { useQueueOrder } from './queries';
import { type DestinationState, type Queue, STATES } from './types';

interface Props {
  queue: Queue;
  /** The one that the list is narrowed to: it can be paused even while nothing waits for it. */
  chosen: string;
  onChoose: (title: string) => void;
}

/** The queue at a glance: who waits, who cannot be reached, who is paused; and the way to pause. */
export function DestinationStrip({ queue, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const mayManage = usePermission('routing.manage');
  const order = useOrders();
  const shown = worthShowing(queue, chosen);
  return (
    <section aria-label={t('exchange.destinations')}>
      {queue.is_paused && (
        <Alert color="yellow" variant="light" mb="sm" icon={<IconPlayerPause aria-hidden />}>
          <Group justify="space-between" gap="sm">
            <Text size="sm" c="var(--mantine-color-text)">
              {t('exchange.all_paused')}
            </Text>
            {mayManage && (
              <Button size="xs" onClick={() => order('resume', '')}>
                {t('exchange.resume_all')}
              </Button>
            )}
          </Group>
        </Alert>
      )}
      <Group justify="space-between" align="flex-start" gap="sm">
        <ul className="destination-strip">
          {shown.map((one) => (
            <DestinationCard key={one.ae_title} destination={one} onChoose={onChoose} mayManage={mayManage} />
          ))}
          {shown.length === 0 && (
            <li className="destination-none">
              <Text size="sm" c="dimmed">
                {t('exchange.nothing_waits')}
              </Text>
            </li>
          )}
        </ul>
        {mayManage && !queue.is_paused && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerPause size={14} aria-hidden />}
            onClick={() => order('pause', '')}
          >
            {t('exchange.pause_all')}
          </Button>
        )}
      </Group>
    </section>
  );
}

/** Not those that are at rest and well: a house has dozens of nodes. */
function worthShowing({ destinations }: Queue, chosen: string): DestinationState[] {
  const shown = destinations.filter(
    (it) => it.ae_title === chosen || it.is_paused || it.failures > 0 || Object.keys(it.counts).length > 0,
  );
  if (!chosen || shown.some((it) => it.ae_title === chosen)) return shown;
  return [...shown, { ae_title: chosen, is_paused: false, failures: 0, next_try_at: null, counts: {} }];
}

/** Gives an order and tells when it was refused. */
function useOrders() {
  const problemText = useProblemText();
  const { t } = useTranslation();
  const { mutate } = useQueueOrder();
  return (order: 'pause' | 'resume' | 'retry', destination: string) =>
    mutate(
      { order, destination },
      {
        onError: (error) =>
          notifications.show({ color: 'red', title: t('exchange.not_done'), message: problemText(error) }),
      },
    );
}

interface CardProps {
  destination: DestinationState;
  onChoose: (title: string) => void;
  mayManage: boolean;
}

function DestinationCard({ destination, onChoose, mayManage }: CardProps) {
  const { t } = useTranslation();
  const order = useOrders();
  const { ae_title: title, is_paused: isPaused, failures, next_try_at: nextTryAt, counts } = destination;
  const isUnreachable = failures > 0;
  const parked = counts.parked ?? 0;
  return (
    <li
      className="destination"
      data-destination={title}
      data-paused={isPaused}
      data-unreachable={isUnreachable}
    >
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <UnstyledButton className="destination-title mono" onClick={() => onChoose(title)}>
          {title}
        </UnstyledButton>
        {mayManage && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            leftSection={
              isPaused ? <IconPlayerPlay size={13} aria-hidden /> : <IconPlayerPause size={13} aria-hidden />
            }
            onClick={() => order(isPaused ? 'resume' : 'pause', title)}
            aria-label={t(isPaused ? 'exchange.resume_named' : 'exchange.pause_named', { title })}
          >
            {t(isPaused ? 'exchange.resume' : 'exchange.pause')}
          </Button>
        )}
      </Group>
      <div className="destination-counts">
        {STATES.map((state) => {
          const count = counts[state] ?? 0;
          return count > 0 ? (
            <span key={state}>
              {formatCount(count)} {t(`exchange.state.${state}`)}
            </span>
          ) : null;
        })}
        {isPaused && <strong>{t('exchange.paused')}</strong>}
      </div>
      {isUnreachable && (
        <div className="destination-trouble">
          {t('exchange.unreachable', { count: failures })}
          {nextTryAt && ` ${t('exchange.next_try', { at: formatInstant(nextTryAt) })}`}
        </div>
      )}
      {mayManage && parked > 0 && (
        <Button
          size="compact-xs"
          variant="light"
          mt={4}
          leftSection={<IconRefresh size={13} aria-hidden />}
          onClick={() => order('retry', title)}
        >
          {t('exchange.retry_parked', { count: parked })}
        </Button>
      )}
    </li>
  );
}
