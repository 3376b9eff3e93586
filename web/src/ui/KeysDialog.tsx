import { Group, Kbd, Modal, Table } from '@mantine/core';

export interface KeyHelp {
  keys: string[];
  does: string;
}

interface Props {
  title: string;
  closeLabel: string;
  rows: KeyHelp[];
  opened: boolean;
  onClose: () => void;
}

/** What each key does. */
export function KeysDialog({ title, closeLabel, rows, opened, onClose }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      centered
      closeButtonProps={{ 'aria-label': closeLabel }}
    >
      <Table verticalSpacing={6}>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.does}>
              <Table.Td w={130}>
                <Group gap={6}>
                  {row.keys.map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </Group>
              </Table.Td>
              <Table.Td>{row.does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
