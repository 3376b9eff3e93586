import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { AddressSection, CapabilitySection, IdentitySection, SendingSection } from './NodeFormSections';
import { type Fault, faultsOf, isChanged, type NodeDraft, nodeOf } from './nodeDraft';
import { useSaveNode } from './queries';
import type { Certificate } from './types';

interface Props {
  initial: NodeDraft;
  isNew: boolean;
  bound: Certificate[];
  onClose: () => void;
  onSaved: (aeTitle: string, wantsCheck: boolean) => void;
  /** Somebody wants to leave and has not saved. */
  isLeaving: boolean;
  onStay: () => void;
  onChanged: (isChanged: boolean) => void;
}

/** Everything that can be said of a node, in the order in which it is asked on the telephone. */
export function NodeForm({ initial, isNew, bound, onClose, onSaved, isLeaving, onStay, onChanged }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(initial);
  const [shown, setShown] = useState<Fault[]>([]);
  const save = useSaveNode();
  const change = (wanted: Partial<NodeDraft>) => {
    const next = { ...draft, ...wanted };
    setDraft(next);
    setShown((before) => before.filter((fault) => faultsOf(next).includes(fault)));
    onChanged(isChanged(initial, next));
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const submitter = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const wantsCheck = submitter?.value === 'check';
    const faults = faultsOf(draft);
    setShown(faults);
    const first = faults[0];
    if (first) {
      event.currentTarget.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
      return;
    }
    const aeTitle = draft.ae_title.trim();
    save.mutate(
      { aeTitle, node: nodeOf(draft), isNew },
      {
        onSuccess: () => {
          notifications.show({ message: t('nodes.saved', { node: aeTitle }), color: 'green' });
          onSaved(aeTitle, wantsCheck);
        },
      },
    );
  };
  const sections = { draft, change, faults: shown };
  return (
    <form onSubmit={submit} noValidate className="node-form">
      <div className="node-form-body">
        <AddressSection {...sections} isNew={isNew} />
        <CapabilitySection {...sections} />
        <IdentitySection {...sections} bound={bound} />
        <SendingSection {...sections} />
      </div>
      <div className="node-form-foot">
        {save.isError && <ProblemNotice title={t('nodes.not_saved')} error={save.error} />}
        {/* Keys: a button that became another one under the pointer would submit the form with this very click. */}
        {isLeaving ? (
          <Group key="leaving" justify="flex-end" gap="xs" role="alert">
            <Text size="sm" flex={1}>
              {t('nodes.unsaved')}
            </Text>
            <Button variant="default" onClick={onStay} data-autofocus>
              {t('nodes.keep_editing')}
            </Button>
            <Button color="red" onClick={onClose}>
              {t('nodes.discard')}
            </Button>
          </Group>
        ) : (
          <Group key="writing" justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" variant="light" loading={save.isPending}>
              {t('nodes.save')}
            </Button>
            <Button type="submit" name="then" value="check" loading={save.isPending}>
              {t('nodes.save_and_check')}
            </Button>
          </Group>
        )}
      </div>
    </form>
  );
}
