import { Button, Group, SegmentedControl, Skeleton, Text, TextInput } from '@mantine/core';
import { IconReportMedical } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { ProblemNotice } from '../../api/ProblemNotice';
import { systemQuery } from '../../api/queries';
import { DayNavigator } from '../../ui/DayNavigator';
import { dayAfter, dayBefore, formatCount } from '../../ui/format';
import { PageTurner } from '../../ui/PageTurner';
import { useKeys } from '../../ui/useKeys';
import { useRowKeys } from '../../ui/useRowKeys';
import { useTyped } from '../../ui/useTyped';
import { PerformedDrawer } from './PerformedDrawer';
import { PerformedTable } from './PerformedTable';
import {
  ANY_DAY,
  addressOfFilters,
  dayOf,
  filtersFromAddress,
  isFiltered,
  PAGE,
  type PerformedFilters,
  queryOf,
} from './performedFilters';
import { performedQuery } from './queries';

const STATES = [
  { value: '', word: 'all' },
  { value: 'IN PROGRESS', word: 'running' },
  { value: 'COMPLETED', word: 'completed' },
  { value: 'DISCONTINUED', word: 'discontinued' },
];

/** What the machines reported of their exams (MPPS). */
export function PerformedStepsPage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const filters = filtersFromAddress(params);
  const list = useQuery(performedQuery(queryOf(filters)));
  const { tableRef, move } = useRowKeys();
  const steps = list.data?.performed_steps ?? [];
  const total = list.data?.total ?? 0;
  const change = (wanted: Partial<PerformedFilters>) =>
    setParams(addressOfFilters({ ...filters, offset: 0, ...wanted }));
  const show = (uid: string) => {
    const address = addressOfFilters(filters);
    if (uid) address.set('shown', uid);
    setParams(address, { replace: true });
  };
  const from = dayOf(filters) || dayBefore(0);
  useKeys([
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['[', () => change({ day: dayAfter(from, -1), step: '' })],
    [']', () => change({ day: dayAfter(from, 1), step: '' })],
    ['t', () => change({ day: '', step: '' })],
  ]);
  return (
    <>
      <PerformedBar filters={filters} onChange={change} />
      {list.isError && (
        <ProblemNotice title={t('performed.failed')} error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Skeleton h={260} radius="md" />}
      {list.data && total === 0 && <Nothing filters={filters} onChange={change} />}
      {total > 0 && (
        <div ref={tableRef} className="ledger-area" data-stale={list.isPlaceholderData}>
          <PerformedTable steps={steps} showsDay={!dayOf(filters)} onOpen={show} />
        </div>
      )}
      <PageTurner
        offset={filters.offset}
        limit={PAGE}
        total={total}
        range={t('studies.range', {
          from: formatCount(total ? filters.offset + 1 : 0),
          to: formatCount(Math.min(total, filters.offset + PAGE)),
          total: formatCount(total),
        })}
        previousLabel={t('studies.previous')}
        nextLabel={t('studies.next')}
        onOffset={(offset) => change({ offset })}
      />
      <PerformedDrawer uid={params.get('shown') ?? ''} onClose={() => show('')} />
    </>
  );
}

interface BarProps {
  filters: PerformedFilters;
  onChange: (wanted: Partial<PerformedFilters>) => void;
}

function PerformedBar({ filters, onChange }: BarProps) {
  const { t, i18n } = useTranslation();
  const [station, setStation] = useTyped(filters.station, (typed) => onChange({ station: typed }));
  return (
    <Group gap="sm" mb="sm" role="search" aria-label={t('performed.filters')} className="day-bar">
      <DayNavigator
        day={dayOf(filters)}
        today={dayBefore(0)}
        onDay={(day) => onChange({ day, step: '' })}
        language={i18n.language}
        words={{
          previous: t('day.previous'),
          next: t('day.next'),
          today: t('day.today'),
          pick: t('day.pick'),
          all: t('day.all'),
        }}
      />
      <SegmentedControl
        size="xs"
        className="state-choice"
        aria-label={t('worklist.state')}
        value={filters.status}
        onChange={(status) => onChange({ status })}
        data={STATES.map(({ value, word }) => ({ value, label: t(`performed.status.${word}`) }))}
      />
      <TextInput
        size="xs"
        w={150}
        aria-label={t('worklist.station')}
        placeholder={t('worklist.station')}
        value={station}
        onChange={(event) => setStation(event.currentTarget.value)}
      />
      {filters.step && (
        <Button size="xs" variant="light" onClick={() => onChange({ step: '' })}>
          {t('performed.only_this')}
        </Button>
      )}
    </Group>
  );
}

function Nothing({ filters, onChange }: BarProps) {
  const { t } = useTranslation();
  const system = useQuery(systemQuery).data;
  const narrowed = isFiltered(filters);
  return (
    <div className="nothing">
      <IconReportMedical size={34} stroke={1.3} aria-hidden />
      <Text fw={600} mt="xs">
        {t(narrowed ? 'performed.none_match' : 'performed.none')}
      </Text>
      <Text size="sm" c="dimmed" maw={520}>
        {narrowed || !system
          ? t('studies.none_hint')
          : t('performed.none_hint', {
              ae: system.ae_title,
              host: system.dicom_host,
              port: String(system.dicom_port),
            })}
      </Text>
      <Group mt="sm" gap="xs" justify="center">
        {filters.day !== ANY_DAY && !filters.step && (
          <Button size="xs" variant="default" onClick={() => onChange({ day: ANY_DAY })}>
            {t('worklist.look_all_days')}
          </Button>
        )}
        {narrowed && (
          <Button size="xs" variant="default" onClick={() => onChange({ status: '', station: '', step: '' })}>
            {t('studies.clear')}
          </Button>
        )}
      </Group>
    </div>
  );
}
