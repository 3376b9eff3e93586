import { ActionIcon, Button, Group, Select, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { studiesQuery } from '../../api/queries';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { formatCount } from '../../ui/format';
import { useSendStudy } from '../../ui/sendStudy';
import { useKeys } from '../../ui/useKeys';
import { SendHelp } from './SendHelp';
import { StudyFilterBar } from './StudyFilterBar';
import { StudyTable } from './StudyTable';
import {
  addressOfFilters,
  filtersFromAddress,
  isFiltered,
  NO_FILTERS,
  queryOf,
  type StudyFilters,
} from './studyFilters';
import { useFresh } from './useFresh';
import { useRowFocus } from './useRowFocus';
import { openViewer } from './viewer';

const PAGE_SIZES = ['25', '50', '100', '200'];

/** The filters of the address bar, and a way to change them: typing replaces, a choice can be undone by "back". */
function useFilters() {
  const [params, setParams] = useSearchParams();
  const filters = useMemo(() => filtersFromAddress(params), [params]);
  const change = useCallback(
    (wanted: Partial<StudyFilters>) =>
      setParams((before) => addressOfFilters({ ...filtersFromAddress(before), offset: 0, ...wanted }), {
        replace: 'search' in wanted,
      }),
    [setParams],
  );
  return { filters, change };
}

/** Every study of the archive: the first screen and the one that is looked at all day. */
export function StudyListPage() {
  const { t } = useTranslation();
  const { filters, change } = useFilters();
  const [limit, setLimit] = useLocalStorage({ key: 'filmless.page_size', defaultValue: '50' });
  const list = useQuery(studiesQuery(queryOf(filters, Number(limit))));
  const fresh = useFresh();
  const searchRef = useRef<HTMLInputElement>(null);
  const { tableRef, move, focusFirst, focusedStudy } = useRowFocus();
  const sendStudy = useSendStudy();
  useKeys([
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['/', () => searchRef.current?.select()],
    [
      's',
      () => {
        const uid = focusedStudy();
        const study = list.data?.studies.find((one) => one.study_instance_uid === uid);
        if (study) sendStudy?.(study);
      },
    ],
    [
      'v',
      () => {
        const study = focusedStudy();
        if (study) openViewer(study);
      },
    ],
  ]);

  const studies = list.data?.studies;
  const isEmptyArchive = list.data?.total === 0 && !isFiltered(filters);
  return (
    <div className="study-list">
      <h1 className="visually-hidden">{t('studies.title')}</h1>
      <StudyFilterBar
        filters={filters}
        onChange={change}
        onClear={() => change({ ...NO_FILTERS, order_by: filters.order_by })}
        searchRef={searchRef}
        onLeaveSearch={focusFirst}
      />
      {list.isError && (
        <ErrorNotice
          title={t('studies.failed')}
          onRetry={() => void list.refetch()}
          retryLabel={t('action.retry')}
        >
          {(list.error instanceof ApiError && list.error.message) || t('problem.unreachable')}
        </ErrorNotice>
      )}
      <div className="table-area" ref={tableRef} data-stale={list.isPlaceholderData}>
        {isEmptyArchive && <SendHelp />}
        {list.data?.total === 0 && !isEmptyArchive && <NothingFound onClear={() => change(NO_FILTERS)} />}
        {(studies?.length || list.isPending) && (
          <StudyTable
            studies={studies}
            orderBy={filters.order_by}
            onOrder={(order_by) => change({ order_by })}
            fresh={fresh}
          />
        )}
      </div>
      <Pager
        total={list.data?.total}
        isExact={list.data?.total_is_exact ?? true}
        offset={filters.offset}
        limit={Number(limit)}
        onOffset={(offset) => change({ offset })}
        onLimit={(size) => {
          setLimit(size);
          change({ offset: 0 });
        }}
      />
    </div>
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="nothing">
      <Text fw={600}>{t('studies.none')}</Text>
      <Text size="sm" c="dimmed">
        {t('studies.none_hint')}
      </Text>
      <Button size="xs" variant="default" mt="sm" onClick={onClear}>
        {t('studies.clear')}
      </Button>
    </div>
  );
}

interface PagerProps {
  total: number | undefined;
  isExact: boolean;
  offset: number;
  limit: number;
  onOffset: (offset: number) => void;
  onLimit: (limit: string) => void;
}

function Pager({ total, isExact, offset, limit, onOffset, onLimit }: PagerProps) {
  const { t } = useTranslation();
  const last = isExact ? Math.min(total ?? 0, offset + limit) : offset + limit;
  const range = t(isExact ? 'studies.range' : 'studies.range_open', {
    from: formatCount(total ? offset + 1 : 0),
    to: formatCount(last),
    total: formatCount(total ?? 0),
  });
  return (
    <Group className="pager" justify="space-between" gap="sm">
      <Text size="sm" aria-live="polite" data-testid="range">
        {total === undefined ? ' ' : range}
      </Text>
      <Group gap="xs">
        <Select
          size="xs"
          w={76}
          data={PAGE_SIZES}
          value={String(limit)}
          onChange={(size) => size && onLimit(size)}
          allowDeselect={false}
          aria-label={t('studies.page_size')}
          visibleFrom="xs"
        />
        <ActionIcon
          variant="default"
          size={30}
          disabled={offset === 0}
          onClick={() => onOffset(Math.max(0, offset - limit))}
          aria-label={t('studies.previous')}
        >
          <IconChevronLeft size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon
          variant="default"
          size={30}
          disabled={isExact && last >= (total ?? 0)}
          onClick={() => onOffset(offset + limit)}
          aria-label={t('studies.next')}
        >
          <IconChevronRight size={16} aria-hidden />
        </ActionIcon>
      </Group>
    </Group>
  );
}
