import { Alert, Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api/client';
import { ProblemNotice } from '../../api/ProblemNotice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { stepQuery, useSaveStep } from './queries';
import { StepFields } from './StepFields';
import {
  broughtTogether,
  type Difference,
  differencesOf,
  type FieldProblems,
  missingIn,
  partsOf,
  problemsIn,
  type StepValues,
} from './stepForm';
import { can } from './stepRules';
import type { ScheduledStep } from './types';

interface Props {
  /** The step to be changed; null for one that is to be scheduled. */
  held: ScheduledStep | null;
  initial: StepValues;
  onClose: () => void;
  onSaved: (step: ScheduledStep) => void;
  /** Somebody wants to leave and has not saved. */
  isLeaving: boolean;
  onStay: () => void;
  onChanged: (isChanged: boolean) => void;
}

/** Schedules an exam, or changes one; what the server refuses stands at the field that is to blame. */
export function StepForm({ held, initial, onClose, onSaved, isLeaving, onStay, onChanged }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState(initial);
  const [base, setBase] = useState(held);
  const [meanwhile, setMeanwhile] = useState<Difference[] | null>(null);
  const [problems, setProblems] = useState<FieldProblems>({});
  const [rest, setRest] = useState('');
  const save = useSaveStep();

  useEffect(() => {
    if (Object.keys(problems).length) {
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    }
  }, [problems]);

  const change = (wanted: Partial<StepValues>) => {
    const next = { ...values, ...wanted };
    setValues(next);
    onChanged(JSON.stringify(next) !== JSON.stringify(initial));
  };

  /** Somebody else was quicker: take over what they changed, and let the person look before saving again. */
  const bringTogether = async () => {
    if (!base) return;
    const now = await client.fetchQuery({ ...stepQuery(base.id), staleTime: 0 });
    if (now.revision === base.revision) return;
    setMeanwhile(differencesOf(base, now));
    setValues(broughtTogether(values, base, now));
    setBase(now);
    save.reset();
  };

  const refused = (error: Error) => {
    if (!(error instanceof ApiError)) return;
    if (error.status === 409) void bringTogether();
    if (error.status !== 400) return;
    const found = problemsIn(error.message);
    setProblems(found.fields);
    setRest(found.rest);
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setRest('');
    const missing = missingIn(values);
    setProblems(missing);
    if (Object.keys(missing).length) return;
    save.mutate(
      { held: base, parts: partsOf(values, base ?? undefined) },
      {
        onSuccess: (step) => {
          const number = step.request.accession_number;
          notifications.show({
            message: t(held ? 'worklist.saved' : 'worklist.scheduled', { number }),
            color: 'green',
          });
          onSaved(step);
        },
        onError: refused,
      },
    );
  };

  const isOver = base !== null && !can('edit', base.status);
  const isUnexplained = save.error && !(save.error instanceof ApiError && save.error.status === 400);
  return (
    <form ref={form} onSubmit={submit} noValidate className="step-form">
      <div className="step-form-body">
        {meanwhile && !isOver && <ChangedMeanwhile differences={meanwhile} />}
        <StepFields values={values} problems={problems} isHeld={held !== null} onChange={change} />
      </div>
      <div className="step-form-foot">
        {rest && <ErrorNotice title={t('worklist.not_saved')}>{rest}</ErrorNotice>}
        {isUnexplained && <ProblemNotice title={t('worklist.not_saved')} error={save.error} />}
        {isOver && (
          <ErrorNotice title={t('worklist.not_saved')}>
            {t('worklist.over', { status: t(`worklist.status.${base.status}`) })}
          </ErrorNotice>
        )}
        {/* Keys: a button that became another one under the pointer would submit with this very click. */}
        {isLeaving ? (
          <Group key="leaving" justify="flex-end" gap="xs" role="alert">
            <Text size="sm" flex={1}>
              {t('worklist.unsaved')}
            </Text>
            <Button variant="default" onClick={onStay}>
              {t('worklist.keep_editing')}
            </Button>
            <Button color="red" onClick={onClose}>
              {t('worklist.discard')}
            </Button>
          </Group>
        ) : (
          <Group key="writing" justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" loading={save.isPending} disabled={isOver}>
              {t(held ? 'worklist.save' : 'worklist.schedule')}
            </Button>
          </Group>
        )}
      </div>
    </form>
  );
}

/** What somebody else changed, in words; it is in the form already. */
function ChangedMeanwhile({ differences }: { differences: Difference[] }) {
  const { t } = useTranslation();
  return (
    <Alert
      color="orange"
      role="alert"
      title={<span className="plain-text">{t('worklist.meanwhile')}</span>}
      data-testid="meanwhile"
    >
      <Text size="sm" c="var(--mantine-color-text)">
        {t(differences.length ? 'worklist.meanwhile_text' : 'worklist.meanwhile_state')}
      </Text>
      <ul className="meanwhile">
        {differences.map(({ field, before, now }) => (
          <li key={field}>
            {t(`worklist.field.${field}`)}: <s>{before || t('quarantine.empty')}</s>{' '}
            <strong>{now || t('quarantine.empty')}</strong>
          </li>
        ))}
      </ul>
    </Alert>
  );
}
