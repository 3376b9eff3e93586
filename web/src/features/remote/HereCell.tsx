import { Anchor, Button, Group, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { formatCount } from '../../ui/format';
import { PullProgress } from './PullProgress';
import { isUnderWay } from './search';
import type { FoundStudy, Pull } from './types';

interface Props {
  study: FoundStudy;
  /** For those who do not see the row. */
  name: string;
  pull: Pull | undefined;
  /** null for who may not fetch */
  onFetch: (() => void) | null;
}

/** Whether a study is here, is coming, or can be fetched. */
export function HereCell({ study, name, pull, onFetch }: Props) {
  const { t } = useTranslation();
  if (pull && isUnderWay(pull)) return <PullProgress pull={pull} of={name} />;
  const hasFailed = pull?.state === 'failed' && !study.is_here;
  return (
    <>
      <Group gap="xs" wrap="nowrap">
        {study.number_of_instances_here > 0 && <HereLink study={study} />}
        {!study.is_here && onFetch && (
          <Button
            size="compact-sm"
            variant="light"
            onClick={onFetch}
            aria-label={`${t('remote.fetch')}: ${name}`}
          >
            {t(hasFailed ? 'remote.fetch_again' : 'remote.fetch')}
          </Button>
        )}
      </Group>
      {hasFailed && (
        <Text size="xs" c="var(--mantine-color-error)" className="break" role="alert">
          {t('remote.state.failed')}. {pull.explanation}
        </Text>
      )}
      {pull?.state === 'stopped' && (
        <Text size="xs" c="dimmed">
          {t('remote.state.stopped')}
        </Text>
      )}
    </>
  );
}

function HereLink({ study }: { study: FoundStudy }) {
  const { t } = useTranslation();
  const words = study.is_here
    ? t('remote.is_here')
    : t('remote.some_here', {
        here: formatCount(study.number_of_instances_here),
        total: formatCount(study.number_of_instances ?? 0),
      });
  return (
    <Anchor component={Link} to={`/studies/${study.study_instance_uid}`} size="sm" className="here">
      {study.is_here && <IconCircleCheck size={16} aria-hidden />}
      {words}
    </Anchor>
  );
}
