import { Button, Group, Modal, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, request } from '../../api/client';
import { keys } from '../../api/queries';
import type { QuarantineItem } from '../../api/types';
import { ErrorNotice } from '../../ui/ErrorNotice';

export type Verdict = 'accept' | 'discard';

interface Props {
  decision: { item: QuarantineItem; verdict: Verdict } | null;
  onClose: () => void;
}

/** Accepting and discarding are audited: both ask why. */
export function DecisionDialog({ decision, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={decision !== null}
      onClose={onClose}
      title={decision && t(`quarantine.${decision.verdict}_title`)}
      centered
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {decision && <DecisionForm {...decision} onClose={onClose} />}
    </Modal>
  );
}

interface FormProps {
  item: QuarantineItem;
  verdict: Verdict;
  onClose: () => void;
}

function DecisionForm({ item, verdict, onClose }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const decide = useMutation({
    mutationFn: () =>
      request<void>('POST', `/api/quarantine/${encodeURIComponent(item.id)}/${verdict}`, {
        reason: reason.trim(),
      }),
    onSuccess: () => {
      notifications.show({ message: t(`quarantine.${verdict}_done`), color: 'green' });
      for (const queryKey of [keys.quarantine, keys.system, keys.studies]) {
        void client.invalidateQueries({ queryKey });
      }
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    decide.mutate();
  };
  return (
    <form onSubmit={submit} className="form-stack">
      <Text size="sm">{t(`quarantine.${verdict}_text`)}</Text>
      {decide.error && (
        <ErrorNotice title={t('quarantine.not_done')}>
          {(decide.error instanceof ApiError && decide.error.message) || t('problem.unreachable')}
        </ErrorNotice>
      )}
      <Textarea
        label={t('quarantine.why')}
        description={t('quarantine.why_hint')}
        required
        withAsterisk={false}
        data-autofocus
        autosize
        minRows={3}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="xs">
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button
          type="submit"
          color={verdict === 'discard' ? 'red' : undefined}
          disabled={!reason.trim()}
          loading={decide.isPending}
        >
          {t(`quarantine.${verdict}`)}
        </Button>
      </Group>
    </form>
  );
}
