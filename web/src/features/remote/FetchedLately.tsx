import { Anchor, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatCount, formatInstant } from '../../ui/format';
import { StateBadge, type StateTone } from '../../ui/StateBadge';
import { PullProgress } from './PullProgress';
import { pullsQuery } from './queries';
import { isUnderWay } from './search';
import type { Pull, PullState } from './types';

const SHOWN = 10;

const TONES: Record<PullState, StateTone> = {
  waiting: 'plain',
  running: 'work',
  done: 'well',
  failed: 'need',
  stopped: 'care',
};

/** What anybody here had fetched, the newest first. Pulls know no patient: the study's page does. */
export function FetchedLately() {
  const { t } = useTranslation();
  const pulls = useQuery(pullsQuery);
  if (pulls.isError) {
    return (
      <ProblemNotice
        title={t('remote.fetches_failed')}
        error={pulls.error}
        onRetry={() => void pulls.refetch()}
      />
    );
  }
  if (!pulls.data?.length) return null;
  return (
    <section className="fetches">
      <Title order={2} fz={16} fw={600} mb="xs">
        {t('remote.fetches')}
      </Title>
      <ul className="plain-list">
        {pulls.data.slice(0, SHOWN).map((pull) => (
          <Fetch key={pull.id} pull={pull} />
        ))}
      </ul>
    </section>
  );
}

function Fetch({ pull }: { pull: Pull }) {
  const { t } = useTranslation();
  return (
    <li data-pull={pull.id}>
      <div className="fetch-state">
        {isUnderWay(pull) ? (
          <PullProgress pull={pull} of={pull.study_instance_uid} />
        ) : (
          <StateBadge tone={TONES[pull.state]}>{t(`remote.state.${pull.state}`)}</StateBadge>
        )}
      </div>
      <div className="fetch-what">
        <span className="mono">{pull.ae_title}</span>{' '}
        {pull.completed > 0 ? (
          <Anchor component={Link} to={`/studies/${pull.study_instance_uid}`} size="sm">
            {t('remote.open_study')}
          </Anchor>
        ) : (
          <span className="mono quiet break">{pull.study_instance_uid}</span>
        )}
        {pull.completed > 0 && (
          <Text span size="sm" c="dimmed">
            {' '}
            {t('study.image_count', { count: pull.completed, images: formatCount(pull.completed) })}
          </Text>
        )}
        {pull.failed > 0 && (
          <Text span size="sm" c="var(--mantine-color-error)">
            {' '}
            {t('remote.did_not_come', { images: formatCount(pull.failed) })}
          </Text>
        )}
        {!isUnderWay(pull) && pull.explanation && (
          <Text size="sm" c="dimmed">
            {pull.explanation}
          </Text>
        )}
      </div>
      <Text size="sm" c="dimmed" className="fetch-who">
        {t('remote.asked_by', { user: pull.asked_by, at: formatInstant(pull.asked_at) })}
      </Text>
    </li>
  );
}
