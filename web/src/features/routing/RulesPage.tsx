import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { rulesQuery } from './queries';
import { RuleDialog } from './RuleDialog';
import { RuleList } from './RuleList';
import { NoRules, RulesHead } from './RulesHead';
import { conditionWords, deliveryWords } from './ruleWords';
import type { NewRule, Rule } from './types';

/** What goes where by itself. */
export function RulesPage() {
  const { t } = useTranslation();
  const list = useQuery(rulesQuery);
  const [opened, setOpened] = useState<Rule | 'new' | null>(null);
  return (
    <>
      <RulesHead text={t('rule.text')} add={t('rule.new')} onAdd={() => setOpened('new')} />
      {list.isError && (
        <ProblemNotice title={t('rule.failed')} error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Skeleton h={120} radius="md" />}
      {list.data?.length === 0 && <NoRules title={t('rule.none')} hint={t('rule.none_hint')} />}
      {list.data && (
        <RuleList<NewRule>
          kind="routing-rules"
          rules={list.data}
          onOpen={setOpened}
          words={(rule) => (
            <>
              {conditionWords(rule, t)} → <strong className="mono">{rule.destinations.join(', ')}</strong>
              <div className="quiet ledger-line">{deliveryWords(rule, t)}</div>
            </>
          )}
        />
      )}
      <RuleDialog rule={opened} onClose={() => setOpened(null)} />
    </>
  );
}
