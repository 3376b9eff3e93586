import { Button, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { ProblemNotice } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { useKeys } from '../../ui/useKeys';
import { useRowKeys } from '../../ui/useRowKeys';
import { FetchedLately } from './FetchedLately';
import {
  archivesQuery,
  pullsQuery,
  useAsked,
  useFetch,
  useHeldLive,
  useSearches,
  type Wanted,
} from './queries';
import { ResultTable } from './ResultTable';
import { SearchForm } from './SearchForm';
import { type Asked, addressOf, inOrder, searchFromAddress } from './search';
import './remote.css';
import type { Pull, RemoteArchive } from './types';

/** Search the archives of other houses and departments, and fetch what is needed here. */
export function OtherArchivesPage() {
  const { t } = useTranslation();
  const archives = useQuery(archivesQuery);
  return (
    <div className="page page-wide">
      <Title order={1} fz={22} fw={650}>
        {t('remote.title')}
      </Title>
      <Text c="dimmed" mt={4} mb="md" maw={720}>
        {t('remote.text')}
      </Text>
      {archives.isPending && <Skeleton h={180} radius="md" />}
      {archives.isError && (
        <ProblemNotice
          title={t('remote.archives_failed')}
          error={archives.error}
          onRetry={() => void archives.refetch()}
        />
      )}
      {archives.data?.length === 0 && <NoArchives />}
      {archives.data && archives.data.length > 0 && <SearchAndFetch archives={archives.data} />}
    </div>
  );
}

function NoArchives() {
  const { t } = useTranslation();
  const mayManage = usePermission('nodes.manage');
  return (
    <div className="nothing">
      <Text fw={600}>{t('remote.no_archives')}</Text>
      <Text size="sm" c="dimmed">
        {t('remote.no_archives_hint')}
      </Text>
      {mayManage && (
        <Button component={Link} to="/nodes" variant="default" size="xs" mt="sm">
          {t('remote.to_nodes')}
        </Button>
      )}
    </div>
  );
}

function SearchAndFetch({ archives }: { archives: RemoteArchive[] }) {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const [asked, ask] = useAsked();
  const searches = useSearches(asked);
  const firstRef = useRef<HTMLInputElement>(null);
  const { tableRef, move } = useRowKeys();
  useHeldLive();
  useKeys([
    ['j', () => move(1)],
    ['ArrowDown', () => move(1)],
    ['k', () => move(-1)],
    ['ArrowUp', () => move(-1)],
    ['/', () => firstRef.current?.select()],
  ]);
  const wanted = params.getAll('archive').filter((title) => archives.some((it) => it.ae_title === title));
  const only = archives.length === 1 ? archives.map((it) => it.ae_title) : [];
  return (
    <Stack gap="md">
      <SearchForm
        archives={archives}
        initial={asked ?? { archives: wanted.length ? wanted : only, search: searchFromAddress(params) }}
        isSearching={searches.some((search) => search.isFetching)}
        firstRef={firstRef}
        onSearch={(chosen, search) => {
          ask({ archives: chosen, search, at: Date.now() });
          setParams(addressOf(chosen, search), { replace: true });
        }}
        onClear={() => {
          ask(undefined);
          setParams({}, { replace: true });
        }}
      />
      {asked ? (
        <Results key={asked.at} asked={asked} searches={searches} tableRef={tableRef} />
      ) : (
        <div className="nothing">
          <Text fw={600}>{t('remote.begin')}</Text>
          <Text size="sm" c="dimmed" maw={520}>
            {t('remote.begin_hint')}
          </Text>
        </div>
      )}
      <FetchedLately />
    </Stack>
  );
}

interface ResultsProps {
  asked: Asked;
  searches: ReturnType<typeof useSearches>;
  tableRef: ReturnType<typeof useRowKeys>['tableRef'];
}

function Results({ asked, searches, tableRef }: ResultsProps) {
  const { t } = useTranslation();
  const mayFetch = usePermission('studies.store');
  const pulls = useQuery(pullsQuery).data ?? [];
  const [mine, setMine] = useState<ReadonlySet<string>>(new Set());
  const note = useCallback(
    (taken: Pull[]) => setMine((before) => new Set([...before, ...taken.map((pull) => pull.id)])),
    [],
  );
  const fetching = useFetch(note);
  const found = asked.archives.flatMap((archive, index) =>
    (searches[index]?.data?.studies ?? []).map((study) => ({ ...study, archive })),
  );
  const waiting = asked.archives.filter((_, index) => searches[index]?.isFetching);
  const hasFailed = searches.some((search) => search.isError);
  return (
    <Stack gap="sm">
      {asked.archives.map((archive, index) => {
        const search = searches[index];
        if (search?.isError) {
          return (
            <ProblemNotice
              key={archive}
              title={t('remote.failed', { archive })}
              error={search.error}
              onRetry={() => void search.refetch()}
            />
          );
        }
        if (search?.data?.is_whole !== false) return null;
        return (
          <Text key={archive} size="sm" role="status">
            {t('remote.cut_off', { archive })}
          </Text>
        );
      })}
      {waiting.length > 0 && (
        <>
          <Text size="sm" c="dimmed" role="status">
            {t('remote.searching', { archive: waiting.join(', ') })}
          </Text>
          {!found.length && <Skeleton h={120} radius="md" />}
        </>
      )}
      {fetching.isError && <ProblemNotice title={t('remote.not_fetched')} error={fetching.error} />}
      {found.length > 0 && (
        <>
          <ResultTable
            studies={inOrder(found)}
            pulls={pulls}
            mine={mine}
            onFetch={mayFetch ? (wanted: Wanted[]) => fetching.mutate(wanted) : null}
            tableRef={tableRef}
          />
          {!mayFetch && (
            <Text size="sm" c="dimmed">
              {t('remote.may_not_fetch')}
            </Text>
          )}
        </>
      )}
      {!found.length && !waiting.length && !hasFailed && (
        <div className="nothing" role="status">
          <Text fw={600}>{t('remote.none')}</Text>
          <Text size="sm" c="dimmed">
            {t('remote.none_hint')}
          </Text>
        </div>
      )}
    </Stack>
  );
}
