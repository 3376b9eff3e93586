import { Button, Group, Modal, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatClock, formatDay } from '../../ui/format';
import { shownName } from '../../ui/personName';
import { useCancelStep } from './queries';
import type { ScheduledStep } from './types';

interface Props {
  step: ScheduledStep | null;
  onClose: () => void;
}

/** Takes an exam off the worklist for good: names it, and asks why. */
export function CancelDialog({ step, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={step !== null}
      onClose={onClose}
      title={t('worklist.cancel_title')}
      centered
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {step && <CancelForm step={step} onClose={onClose} />}
    </Modal>
  );
}

function CancelForm({ step, onClose }: { step: ScheduledStep; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const cancel = useCancelStep();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    cancel.mutate(
      { id: step.id, reason: reason.trim() },
      {
        onSuccess: () => {
          notifications.show({ message: t('worklist.cancel_done'), color: 'green' });
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="form-stack">
      <Text size="sm">
        <strong>{shownName(step.patient.patient_name).main}</strong>
        {` · ${step.procedure.requested_procedure_description} · ${formatDay(step.step.start_date)}, ${formatClock(step.step.start_time)}`}
      </Text>
      <Text size="sm">{t('worklist.cancel_text')}</Text>
      {cancel.error && <ProblemNotice title={t('worklist.not_done')} error={cancel.error} />}
      <Textarea
        label={t('worklist.cancel_reason')}
        description={t('worklist.cancel_hint')}
        required
        withAsterisk={false}
        data-autofocus
        autosize
        minRows={2}
        maxLength={1000}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="xs">
        <Button variant="default" onClick={onClose}>
          {t('worklist.keep')}
        </Button>
        <Button type="submit" color="red" disabled={!reason.trim()} loading={cancel.isPending}>
          {t('worklist.cancel')}
        </Button>
      </Group>
    </form>
  );
}
