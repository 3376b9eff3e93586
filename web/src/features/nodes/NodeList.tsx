import { Button, CloseButton, Skeleton, Text, TextInput } from '@mantine/core';
import { IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { type NodeActions, NodeTable } from './NodeTable';
import { nodesQuery } from './queries';
import type { Node } from './types';

interface Props extends NodeActions {
  search: string;
  onSearch: (text: string) => void;
  searchRef: RefObject<HTMLInputElement | null>;
  onAdd: () => void;
}

function matches(node: Node, search: string): boolean {
  const text = `${node.ae_title} ${node.description} ${node.host}:${node.port}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** All nodes; a house has tens of them, so that they are all here and searched here. */
export function NodeList({ search, onSearch, searchRef, onAdd, ...actions }: Props) {
  const { t } = useTranslation();
  const nodes = useQuery(nodesQuery);
  if (nodes.isPending) return <Skeleton h={220} radius="md" />;
  if (nodes.isError) {
    return (
      <ProblemNotice title={t('nodes.failed')} error={nodes.error} onRetry={() => void nodes.refetch()} />
    );
  }
  if (!nodes.data.length) return <NoNodes onAdd={onAdd} />;
  const found = nodes.data.filter((node) => matches(node, search));
  return (
    <>
      <TextInput
        ref={searchRef}
        mb="sm"
        maw={360}
        aria-label={t('nodes.search')}
        placeholder={t('nodes.search_hint')}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={
          search ? (
            <CloseButton size="sm" aria-label={t('studies.clear_search')} onClick={() => onSearch('')} />
          ) : null
        }
        value={search}
        onChange={(event) => onSearch(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onSearch('')}
      />
      <div className="visually-hidden" role="status">
        {t('nodes.count', { count: found.length })}
      </div>
      {found.length ? (
        <NodeTable nodes={found} {...actions} />
      ) : (
        <div className="nothing">
          <Text fw={600}>{t('nodes.none_found')}</Text>
          <Button size="xs" variant="default" mt="sm" onClick={() => onSearch('')}>
            {t('studies.clear_search')}
          </Button>
        </div>
      )}
    </>
  );
}

function NoNodes({ onAdd }: { onAdd: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="nothing">
      <Text fw={600}>{t('nodes.none')}</Text>
      <Text size="sm" c="dimmed" maw={520} mb="md">
        {t('nodes.none_hint')}
      </Text>
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={onAdd}>
        {t('nodes.add')}
      </Button>
    </div>
  );
}
