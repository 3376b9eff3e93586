import { Button, Drawer, Group, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ProblemNotice } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { stepQuery } from './queries';
import { StepFacts } from './StepFacts';
import { StepForm } from './StepForm';
import { newValues, valuesOf } from './stepForm';
import { can, isReported } from './stepRules';
import type { DeskVerb, ScheduledStep } from './types';

/** What the drawer is open for: an exam to be scheduled on a day, or one that is there. */
export type Opened =
  | { kind: 'new'; day: string; time: string }
  | { kind: 'shown'; id: string; isEditing: boolean };

interface Props {
  opened: Opened | null;
  onClose: () => void;
  onEdit: (id: string) => void;
  onSaved: (step: ScheduledStep, isNew: boolean) => void;
  onDesk: (step: ScheduledStep, verb: DeskVerb) => void;
  onCancel: (step: ScheduledStep) => void;
}

/** An exam beside the list: to look at, to change, to make. What was typed is not lost by a slip. */
export function StepDrawer({ opened, onClose, onSaved, ...actions }: Props) {
  const { t } = useTranslation();
  const [isChanged, setChanged] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const close = () => {
    setChanged(false);
    setLeaving(false);
    onClose();
  };
  const guard = { isLeaving, onStay: () => setLeaving(false), onChanged: setChanged, onClose: close };
  const title =
    opened?.kind === 'new'
      ? t('worklist.new_title')
      : t(opened?.isEditing ? 'worklist.edit_title' : 'worklist.step_title');
  const saved = (isNew: boolean) => (step: ScheduledStep) => {
    setChanged(false);
    onSaved(step, isNew);
  };
  return (
    <Drawer
      opened={opened !== null}
      onClose={() => (isChanged ? setLeaving(true) : close())}
      position="right"
      size={620}
      title={title}
      classNames={{ content: 'step-drawer', body: 'step-drawer-body' }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {opened?.kind === 'new' && (
        <StepForm held={null} initial={newValues(opened.day, opened.time)} onSaved={saved(true)} {...guard} />
      )}
      {opened?.kind === 'shown' && (
        <HeldStep
          key={opened.id}
          id={opened.id}
          isEditing={opened.isEditing}
          onSaved={saved(false)}
          {...guard}
          {...actions}
        />
      )}
    </Drawer>
  );
}

interface HeldProps extends Pick<Props, 'onEdit' | 'onDesk' | 'onCancel'> {
  id: string;
  isEditing: boolean;
  isLeaving: boolean;
  onStay: () => void;
  onChanged: (isChanged: boolean) => void;
  onClose: () => void;
  onSaved: (step: ScheduledStep) => void;
}

function HeldStep({ id, isEditing, onEdit, onDesk, onCancel, ...guard }: HeldProps) {
  const { t } = useTranslation();
  const step = useQuery(stepQuery(id));
  const mayWrite = usePermission('worklist.write');
  const seesPerformed = usePermission('performed_steps.read');
  if (step.isError) {
    return (
      <div className="step-form-body">
        <ProblemNotice
          title={t('worklist.step_failed')}
          error={step.error}
          onRetry={() => void step.refetch()}
        />
      </div>
    );
  }
  if (!step.data) return <Skeleton h={300} m="md" />;
  const held = step.data;
  if (isEditing && mayWrite) return <EditedStep step={held} {...guard} />;
  return (
    <div className="step-form">
      <div className="step-form-body">
        <StepFacts held={held} />
      </div>
      <Group className="step-form-foot" justify="flex-end" gap="xs">
        {seesPerformed && isReported(held.status) && (
          <Button
            component={Link}
            variant="default"
            to={`/worklist/performed?step=${encodeURIComponent(held.id)}`}
          >
            {t('worklist.reported')}
          </Button>
        )}
        {mayWrite && can('cancel', held.status) && (
          <Button variant="light" color="red" onClick={() => onCancel(held)}>
            {t('worklist.cancel')}
          </Button>
        )}
        {mayWrite && can('edit', held.status) && (
          <Button variant="default" onClick={() => onEdit(held.id)}>
            {t('worklist.edit')}
          </Button>
        )}
        {mayWrite && can('arrive', held.status) && (
          <Button onClick={() => onDesk(held, 'arrive')}>{t('worklist.arrive')}</Button>
        )}
      </Group>
    </div>
  );
}

/** Made from the step as it was when editing began: changes that arrive meanwhile must not change the form. */
function EditedStep({
  step,
  ...guard
}: Omit<HeldProps, 'id' | 'isEditing' | 'onEdit' | 'onDesk' | 'onCancel'> & { step: ScheduledStep }) {
  const [held] = useState(step);
  return <StepForm held={held} initial={valuesOf(held)} {...guard} />;
}
