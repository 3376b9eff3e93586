import { Button, Group, Paper, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ProblemNotice, useProblemText } from '../../api/ProblemNotice';
import { formatCount, formatInstant } from '../../ui/format';
import { callersQuery, useForgetCaller } from './queries';
import type { UnknownCaller } from './types';

interface Props {
  onAdd: (caller: UnknownCaller) => void;
  onOpen: (aeTitle: string) => void;
}

/** Who called and was not let in: mostly a device that somebody is setting up at this moment. */
export function TurnedAway({ onAdd, onOpen }: Props) {
  const { t } = useTranslation();
  const callers = useQuery(callersQuery);
  if (callers.isPending) return <Skeleton h={160} radius="md" />;
  return (
    <>
      <Text c="dimmed" mb="md" maw={720}>
        {t('nodes.callers_text')}
      </Text>
      {callers.isError && (
        <ProblemNotice
          title={t('nodes.callers_failed')}
          error={callers.error}
          onRetry={() => void callers.refetch()}
        />
      )}
      {callers.data?.length === 0 && <NobodyTurnedAway />}
      <Stack component="ul" gap="sm" className="plain-list">
        {callers.data?.map((caller) => (
          <Caller
            key={`${caller.calling_ae_title} ${caller.address}`}
            caller={caller}
            onAdd={onAdd}
            onOpen={onOpen}
          />
        ))}
      </Stack>
    </>
  );
}

function NobodyTurnedAway() {
  const { t } = useTranslation();
  return (
    <div className="nothing">
      <ThemeIcon variant="light" color="green" size={44} radius="xl" mb="sm">
        <IconCircleCheck size={26} aria-hidden />
      </ThemeIcon>
      <Text fw={600}>{t('nodes.callers_none')}</Text>
      <Text size="sm" c="dimmed" maw={520}>
        {t('nodes.callers_none_hint')}
      </Text>
    </div>
  );
}

function Caller({ caller, onAdd, onOpen }: { caller: UnknownCaller } & Props) {
  const { t } = useTranslation();
  const forget = useForgetCaller();
  const problemText = useProblemText();
  const title = caller.calling_ae_title || t('nodes.caller_nameless');
  const strike = () =>
    forget.mutate(caller, {
      onError: (error) => notifications.show({ message: problemText(error), color: 'red' }),
    });
  return (
    <Paper component="li" withBorder radius="md" p="md" data-caller={caller.calling_ae_title}>
      <Group justify="space-between" align="flex-start" gap="md">
        <div className="caller">
          <Text fw={600}>
            <span className="mono">{title}</span>{' '}
            <Text span c="dimmed" fw={400} inherit>
              {t('nodes.caller_from', { address: caller.address })}
            </Text>
          </Text>
          <Text mt={2}>
            {t(`nodes.reason.${caller.reason}`, {
              called: caller.called_ae_title,
              defaultValue: caller.explanation,
            })}
          </Text>
          {caller.certificate_fingerprint && (
            <Text size="sm" className="fingerprint">
              <span className="quiet">SHA-256 </span>
              {caller.certificate_fingerprint}
            </Text>
          )}
          <Text size="sm" c="dimmed" mt={2}>
            {t('nodes.caller_calls', {
              count: caller.calls,
              calls: formatCount(caller.calls),
              last: formatInstant(caller.last_seen_at),
              first: formatInstant(caller.first_seen_at),
            })}
          </Text>
        </div>
        <Group gap="xs" wrap="nowrap">
          <Button
            size="xs"
            variant="default"
            onClick={strike}
            loading={forget.isPending}
            aria-label={t('nodes.caller_forget_titled', { node: title })}
          >
            {t('nodes.caller_forget')}
          </Button>
          {caller.is_registered && (
            <Button size="xs" variant="light" onClick={() => onOpen(caller.calling_ae_title)}>
              {t('nodes.caller_open')}
            </Button>
          )}
          {caller.proposed_node && (
            <Button size="xs" onClick={() => onAdd(caller)}>
              {t('nodes.caller_add')}
            </Button>
          )}
        </Group>
      </Group>
    </Paper>
  );
}
