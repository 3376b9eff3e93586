import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { useRemoveNode } from './queries';
import type { Node } from './types';

interface Props {
  node: Node | null;
  onClose: () => void;
}

export function RemoveNodeDialog({ node, onClose }: Props) {
  const { t } = useTranslation();
  const remove = useRemoveNode();
  const close = () => {
    remove.reset();
    onClose();
  };
  const confirm = () => {
    if (!node) return;
    remove.mutate(node.ae_title, {
      onSuccess: () => {
        notifications.show({ message: t('nodes.removed', { node: node.ae_title }), color: 'green' });
        close();
      },
    });
  };
  return (
    <Modal
      opened={node !== null}
      onClose={close}
      title={node && t('nodes.remove_title', { node: node.ae_title })}
      centered
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <Stack gap="md">
        <Text size="sm">{t('nodes.remove_text')}</Text>
        {remove.isError && <ProblemNotice title={t('nodes.not_removed')} error={remove.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close} data-autofocus>
            {t('action.cancel')}
          </Button>
          <Button color="red" onClick={confirm} loading={remove.isPending}>
            {t('nodes.remove')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
