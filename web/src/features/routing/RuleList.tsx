import { ActionIcon, Button, Group, Switch, Text, UnstyledButton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useProblemText } from '../../api/ProblemNotice';
import { useRuleOrders } from './queries';
import { draftOf, moved } from './ruleWords';
import type { Kept } from './types';

const UNDO_MS = 10_000;

interface ListedRule {
  name: string;
  is_active: boolean;
  position: number;
}

interface Props<New extends ListedRule> {
  kind: 'routing-rules' | 'prefetch-rules';
  rules: (New & Kept)[];
  words: (rule: New) => ReactNode;
  onOpen: (rule: New & Kept) => void;
}

/** Rules in the order in which they count: switched, moved, opened, removed and brought back. */
export function RuleList<New extends ListedRule>({ kind, rules, words, onOpen }: Props<New>) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const { save, saveAll, remove, restore } = useRuleOrders<New>(kind);
  const onError = (error: Error) =>
    notifications.show({ color: 'red', title: t('rule.not_saved'), message: problemText(error) });
  const asDraft = (rule: New & Kept) => draftOf<New>(rule);

  const removeWithUndo = (rule: New & Kept) => {
    const bringBack = (notice: string) => {
      notifications.hide(notice);
      restore.mutate(rule.id, { onError });
    };
    remove.mutate(rule.id, {
      onError,
      onSuccess: () => {
        const notice = `removed-${rule.id}`;
        notifications.show({
          id: notice,
          autoClose: UNDO_MS,
          message: (
            <Group justify="space-between" wrap="nowrap">
              <span>{t('rule.removed', { name: rule.name })}</span>
              <Button size="compact-sm" variant="default" onClick={() => bringBack(notice)}>
                {t('rule.undo')}
              </Button>
            </Group>
          ),
        });
      },
    });
  };

  return (
    <ol className="rule-list">
      {rules.map((rule, index) => (
        <li key={rule.id} className="rule" data-rule={rule.name} data-active={rule.is_active}>
          <Switch
            mt={1}
            aria-label={t('rule.is_active', { name: rule.name })}
            checked={rule.is_active}
            onChange={(event) =>
              save.mutate(
                { id: rule.id, rule: { ...asDraft(rule), is_active: event.currentTarget.checked } },
                { onError },
              )
            }
          />
          <div>
            <UnstyledButton className="rule-name" onClick={() => onOpen(rule)}>
              {rule.name}
            </UnstyledButton>
            {!rule.is_active && (
              <Text span size="sm" c="dimmed" ms="xs">
                {t('rule.is_off')}
              </Text>
            )}
            <div className="rule-words">{words(rule)}</div>
          </div>
          <Group gap={2} wrap="nowrap">
            {([-1, 1] as const).map((by) => {
              const Arrow = by < 0 ? IconArrowUp : IconArrowDown;
              return (
                <ActionIcon
                  key={by}
                  variant="subtle"
                  color="gray"
                  disabled={index + by < 0 || index + by >= rules.length}
                  aria-label={t(by < 0 ? 'rule.move_up' : 'rule.move_down', { name: rule.name })}
                  onClick={() =>
                    saveAll.mutate(
                      moved(rules, rule.id, by).map((it) => ({ id: it.id, rule: asDraft(it) })),
                      { onError },
                    )
                  }
                >
                  <Arrow size={16} aria-hidden />
                </ActionIcon>
              );
            })}
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('rule.remove', { name: rule.name })}
              onClick={() => removeWithUndo(rule)}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Group>
        </li>
      ))}
    </ol>
  );
}
