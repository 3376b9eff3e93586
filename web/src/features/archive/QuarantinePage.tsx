import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCircleCheck, IconShieldQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { quarantineQuery, usePermission } from '../../api/queries';
import type { QuarantineItem } from '../../api/types';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { formatBytes, formatCount, formatInstant } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import { ConflictTable } from './ConflictTable';
import { DecisionDialog, type Verdict } from './DecisionDialog';

const PAGE = 20;

interface Decision {
  item: QuarantineItem;
  verdict: Verdict;
}

/** What was received but not filed: a person decides, with a reason. */
export function QuarantinePage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const offset = Math.max(0, Number(params.get('offset')) || 0);
  const list = useQuery(quarantineQuery(PAGE, offset));
  const [decision, setDecision] = useState<Decision | null>(null);
  const total = list.data?.total ?? 0;
  const go = (to: number) => setParams(to > 0 ? { offset: String(to) } : {});
  return (
    <div className="page">
      <Title order={1} fz={22} fw={650}>
        {t('quarantine.title')}
      </Title>
      <Text c="dimmed" mt={4} mb="lg" maw={720}>
        {t('quarantine.text')}
      </Text>
      {list.isError && (
        <ErrorNotice
          title={t('quarantine.failed')}
          onRetry={() => void list.refetch()}
          retryLabel={t('action.retry')}
        >
          {(list.error instanceof ApiError && list.error.message) || t('problem.unreachable')}
        </ErrorNotice>
      )}
      {list.isPending && <Skeleton h={220} radius="md" />}
      {list.data && total === 0 && <NothingHeld />}
      <Stack component="ul" gap="md" className="plain-list">
        {list.data?.items.map((item) => (
          <HeldItem key={item.id} item={item} onDecide={(verdict) => setDecision({ item, verdict })} />
        ))}
      </Stack>
      {total > PAGE && (
        <Group mt="md" justify="center">
          <Button variant="default" size="xs" disabled={offset === 0} onClick={() => go(offset - PAGE)}>
            {t('studies.previous')}
          </Button>
          <Text size="sm">
            {t('studies.range', {
              from: formatCount(offset + 1),
              to: formatCount(Math.min(total, offset + PAGE)),
              total: formatCount(total),
            })}
          </Text>
          <Button
            variant="default"
            size="xs"
            disabled={offset + PAGE >= total}
            onClick={() => go(offset + PAGE)}
          >
            {t('studies.next')}
          </Button>
        </Group>
      )}
      <DecisionDialog decision={decision} onClose={() => setDecision(null)} />
    </div>
  );
}

function NothingHeld() {
  const { t } = useTranslation();
  return (
    <div className="nothing">
      <ThemeIcon variant="light" color="green" size={44} radius="xl" mb="sm">
        <IconCircleCheck size={26} aria-hidden />
      </ThemeIcon>
      <Text fw={600}>{t('quarantine.none')}</Text>
      <Text size="sm" c="dimmed">
        {t('quarantine.none_hint')}
      </Text>
    </div>
  );
}

interface HeldProps {
  item: QuarantineItem;
  onDecide: (verdict: Verdict) => void;
}

function HeldItem({ item, onDecide }: HeldProps) {
  const { t } = useTranslation();
  const mayResolve = usePermission('quarantine.resolve');
  return (
    <Paper component="li" withBorder radius="md" p={{ base: 'md', sm: 'lg' }} data-quarantine={item.id}>
      <Group justify="space-between" align="flex-start" gap="md">
        <Group gap="sm" wrap="nowrap" align="flex-start" flex="1 1 380px" miw={0}>
          <ThemeIcon variant="light" color="orange" size={34} radius="md">
            <IconShieldQuestion size={20} aria-hidden />
          </ThemeIcon>
          <div>
            <Title order={2} fz={16} fw={600}>
              {t(`quarantine.reason.${item.reason}`, { defaultValue: t('quarantine.reason.other') })}
            </Title>
            <Text size="sm" mt={2}>
              {item.explanation} {!item.can_be_accepted && t('quarantine.cannot_accept')}
            </Text>
          </div>
        </Group>
        {mayResolve && <Verdicts canBeAccepted={item.can_be_accepted} onDecide={onDecide} />}
      </Group>
      <HeldFacts item={item} />
      {item.conflicts.length > 0 && <ConflictTable conflicts={item.conflicts} />}
    </Paper>
  );
}

interface VerdictsProps {
  canBeAccepted: boolean;
  onDecide: (verdict: Verdict) => void;
}

function Verdicts({ canBeAccepted, onDecide }: VerdictsProps) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" wrap="nowrap">
      <Button size="xs" variant="light" color="red" onClick={() => onDecide('discard')}>
        {t('quarantine.discard')}
      </Button>
      {canBeAccepted && (
        <Button size="xs" onClick={() => onDecide('accept')}>
          {t('quarantine.accept')}
        </Button>
      )}
    </Group>
  );
}

function HeldFacts({ item }: { item: QuarantineItem }) {
  const { t } = useTranslation();
  const facts: [string, React.ReactNode][] = [
    [t('study.patient'), item.patient_name && <PersonName key="name" name={item.patient_name} none="" />],
    [t('study.patient_id'), item.patient_id],
    [t('quarantine.from'), item.calling_ae_title],
    [t('study.received'), formatInstant(item.received_at)],
    [t('study.size'), formatBytes(item.size_bytes)],
    [
      t('quarantine.study'),
      item.study_instance_uid && (
        <Anchor
          component={Link}
          key="study"
          to={`/studies/${item.study_instance_uid}`}
          inherit
          className="mono uid"
        >
          {item.study_instance_uid}
        </Anchor>
      ),
    ],
    [
      t('quarantine.instance'),
      item.sop_instance_uid && (
        <span key="sop" className="mono uid">
          {item.sop_instance_uid}
        </span>
      ),
    ],
  ];
  return (
    <dl className="facts facts-row">
      {facts
        .filter(([, value]) => value)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
