import { Button, Group, Tabs, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useProblemText } from '../../api/ProblemNotice';
import { formatCount } from '../../ui/format';
import { useKeys } from '../../ui/useKeys';
import { CheckDialog } from './CheckDialog';
import { type Editing, NodeDrawer } from './NodeDrawer';
import { NodeList } from './NodeList';
import { draftOf, newDraft, nodeOf } from './nodeDraft';
import './nodes.css';
import { callersQuery, nodesQuery, useSaveNode } from './queries';
import { RemoveNodeDialog } from './RemoveNodeDialog';
import { ThisFilmless } from './ThisFilmless';
import { TurnedAway } from './TurnedAway';
import type { Node } from './types';

const VIEWS = ['nodes', 'callers', 'ours'] as const;
type View = (typeof VIEWS)[number];

/** Which view and search the address bar asks for. */
function usePlace() {
  const [params, setParams] = useSearchParams();
  const wanted = params.get('view') as View;
  const set = (name: string, value: string) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value) after.set(name, value);
        else after.delete(name);
        return after;
      },
      { replace: name === 'search' },
    );
  return {
    view: VIEWS.includes(wanted) ? wanted : 'nodes',
    search: params.get('search') ?? '',
    setView: (view: string | null) => set('view', view === 'nodes' ? '' : (view ?? '')),
    setSearch: (text: string) => set('search', text),
  };
}

/** Switching a node off or on keeps everything else about it. */
function useSwitchNode() {
  const { t } = useTranslation();
  const save = useSaveNode();
  const problemText = useProblemText();
  return (node: Node) => {
    const changed = { ...nodeOf(draftOf(node)), is_active: !node.is_active };
    save.mutate(
      { aeTitle: node.ae_title, node: changed, isNew: false },
      {
        onSuccess: () => {
          const words = changed.is_active ? 'nodes.switched_on' : 'nodes.switched_off';
          notifications.show({ message: t(words, { node: node.ae_title }), color: 'green' });
        },
        onError: (error) => notifications.show({ message: problemText(error), color: 'red' }),
      },
    );
  };
}

/** The DICOM systems we know, those that were turned away, and what they must know of us. */
export function NodesPage() {
  const { t } = useTranslation();
  const { view, search, setView, setSearch } = usePlace();
  const nodes = useQuery(nodesQuery).data;
  const callers = useQuery(callersQuery).data?.length ?? 0;
  const [editing, setEditing] = useState<Editing | null>(null);
  const [checked, setChecked] = useState<string | null>(null);
  const [removed, setRemoved] = useState<Node | null>(null);
  const switchNode = useSwitchNode();
  const searchRef = useRef<HTMLInputElement>(null);
  const byTitle = (title: string | null) => nodes?.find((node) => node.ae_title === title) ?? null;
  const add = () => setEditing({ initial: newDraft(), isNew: true, bound: [] });
  const edit = (node: Node | null) => {
    setChecked(null);
    if (node) setEditing({ initial: draftOf(node), isNew: false, bound: node.certificates });
  };
  useKeys([
    ['/', () => searchRef.current?.select()],
    ['n', add],
  ]);
  return (
    <div className="page">
      <Group justify="space-between" align="flex-start" gap="md" mb="md">
        <div>
          <Title order={1} fz={22} fw={650}>
            {t('nodes.title')}
          </Title>
          <Text c="dimmed" mt={4} maw={640}>
            {t('nodes.text')}
          </Text>
        </div>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={add}>
          {t('nodes.add')}
        </Button>
      </Group>
      <Tabs value={view} onChange={setView} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="nodes">{t('nodes.view_nodes')}</Tabs.Tab>
          <Tabs.Tab value="callers">
            {t('nodes.view_callers')}
            {callers > 0 && <span className="count tab-count">{formatCount(callers)}</span>}
          </Tabs.Tab>
          <Tabs.Tab value="ours">{t('nodes.view_ours')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="nodes">
          <NodeList
            search={search}
            onSearch={setSearch}
            searchRef={searchRef}
            onAdd={add}
            onEdit={edit}
            onCheck={(node) => setChecked(node.ae_title)}
            onSwitch={switchNode}
            onRemove={setRemoved}
          />
        </Tabs.Panel>
        <Tabs.Panel value="callers">
          <TurnedAway
            onAdd={({ proposed_node }) =>
              proposed_node && setEditing({ initial: newDraft(proposed_node), isNew: true, bound: [] })
            }
            onOpen={(title) => edit(byTitle(title))}
          />
        </Tabs.Panel>
        <Tabs.Panel value="ours">
          <ThisFilmless />
        </Tabs.Panel>
      </Tabs>
      <NodeDrawer
        editing={editing}
        onClose={() => setEditing(null)}
        onSaved={(title, wantsCheck) => wantsCheck && setChecked(title)}
      />
      <CheckDialog node={byTitle(checked)} onClose={() => setChecked(null)} onEdit={edit} />
      <RemoveNodeDialog node={removed} onClose={() => setRemoved(null)} />
    </div>
  );
}
