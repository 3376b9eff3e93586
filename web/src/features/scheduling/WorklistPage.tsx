import { Button, Group, Modal, Paper, Skeleton, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCalendarPlus, IconCalendarTime } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useSearchParams } from 'react-router';
import { ProblemNotice, useProblemText } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { dayAfter, dayBefore, formatCount } from '../../ui/format';
import { PageTurner } from '../../ui/PageTurner';
import { useKeys } from '../../ui/useKeys';
import { useRowKeys } from '../../ui/useRowKeys';
import { CancelDialog } from './CancelDialog';
import { MachineHelp } from './MachineHelp';
import { useDesk, worklistQuery } from './queries';
import { type Opened, StepDrawer } from './StepDrawer';
import { can } from './stepRules';
import type { DeskVerb, ScheduledStep } from './types';
import { WorklistBar } from './WorklistBar';
import { WorklistTable } from './WorklistTable';
import {
  ANY_DAY,
  addressOfFilters,
  dayOf,
  filtersFromAddress,
  isFiltered,
  NO_FILTERS,
  PAGE,
  queryOf,
  type WorklistFilters,
} from './worklistFilters';

const QUARTER_MINUTES = 15;

/** The next quarter of an hour: what is scheduled at the desk is for soon. */
function nextQuarter(now = new Date()): string {
  const minutes = now.getHours() * 60 + now.getMinutes();
  const next = Math.min((Math.floor(minutes / QUARTER_MINUTES) + 1) * QUARTER_MINUTES, 24 * 60 - 1);
  return `${String(Math.floor(next / 60)).padStart(2, '0')}:${String(next % 60).padStart(2, '0')}`;
}

/** The filters of the address and of the history entry; a change of them closes what was open. */
function useFilters() {
  const [params, setParams] = useSearchParams();
  const { state } = useLocation() as { state: { search?: unknown } | null };
  const filters = filtersFromAddress(params, state?.search);
  const go = (to: WorklistFilters, step: string, replace: boolean) => {
    const address = addressOfFilters(to);
    if (step) address.set('step', step);
    setParams(address, { replace, state: { search: to.search } });
  };
  return {
    filters,
    stepId: params.get('step') ?? '',
    change: (wanted: Partial<WorklistFilters>) =>
      go({ ...filters, offset: 0, ...wanted }, '', 'search' in wanted || 'station' in wanted),
    show: (step: string) => go(filters, step, true),
  };
}

/** What the drawer is open for: an exam's address opens it, too. */
function useOpened() {
  const { filters, stepId, change, show } = useFilters();
  const [fresh, setFresh] = useState<Opened | null>(null);
  const [editedId, setEditedId] = useState('');
  const opened: Opened | null =
    fresh ?? (stepId ? { kind: 'shown', id: stepId, isEditing: editedId === stepId } : null);
  return {
    filters,
    change,
    opened,
    open: (id: string) => show(id),
    edit: (id: string) => {
      setEditedId(id);
      show(id);
    },
    schedule: () => {
      const today = dayBefore(0);
      const day = dayOf(filters) || today;
      setFresh({ kind: 'new', day, time: day === today ? nextQuarter() : '' });
    },
    close: () => {
      setFresh(null);
      setEditedId('');
      if (stepId) show('');
    },
  };
}

/** What is to be done on which machine: the list that the machines themselves ask for. */
export function WorklistPage() {
  const { t } = useTranslation();
  const { filters, change, opened, open, edit, schedule, close } = useOpened();
  const list = useQuery(worklistQuery(queryOf(filters)));
  const mayWrite = usePermission('worklist.write');
  const desk = useDesk();
  const textOf = useProblemText();
  const [cancelled, setCancelled] = useState<ScheduledStep | null>(null);
  const [helps, help] = useDisclosure(false);
  const searchRef = useRef<HTMLInputElement>(null);
  const { tableRef, move, focusFirst, focusedRow } = useRowKeys();
  const steps = list.data?.steps ?? [];
  const total = list.data?.total ?? 0;
  const day = dayOf(filters);

  const report = (step: ScheduledStep, verb: DeskVerb) =>
    desk.mutate(
      { id: step.id, verb },
      {
        onError: (error) =>
          notifications.show({
            color: 'red',
            title: t('worklist.not_done'),
            message: textOf(error),
          }),
      },
    );
  const focused = () => steps.find((step) => step.id === focusedRow());
  const goTo = (to: string) => change({ day: to });
  useKeys([
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['/', () => searchRef.current?.select()],
    ['n', () => mayWrite && schedule()],
    ['[', () => goTo(dayAfter(day || dayBefore(0), -1))],
    [']', () => goTo(dayAfter(day || dayBefore(0), 1))],
    ['t', () => goTo('')],
    [
      'a',
      () => {
        const step = focused();
        if (mayWrite && step && can('arrive', step.status)) report(step, 'arrive');
      },
    ],
  ]);

  return (
    <>
      <Group justify="space-between" align="flex-start" gap="sm" mb="sm">
        <WorklistBar
          filters={filters}
          onChange={change}
          stationsShown={steps.flatMap((step) => step.step.scheduled_station_ae_titles)}
          searchRef={searchRef}
          onLeaveSearch={focusFirst}
          onHelp={help.open}
        />
        {mayWrite && (
          <Button h={32} leftSection={<IconCalendarPlus size={17} aria-hidden />} onClick={schedule}>
            {t('worklist.schedule_exam')}
          </Button>
        )}
      </Group>
      {list.isError && (
        <ProblemNotice title={t('worklist.failed')} error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Skeleton h={260} radius="md" />}
      {list.data && total === 0 && (
        <Nothing filters={filters} onChange={change} onSchedule={mayWrite ? schedule : undefined} />
      )}
      {total > 0 && (
        <div ref={tableRef} className="ledger-area" data-stale={list.isPlaceholderData}>
          <WorklistTable
            steps={steps}
            showsDay={!day}
            onOpen={(step) => open(step.id)}
            onEdit={(step) => edit(step.id)}
            onDesk={report}
            onCancel={setCancelled}
            busyId={desk.isPending ? desk.variables.id : null}
          />
        </div>
      )}
      <Group justify="space-between" mt="xs" gap="sm">
        <Text size="sm" c="dimmed" aria-live="polite" data-testid="step-count">
          {list.data && total > 0 && t('worklist.count', { count: total, total: formatCount(total) })}
        </Text>
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
      </Group>
      <StepDrawer
        opened={opened}
        onClose={close}
        onEdit={edit}
        onDesk={report}
        onCancel={setCancelled}
        onSaved={(step) => {
          close();
          // What was just scheduled must be on the screen.
          if (day && step.step.start_date !== day) change({ ...NO_FILTERS, day: step.step.start_date });
        }}
      />
      <CancelDialog step={cancelled} onClose={() => setCancelled(null)} />
      <Modal
        opened={helps}
        onClose={help.close}
        title={t('worklist.help_title')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        <MachineHelp />
      </Modal>
    </>
  );
}

interface NothingProps {
  filters: WorklistFilters;
  onChange: (wanted: Partial<WorklistFilters>) => void;
  onSchedule: (() => void) | undefined;
}

/** Nothing to show: because nothing fits, or because nothing is scheduled. */
function Nothing({ filters, onChange, onSchedule }: NothingProps) {
  const { t } = useTranslation();
  if (isFiltered(filters)) {
    return (
      <div className="nothing">
        <Text fw={600}>{t('worklist.none_match')}</Text>
        <Text size="sm" c="dimmed">
          {t('studies.none_hint')}
        </Text>
        <Group mt="sm" gap="xs" justify="center">
          {filters.day !== ANY_DAY && (
            <Button size="xs" onClick={() => onChange({ day: ANY_DAY })}>
              {t('worklist.look_all_days')}
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => onChange(NO_FILTERS)}>
            {t('studies.clear')}
          </Button>
        </Group>
      </div>
    );
  }
  return (
    <Paper
      withBorder
      radius="md"
      p={{ base: 'md', sm: 'xl' }}
      maw={680}
      mx="auto"
      my={{ base: 'sm', sm: 32 }}
    >
      <Group gap="sm" wrap="nowrap" mb="xs">
        <IconCalendarTime size={28} stroke={1.6} aria-hidden className="accent" />
        <Text component="h2" fz={19} fw={600} m={0}>
          {t(filters.day === ANY_DAY ? 'worklist.none' : 'worklist.none_on_day')}
        </Text>
      </Group>
      {onSchedule && (
        <Button mb="lg" mt={4} onClick={onSchedule} leftSection={<IconCalendarPlus size={17} aria-hidden />}>
          {t('worklist.schedule_first')}
        </Button>
      )}
      <Text fw={600} size="sm" mb={4}>
        {t('worklist.help_title')}
      </Text>
      <MachineHelp />
    </Paper>
  );
}
