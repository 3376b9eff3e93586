import { Button, Group, Loader, Modal, Stack, Switch, Text } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleX,
  IconPlayerPlay,
  IconRefresh,
} from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatInstant } from '../../ui/format';
import { CopyAllButton } from './CopyValue';
import { checkText } from './checkText';
import { type Finding, type Node, STEPS, type Step } from './types';
import { useCheck } from './useCheck';

interface Props {
  node: Node | null;
  onClose: () => void;
  onEdit: (node: Node) => void;
}

/** What is wrong between a node and us, step by step, and which side has to change what. */
export function CheckDialog({ node, onClose, onEdit }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={node !== null}
      onClose={onClose}
      title={node && t('nodes.check_title', { node: node.ae_title })}
      size={720}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {node && <Check key={node.ae_title} node={node} onEdit={() => onEdit(node)} />}
    </Modal>
  );
}

function Check({ node, onEdit }: { node: Node; onEdit: () => void }) {
  const { t } = useTranslation();
  const [mayStore, setMayStore] = useState(false);
  const { phase, findings, error, at, begin } = useCheck(node.ae_title);
  const isRunning = phase === 'running';
  const hasRun = phase === 'done' || phase === 'failed';
  const text = checkText(findings, {
    heading: t('nodes.check_heading', {
      node: node.ae_title,
      address: `${node.host}:${node.port}`,
      at: formatInstant(at?.toISOString()),
    }),
    title: (step) => t(`nodes.step.${step}`),
    state: (state) => t(`nodes.state.${state}`),
  });
  return (
    <Stack gap="md">
      <Switch
        label={t('nodes.may_store')}
        description={t('nodes.may_store_hint', { node: node.ae_title })}
        checked={mayStore}
        disabled={isRunning}
        onChange={(event) => setMayStore(event.currentTarget.checked)}
      />
      <Group gap="xs">
        <Button
          data-autofocus
          loading={isRunning}
          leftSection={
            hasRun ? <IconRefresh size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />
          }
          onClick={() => void begin(mayStore)}
        >
          {t(hasRun ? 'nodes.check_again' : 'nodes.check_begin')}
        </Button>
        {hasRun && <CopyAllButton text={text} label={t('nodes.check_copy')} />}
        {hasRun && (
          <Button variant="subtle" onClick={onEdit}>
            {t('nodes.edit')}
          </Button>
        )}
      </Group>
      <div aria-live="polite">
        {phase === 'failed' && <ProblemNotice title={t('nodes.check_failed')} error={error} />}
        {phase === 'done' && <Verdict findings={findings} />}
      </div>
      <ol className="check-steps plain-list">
        {STEPS.map((step, index) => (
          <CheckStep
            key={step}
            step={step}
            finding={findings[index]}
            isNext={isRunning && index === findings.length}
          />
        ))}
      </ol>
    </Stack>
  );
}

function Verdict({ findings }: { findings: Finding[] }) {
  const { t } = useTranslation();
  const ill = findings.filter(({ state }) => state === 'ill').length;
  return (
    <Text fw={600} className="verdict" data-state={ill ? 'ill' : 'well'}>
      {ill ? t('nodes.check_ill', { count: ill }) : t('nodes.check_well')}
    </Text>
  );
}

const ICONS = {
  well: IconCircleCheck,
  look: IconAlertTriangle,
  ill: IconCircleX,
  skipped: IconCircleMinus,
};

interface StepProps {
  step: Step;
  finding: Finding | undefined;
  isNext: boolean;
}

function CheckStep({ step, finding, isNext }: StepProps) {
  const { t } = useTranslation();
  const Icon = finding ? ICONS[finding.state] : IconCircleDashed;
  return (
    <li className="check-step" data-step={step} data-state={finding?.state ?? 'waiting'}>
      {isNext ? <Loader size={20} aria-hidden /> : <Icon size={22} stroke={1.7} aria-hidden />}
      <div>
        <span className="check-title">{t(`nodes.step.${step}`)}</span>
        {finding && <span className="visually-hidden">: {t(`nodes.state.${finding.state}`)}</span>}
        {finding && <p className="check-seen">{finding.seen}</p>}
        {finding?.advice && <p className="check-advice">{finding.advice}</p>}
      </div>
    </li>
  );
}
