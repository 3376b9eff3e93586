import {
  Button,
  Group,
  Modal,
  NumberInput,
  SegmentedControl,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { DestinationsField, IdentityFields, PriorityField, WindowField } from './fields';
import { useRuleOrders } from './queries';
import { draftOf, NEW_RULE } from './ruleWords';
import { TryRule } from './TryRule';
import { type NewRule, PATTERN_CONDITIONS, type Rule } from './types';

const MODALITIES = ['CR', 'CT', 'DX', 'MG', 'MR', 'NM', 'OT', 'PT', 'RF', 'SC', 'SR', 'US', 'XA'];
const NAME_MAX = 80;
const QUIET_SECONDS_MAX = 86_400;

interface Props {
  /** null: closed; 'new': one that is not there yet. */
  rule: Rule | 'new' | null;
  onClose: () => void;
}

/** Everything a routing rule says, and what it would do with a study. */
export function RuleDialog({ rule, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={rule !== null}
      onClose={onClose}
      size={760}
      title={rule && (rule === 'new' ? t('rule.new') : t('rule.change', { name: rule.name }))}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {rule && <RuleForm rule={rule} onClose={onClose} />}
    </Modal>
  );
}

function RuleForm({ rule, onClose }: { rule: Rule | 'new'; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<NewRule>(() => (rule === 'new' ? NEW_RULE : draftOf<NewRule>(rule)));
  const { save } = useRuleOrders<NewRule>('routing-rules');
  const change = (wanted: Partial<NewRule>) => setDraft((before) => ({ ...before, ...wanted }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ id: rule === 'new' ? null : rule.id, rule: draft }, { onSuccess: onClose });
  };
  const isComplete = draft.name.trim() !== '' && draft.destinations.length > 0;
  return (
    <form onSubmit={submit} className="form-stack">
      <TextInput
        label={t('rule.name')}
        required
        withAsterisk={false}
        maxLength={NAME_MAX}
        data-autofocus
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <ConditionFields draft={draft} onChange={change} />
      <fieldset className="form-section">
        <legend>{t('rule.where')}</legend>
        <DestinationsField
          label={t('exchange.destinations')}
          value={draft.destinations}
          onChange={(destinations) => change({ destinations })}
        />
        <IdentityFields
          project={draft.project}
          requestCommitment={draft.request_commitment}
          onChange={change}
        />
      </fieldset>
      <DeliveryFields draft={draft} onChange={change} />
      <TryRule rule={draft} canTry={isComplete} />
      {save.error && <ProblemNotice title={t('rule.not_saved')} error={save.error} />}
      <Group justify="flex-end" className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" disabled={!isComplete} loading={save.isPending}>
          {t('rule.save')}
        </Button>
      </Group>
    </form>
  );
}

interface FieldsProps {
  draft: NewRule;
  onChange: (wanted: Partial<NewRule>) => void;
}

function ConditionFields({ draft, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="form-section">
      <legend>{t('rule.which')}</legend>
      <div className="quiet ledger-line">{t('rule.which_hint')}</div>
      <div className="form-columns">
        {PATTERN_CONDITIONS.map((name) => (
          <TagsInput
            key={name}
            label={t(`rule.condition.${name}`)}
            placeholder={draft[name].length === 0 ? t('rule.any') : undefined}
            data={name === 'modalities' ? MODALITIES : []}
            // Names and descriptions may hold a comma.
            splitChars={name === 'modalities' || name === 'calling_ae_titles' ? [',', ' '] : []}
            value={draft[name]}
            onChange={(patterns) => onChange({ [name]: patterns })}
          />
        ))}
      </div>
      <WindowField
        label={t('rule.received_within')}
        value={draft.received_within}
        onChange={(received_within) => onChange({ received_within })}
      />
    </fieldset>
  );
}

function DeliveryFields({ draft, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="form-section">
      <legend>{t('rule.when')}</legend>
      <Group gap="lg" align="flex-end">
        <Stack gap={0}>
          <div className="field-label" aria-hidden="true">
            {t('rule.scope')}
          </div>
          <SegmentedControl
            size="xs"
            aria-label={t('rule.scope')}
            value={draft.scope}
            onChange={(scope) => onChange({ scope: scope as NewRule['scope'] })}
            data={(['study', 'series'] as const).map((scope) => ({
              value: scope,
              label: t(`rule.scope_words.${scope}`),
            }))}
          />
        </Stack>
        <PriorityField value={draft.priority} onChange={(priority) => onChange({ priority })} />
      </Group>
      <NumberInput
        label={t('rule.quiet')}
        description={t('rule.quiet_hint')}
        maw={320}
        min={0}
        max={QUIET_SECONDS_MAX}
        allowDecimal={false}
        value={draft.quiet_seconds}
        onChange={(seconds) => onChange({ quiet_seconds: Number(seconds) || 0 })}
      />
      <WindowField
        label={t('rule.send_within')}
        value={draft.send_within}
        onChange={(send_within) => onChange({ send_within })}
      />
    </fieldset>
  );
}
