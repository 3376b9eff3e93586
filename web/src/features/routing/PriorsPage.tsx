import { Button, Checkbox, Group, Modal, NumberInput, Skeleton, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { DestinationsField } from './fields';
import { prefetchRulesQuery, useRuleOrders } from './queries';
import { RuleList } from './RuleList';
import { NoRules, RulesHead } from './RulesHead';
import { draftOf, NEW_PREFETCH_RULE, prefetchWords } from './ruleWords';
import type { NewPrefetchRule, PrefetchRule } from './types';

const NAME_MAX = 80;
const PRIORS_MAX = 20;
const YEARS_MAX = 100;

/** Which earlier studies are fetched before a patient comes. */
export function PriorsPage() {
  const { t } = useTranslation();
  const list = useQuery(prefetchRulesQuery);
  const [opened, setOpened] = useState<PrefetchRule | 'new' | null>(null);
  const close = () => setOpened(null);
  return (
    <>
      <RulesHead text={t('prior.text')} add={t('prior.new')} onAdd={() => setOpened('new')} />
      {list.isError && (
        <ProblemNotice title={t('rule.failed')} error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Skeleton h={120} radius="md" />}
      {list.data?.length === 0 && <NoRules title={t('prior.none')} hint={t('prior.none_hint')} />}
      {list.data && (
        <RuleList<NewPrefetchRule>
          kind="prefetch-rules"
          rules={list.data}
          onOpen={setOpened}
          words={(rule) => (
            <>
              {prefetchWords(rule, t)} ← <strong className="mono">{rule.archives.join(', ')}</strong>
            </>
          )}
        />
      )}
      <Modal
        opened={opened !== null}
        onClose={close}
        size={620}
        title={opened && (opened === 'new' ? t('prior.new') : t('rule.change', { name: opened.name }))}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {opened && <PrefetchForm rule={opened} onClose={close} />}
      </Modal>
    </>
  );
}

function PrefetchForm({ rule, onClose }: { rule: PrefetchRule | 'new'; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<NewPrefetchRule>(() =>
    rule === 'new' ? NEW_PREFETCH_RULE : draftOf<NewPrefetchRule>(rule),
  );
  const { save } = useRuleOrders<NewPrefetchRule>('prefetch-rules');
  const change = (wanted: Partial<NewPrefetchRule>) => setDraft((before) => ({ ...before, ...wanted }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ id: rule === 'new' ? null : rule.id, rule: draft }, { onSuccess: onClose });
  };
  const isComplete = draft.name.trim() !== '' && draft.archives.length > 0;
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
      <fieldset className="form-section">
        <legend>{t('prior.which')}</legend>
        <div className="quiet ledger-line">{t('rule.which_hint')}</div>
        <div className="form-columns">
          {(['modalities', 'procedures'] as const).map((name) => (
            <TagsInput
              key={name}
              label={t(`prior.${name}`)}
              placeholder={draft[name].length === 0 ? t('rule.any') : undefined}
              splitChars={name === 'modalities' ? [',', ' '] : []}
              value={draft[name]}
              onChange={(patterns) => change({ [name]: patterns })}
            />
          ))}
        </div>
      </fieldset>
      <fieldset className="form-section">
        <legend>{t('prior.what')}</legend>
        <DestinationsField
          label={t('prior.archives')}
          description={t('prior.archives_hint')}
          value={draft.archives}
          onChange={(archives) => change({ archives })}
        />
        <div className="form-columns">
          <NumberInput
            label={t('prior.priors_max')}
            min={1}
            max={PRIORS_MAX}
            allowDecimal={false}
            value={draft.priors_max}
            onChange={(count) => change({ priors_max: Number(count) || 1 })}
          />
          <NumberInput
            label={t('prior.years_max')}
            min={1}
            max={YEARS_MAX}
            allowDecimal={false}
            value={draft.years_max}
            onChange={(years) => change({ years_max: Number(years) || 1 })}
          />
        </div>
        <Checkbox
          label={t('prior.same_body_part')}
          checked={draft.same_body_part_only}
          onChange={(event) => change({ same_body_part_only: event.currentTarget.checked })}
        />
        <Checkbox
          label={t('prior.same_modality')}
          checked={draft.same_modality_only}
          onChange={(event) => change({ same_modality_only: event.currentTarget.checked })}
        />
      </fieldset>
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
