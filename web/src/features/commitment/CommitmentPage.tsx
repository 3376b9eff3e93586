import { Button, Group, SegmentedControl, Select, Skeleton, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { ProblemNotice, useProblemText } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { formatCount, formatInstant } from '../../ui/format';
import { PageTurner } from '../../ui/PageTurner';
import { FailuresDialog } from './FailuresDialog';
import { commitmentsQuery, useRetry } from './queries';
import { ASKED_STATES, type Direction, RECEIVED_STATES, type Row } from './types';

const PAGE = 25;

/** Tones of states that are not at rest. */
const TONE: Record<string, string> = {
  verifying: 'work',
  reported: 'well',
  committed: 'well',
  'partly committed': 'care',
  overdue: 'care',
  'not committed': 'need',
  parked: 'need',
};

/** Those that a person may have tried again, by direction. */
const RETRIED: Record<Direction, string[]> = {
  received: ['parked'],
  asked: ['partly committed', 'not committed', 'overdue', 'parked'],
};

const keyOf = (state: string) => state.replaceAll(' ', '_');

function useFilters() {
  const [params, setParams] = useSearchParams();
  const direction: Direction = params.get('direction') === 'asked' ? 'asked' : 'received';
  const known: readonly string[] = direction === 'asked' ? ASKED_STATES : RECEIVED_STATES;
  const state = params.get('state') ?? '';
  const offset = Number(params.get('offset'));
  return {
    direction,
    known,
    state: known.includes(state) ? state : '',
    offset: Number.isSafeInteger(offset) && offset > 0 ? offset : 0,
    change: (wanted: Record<string, string>) =>
      setParams((before) => {
        const kept: Record<string, string> = { direction, state: before.get('state') ?? '', ...wanted };
        return Object.fromEntries(Object.entries(kept).filter(([, value]) => value));
      }),
  };
}

/** Who took responsibility for what: asked of us by other nodes, and by us of them. */
export function CommitmentPage() {
  const { t } = useTranslation();
  const { direction, known, state, offset, change } = useFilters();
  const list = useQuery(commitmentsQuery(direction, state, PAGE, offset));
  const [opened, setOpened] = useState<Row | null>(null);
  const total = list.data?.total ?? 0;
  return (
    <Stack gap="md">
      <Text c="dimmed" maw={720}>
        {t('commitment.text')}
      </Text>
      <Group gap="sm">
        <SegmentedControl
          size="xs"
          aria-label={t('commitment.direction')}
          value={direction}
          onChange={(to) => change({ direction: to, state: '' })}
          data={[
            { value: 'received', label: t('commitment.received') },
            { value: 'asked', label: t('commitment.asked') },
          ]}
        />
        <Select
          size="xs"
          w={190}
          aria-label={t('exchange.state_title')}
          placeholder={t('commitment.any_state')}
          data={known.map((one) => ({ value: one, label: t(`commitment.state.${keyOf(one)}`) }))}
          value={state || null}
          onChange={(to) => change({ state: to ?? '' })}
          clearable
          clearButtonProps={{ 'aria-label': t('commitment.any_state') }}
        />
      </Group>
      {list.isError && (
        <ProblemNotice
          title={t('commitment.failed')}
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      )}
      {list.isPending && <Skeleton h={200} radius="md" />}
      {list.data && total === 0 && (
        <div className="nothing">
          <Text fw={600}>{t('commitment.none')}</Text>
          <Text size="sm" c="dimmed" maw={480}>
            {t(`commitment.none_hint.${direction}`)}
          </Text>
        </div>
      )}
      {list.data && total > 0 && (
        <div className="ledger-area" data-stale={list.isPlaceholderData}>
          <CommitmentTable direction={direction} rows={list.data.items} onOpen={setOpened} />
        </div>
      )}
      <PageTurner
        offset={offset}
        limit={PAGE}
        total={total}
        range={t('studies.range', {
          from: formatCount(total ? offset + 1 : 0),
          to: formatCount(Math.min(total, offset + PAGE)),
          total: formatCount(total),
        })}
        previousLabel={t('studies.previous')}
        nextLabel={t('studies.next')}
        onOffset={(to) => change({ offset: to ? String(to) : '' })}
      />
      <FailuresDialog row={opened} onClose={() => setOpened(null)} />
    </Stack>
  );
}

interface TableProps {
  direction: Direction;
  rows: Row[];
  onOpen: (row: Row) => void;
}

function CommitmentTable({ direction, rows, onOpen }: TableProps) {
  const { t } = useTranslation();
  return (
    <table className="ledger">
      <caption className="visually-hidden">{t(`commitment.${direction}`)}</caption>
      <thead>
        <tr>
          <th scope="col">{t('commitment.node')}</th>
          <th scope="col">{t('exchange.state_title')}</th>
          <th scope="col">{t('study.images')}</th>
          <th scope="col">{t('commitment.not_committed')}</th>
          <th scope="col">{t('commitment.asked_at')}</th>
          <th scope="col">{t('commitment.answered_at')}</th>
          <th className="ledger-menu">
            <span className="visually-hidden">{t('exchange.actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <CommitmentRow key={row.id} direction={direction} row={row} onOpen={() => onOpen(row)} />
        ))}
      </tbody>
    </table>
  );
}

function CommitmentRow({ direction, row, onOpen }: { direction: Direction; row: Row; onOpen: () => void }) {
  const { t } = useTranslation();
  const maySend = usePermission('studies.send');
  const problemText = useProblemText();
  const retry = useRetry(direction);
  return (
    <tr data-commitment={row.id}>
      <th scope="row" className="mono">
        {row.node}
      </th>
      <td data-label={t('exchange.state_title')} className="ledger-state">
        <div>
          <span className="state" data-tone={TONE[row.state] ?? 'rest'}>
            {t(`commitment.state.${keyOf(row.state)}`)}
          </span>
          {row.lastError && <div className="trouble">{row.lastError}</div>}
        </div>
      </td>
      <td data-label={t('study.images')}>
        <div>{formatCount(row.instances)}</div>
      </td>
      <td data-label={t('commitment.not_committed')}>
        <div>
          {row.failed > 0 ? (
            <Button size="compact-xs" variant="default" onClick={onOpen}>
              {t('commitment.show_failures', { count: row.failed, failed: formatCount(row.failed) })}
            </Button>
          ) : (
            formatCount(0)
          )}
        </div>
      </td>
      <td data-label={t('commitment.asked_at')}>
        <div>{formatInstant(row.at)}</div>
      </td>
      <td data-label={t('commitment.answered_at')}>
        <div>{formatInstant(row.answeredAt) || '–'}</div>
      </td>
      <td className="ledger-menu">
        {maySend && RETRIED[direction].includes(row.state) && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            loading={retry.isPending}
            onClick={() =>
              retry.mutate(row.id, {
                onError: (error) =>
                  notifications.show({
                    color: 'red',
                    title: t('exchange.not_done'),
                    message: problemText(error),
                  }),
              })
            }
          >
            {t('exchange.retry')}
          </Button>
        )}
      </td>
    </tr>
  );
}
