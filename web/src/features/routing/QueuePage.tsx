import { Button, Group, SegmentedControl, Select, Skeleton, Stack, Text } from '@mantine/core';
import { IconMoodEmpty } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useLiveState } from '../../api/LiveProvider';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatCount } from '../../ui/format';
import { PageTurner } from '../../ui/PageTurner';
import { DestinationStrip } from './DestinationStrip';
import { QueueTable } from './QueueTable';
import { destinationsQuery, queueQuery, transmissionsQuery } from './queries';
import { addressOfFilters, filtersFromAddress, type QueueFilters, VIEW_NAMES, VIEWS } from './queueFilters';
import { TransmissionDrawer } from './TransmissionDrawer';

const PAGE = 25;

function useFilters() {
  const [params, setParams] = useSearchParams();
  const filters = filtersFromAddress(params);
  const change = (wanted: Partial<QueueFilters>) =>
    setParams((before) => addressOfFilters({ ...filtersFromAddress(before), offset: 0, ...wanted }));
  return { filters, change };
}

/** Everything that is on its way to other nodes, and what became of it. */
export function QueuePage() {
  const { t } = useTranslation();
  const { filters, change } = useFilters();
  const isListening = useLiveState() === 'live';
  const { view, destination, offset } = filters;
  const list = useQuery(
    transmissionsQuery(
      { state: VIEWS[view], destination, study_instance_uid: '', limit: PAGE, offset },
      isListening,
    ),
  );
  const queue = useQuery(queueQuery(isListening));
  const [openedId, setOpenedId] = useState<string | null>(null);
  const total = list.data?.total ?? 0;
  const isFiltered = view !== 'all' || destination !== '';
  return (
    <Stack gap="md">
      {queue.data && (
        <DestinationStrip
          queue={queue.data}
          chosen={destination}
          onChoose={(title) => change({ destination: title })}
        />
      )}
      <Filters
        filters={filters}
        onChange={change}
        titles={queue.data?.destinations.map((it) => it.ae_title)}
      />
      {list.isError && (
        <ProblemNotice
          title={t('exchange.queue_failed')}
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      )}
      {list.isPending && <Skeleton h={240} radius="md" />}
      {list.data && total === 0 && (
        <NothingThere isFiltered={isFiltered} onClear={() => change({ view: 'all', destination: '' })} />
      )}
      {list.data && total > 0 && (
        <div data-stale={list.isPlaceholderData} className="ledger-area">
          <QueueTable transmissions={list.data.transmissions} onOpen={setOpenedId} />
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
        onOffset={(to) => change({ offset: to })}
      />
      <TransmissionDrawer id={openedId} onClose={() => setOpenedId(null)} />
    </Stack>
  );
}

interface FiltersProps {
  filters: QueueFilters;
  onChange: (wanted: Partial<QueueFilters>) => void;
  /** Nodes that something waits for. */
  titles: string[] | undefined;
}

function Filters({ filters, onChange, titles = [] }: FiltersProps) {
  const { t } = useTranslation();
  const known = useQuery(destinationsQuery).data?.map((it) => it.ae_title) ?? [];
  const all = [
    ...new Set([...known, ...titles, ...(filters.destination ? [filters.destination] : [])]),
  ].sort();
  return (
    <Group gap="sm" className="queue-filters">
      <SegmentedControl
        size="xs"
        aria-label={t('exchange.show')}
        value={filters.view}
        onChange={(view) => onChange({ view: view as QueueFilters['view'] })}
        data={VIEW_NAMES.map((view) => ({ value: view, label: t(`exchange.view.${view}`) }))}
      />
      <Select
        size="xs"
        w={200}
        aria-label={t('exchange.destination')}
        placeholder={t('exchange.any_destination')}
        data={all}
        value={filters.destination || null}
        onChange={(destination) => onChange({ destination: destination ?? '' })}
        clearable
        clearButtonProps={{ 'aria-label': t('exchange.any_destination') }}
        searchable
      />
    </Group>
  );
}

function NothingThere({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="nothing">
      <IconMoodEmpty size={34} stroke={1.3} aria-hidden />
      <Text fw={600} mt="xs">
        {t(isFiltered ? 'exchange.none_match' : 'exchange.none')}
      </Text>
      <Text size="sm" c="dimmed" maw={460}>
        {t(isFiltered ? 'studies.none_hint' : 'exchange.none_hint')}
      </Text>
      {isFiltered ? (
        <Button size="xs" variant="default" mt="sm" onClick={onClear}>
          {t('studies.clear')}
        </Button>
      ) : (
        <Button size="xs" variant="default" mt="sm" component={Link} to="/">
          {t('not_found.home')}
        </Button>
      )}
    </div>
  );
}
