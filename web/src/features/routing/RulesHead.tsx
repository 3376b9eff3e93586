import { Button, Group, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';

/** What a list is for, and the way to add to it. */
export function RulesHead({ text, add, onAdd }: { text: string; add: string; onAdd: () => void }) {
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <Text c="dimmed" maw={720} flex="1 1 320px">
        {text}
      </Text>
      <Button size="sm" leftSection={<IconPlus size={16} aria-hidden />} onClick={onAdd}>
        {add}
      </Button>
    </Group>
  );
}

/** An empty list, and what to do about it. */
export function NoRules({ title, hint }: { title: string; hint: string }) {
  return (
    <div className="nothing">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" maw={460}>
        {hint}
      </Text>
    </div>
  );
}
