import { Button, Group, Select, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { studiesQuery } from '../../api/queries';
import type { Study } from '../../api/types';
import { formatCount, formatDay } from '../../ui/format';
import { shownName } from '../../ui/personName';
import { useTryRule } from './queries';
import type { DryRun, NewRule } from './types';

const OFFERED = 20;
const TYPING_MS = 250;

/** Holds the rule, as it stands in the form, to a study: nothing is sent. */
export function TryRule({ rule, canTry }: { rule: NewRule; canTry: boolean }) {
  const { t } = useTranslation();
  const [uid, setUid] = useState<string | null>(null);
  const attempt = useTryRule();
  return (
    <fieldset className="form-section">
      <legend>{t('rule.try')}</legend>
      <Group align="flex-end" gap="sm">
        <StudyField value={uid} onChange={setUid} />
        <Button
          variant="default"
          disabled={!canTry || !uid}
          loading={attempt.isPending}
          onClick={() => uid && attempt.mutate({ rule, study_instance_uid: uid })}
        >
          {t('rule.try_now')}
        </Button>
      </Group>
      {attempt.error && <ProblemNotice title={t('rule.try_failed')} error={attempt.error} />}
      <div aria-live="polite">{attempt.data && <Outcome run={attempt.data} />}</div>
    </fieldset>
  );
}

function StudyField({ value, onChange }: { value: string | null; onChange: (uid: string | null) => void }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const [wanted] = useDebouncedValue(search, TYPING_MS);
  const [chosen, setChosen] = useState<Study | null>(null);
  // The text of what is chosen is no search.
  const asked = chosen && wanted === wordsOf(chosen) ? '' : wanted;
  const found = useQuery(
    studiesQuery({
      search: asked.trim(),
      patient_name: '',
      patient_id: '',
      accession_number: '',
      modality: [],
      study_date_from: '',
      study_date_to: '',
      order_by: '-study_date',
      limit: OFFERED,
      offset: 0,
    }),
  );
  const studies = found.data?.studies ?? [];
  const all = chosen ? [chosen, ...studies.filter((it) => it.study_instance_uid !== value)] : studies;
  return (
    <Select
      label={t('rule.try_study')}
      placeholder={t('studies.search_hint')}
      flex="1 1 280px"
      data={all.map((study) => ({ value: study.study_instance_uid, label: wordsOf(study) }))}
      value={value}
      onChange={(uid) => {
        setChosen(all.find((study) => study.study_instance_uid === uid) ?? null);
        onChange(uid);
      }}
      searchable
      searchValue={search}
      onSearchChange={setSearch}
      // The server has searched; what it found need not look like what was typed.
      filter={({ options }) => options}
      nothingFoundMessage={t('studies.none')}
    />
  );
}

function wordsOf(study: Study): string {
  const parts = [
    shownName(study.patient_name).main || study.patient_id,
    formatDay(study.study_date),
    study.modalities_in_study.join(' '),
    study.study_description,
  ];
  return parts.filter(Boolean).join(' · ');
}

/** What it would do, in words: the sum first, then why for each series. */
function Outcome({ run }: { run: DryRun }) {
  const { t } = useTranslation();
  const sent = Object.entries(run.instances);
  return (
    <div data-testid="dry-run">
      {sent.map(([title, count]) => (
        <Text key={title} size="sm" fw={550}>
          {t('rule.would_send', { count, images: formatCount(count), title })}
        </Text>
      ))}
      {sent.length === 0 && (
        <Text size="sm" fw={550}>
          {t('rule.would_not_send')}
        </Text>
      )}
      <ul className="verdicts">
        {run.series_list.map((series) => {
          const failed = series.failed_conditions;
          const Sign = failed.length === 0 ? IconCheck : IconX;
          return (
            <li key={series.series_instance_uid}>
              <Sign size={16} aria-hidden />
              <span>
                {[series.modality, series.series_description || t('study.series_unnamed')]
                  .filter(Boolean)
                  .join(' · ')}
                {': '}
                {failed.length === 0
                  ? t('rule.fits')
                  : t('rule.fits_not', {
                      conditions: failed.map((name) => t(`rule.condition.${name}`)).join(', '),
                    })}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
