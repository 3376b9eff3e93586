import { ActionIcon, Badge, Button, Menu, UnstyledButton } from '@mantine/core';
import { IconDots, IconPencil, IconPower, IconStethoscope, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { CAPABILITIES, type Node } from './types';

export interface NodeActions {
  onEdit: (node: Node) => void;
  onCheck: (node: Node) => void;
  onSwitch: (node: Node) => void;
  onRemove: (node: Node) => void;
}

export function NodeTable({ nodes, ...actions }: { nodes: Node[] } & NodeActions) {
  const { t } = useTranslation();
  return (
    <table className="nodes">
      <caption className="visually-hidden">{t('nodes.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('nodes.ae_title')}</th>
          <th scope="col">{t('nodes.address')}</th>
          <th scope="col">{t('nodes.section_capabilities')}</th>
          <th scope="col">{t('nodes.tls')}</th>
          <th scope="col">
            <span className="visually-hidden">{t('nodes.actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => (
          <NodeRow key={node.ae_title} node={node} {...actions} />
        ))}
      </tbody>
    </table>
  );
}

function NodeRow({ node, onEdit, onCheck, ...others }: { node: Node } & NodeActions) {
  const { t } = useTranslation();
  return (
    <tr data-node={node.ae_title} data-off={!node.is_active || undefined}>
      <th scope="row">
        <UnstyledButton className="node-name mono" onClick={() => onEdit(node)}>
          {node.ae_title}
        </UnstyledButton>
        {!node.is_active && (
          <Badge ml={8} size="sm" color="gray" variant="outline" className="off-badge">
            {t('nodes.off')}
          </Badge>
        )}
        {node.description && (
          <div className="quiet node-description" dir="auto">
            {node.description}
          </div>
        )}
      </th>
      <td className="mono break">
        {node.host}:{node.port}
      </td>
      <td data-label={t('nodes.section_capabilities')}>
        <MayDo node={node} />
      </td>
      <td data-label={t('nodes.tls')}>{t(`nodes.tls_short.${node.tls}`)}</td>
      <td className="node-actions">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconStethoscope size={15} aria-hidden />}
          onClick={() => onCheck(node)}
          aria-label={t('nodes.check_node', { node: node.ae_title })}
        >
          {t('nodes.check')}
        </Button>
        <NodeMenu node={node} onEdit={onEdit} {...others} />
      </td>
    </tr>
  );
}

function MayDo({ node }: { node: Node }) {
  const { t } = useTranslation();
  const chosen = CAPABILITIES.filter((capability) => node.capabilities.includes(capability));
  if (chosen.length === CAPABILITIES.length) return t('nodes.may_all');
  if (!chosen.length) return <span className="quiet">{t('nodes.may_nothing')}</span>;
  return chosen.map((capability) => t(`nodes.may_short.${capability}`)).join(' · ');
}

function NodeMenu({ node, onEdit, onSwitch, onRemove }: { node: Node } & Omit<NodeActions, 'onCheck'>) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" width={190} shadow="md">
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={30}
          aria-label={t('nodes.more', { node: node.ae_title })}
        >
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={() => onEdit(node)}>
          {t('nodes.edit')}
        </Menu.Item>
        <Menu.Item leftSection={<IconPower size={16} aria-hidden />} onClick={() => onSwitch(node)}>
          {t(node.is_active ? 'nodes.switch_off' : 'nodes.switch_on')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="var(--mantine-color-error)"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => onRemove(node)}
        >
          {t('nodes.remove')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
