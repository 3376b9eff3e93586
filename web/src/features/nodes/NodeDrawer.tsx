import { Drawer } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NodeForm } from './NodeForm';
import type { NodeDraft } from './nodeDraft';
import type { Certificate } from './types';

/** A node that is being added (`isNew`) or changed. */
export interface Editing {
  initial: NodeDraft;
  isNew: boolean;
  bound: Certificate[];
}

interface Props {
  editing: Editing | null;
  onClose: () => void;
  onSaved: (aeTitle: string, wantsCheck: boolean) => void;
}

/** The form beside the list. What was typed is not lost by a slip of the hand. */
export function NodeDrawer({ editing, onClose, onSaved }: Props) {
  const { t } = useTranslation();
  const [isChanged, setChanged] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const close = () => {
    setChanged(false);
    setLeaving(false);
    onClose();
  };
  const title = editing?.isNew ? t('nodes.add') : t('nodes.edit_title', { node: editing?.initial.ae_title });
  return (
    <Drawer
      opened={editing !== null}
      onClose={() => (isChanged ? setLeaving(true) : close())}
      position="right"
      size={560}
      title={title}
      classNames={{ content: 'node-drawer', body: 'node-drawer-body' }}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {editing && (
        <NodeForm
          {...editing}
          onClose={close}
          onSaved={(aeTitle, wantsCheck) => {
            close();
            onSaved(aeTitle, wantsCheck);
          }}
          isLeaving={isLeaving}
          onStay={() => setLeaving(false)}
          onChanged={setChanged}
        />
      )}
    </Drawer>
  );
}
