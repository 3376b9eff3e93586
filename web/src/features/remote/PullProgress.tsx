import { Button, Group, Progress, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useTranslation } from 'react-i18next';
import { useProblemText } from '../../api/ProblemNotice';
import { formatCount } from '../../ui/format';
import { useStopPull } from './queries';
import type { Pull } from './types';

/** How far a pull under way is, and the way to end it. */
export function PullProgress({ pull, of }: { pull: Pull; of: string }) {
  const { t } = useTranslation();
  const stop = useStopPull();
  const problemText = useProblemText();
  const done = pull.completed + pull.failed;
  const total = done + pull.remaining;
  const words = t(`remote.state.${pull.state}`);
  const onStop = () =>
    stop.mutate(pull, {
      onError: (error) =>
        notifications.show({
          title: t('remote.not_stopped'),
          message: problemText(error),
          color: 'red',
        }),
    });
  return (
    <div className="pull" data-state={pull.state}>
      <Group gap="xs" wrap="nowrap">
        <div className="pull-bar">
          <Text size="xs">
            {words}
            {total > 0 && ` ${t('remote.progress', { done: formatCount(done), total: formatCount(total) })}`}
          </Text>
          <Progress
            value={total ? (100 * done) / total : 100}
            animated={!total}
            size="sm"
            aria-label={`${words}: ${of}`}
          />
        </div>
        <Button
          size="compact-xs"
          variant="default"
          loading={stop.isPending}
          onClick={onStop}
          aria-label={t('remote.stop_study', { study: of })}
        >
          {t('remote.stop')}
        </Button>
      </Group>
      {pull.explanation && (
        <Text size="xs" c="dimmed" className="break">
          {pull.explanation}
        </Text>
      )}
    </div>
  );
}
