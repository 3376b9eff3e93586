import { ActionIcon, Group, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';

interface Props {
  offset: number;
  limit: number;
  total: number;
  /** What part of the whole is shown, such as "51–100 of 212". */
  range: string;
  previousLabel: string;
  nextLabel: string;
  onOffset: (offset: number) => void;
}

/** Turns the pages of a list; nothing where one page is all. */
export function PageTurner({ offset, limit, total, range, previousLabel, nextLabel, onOffset }: Props) {
  if (total <= limit && offset === 0) return null;
  return (
    <Group justify="flex-end" gap="xs" mt="sm">
      <Text size="sm" aria-live="polite">
        {range}
      </Text>
      <ActionIcon
        variant="default"
        size={30}
        disabled={offset === 0}
        onClick={() => onOffset(Math.max(0, offset - limit))}
        aria-label={previousLabel}
      >
        <IconChevronLeft size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size={30}
        disabled={offset + limit >= total}
        onClick={() => onOffset(offset + limit)}
        aria-label={nextLabel}
      >
        <IconChevronRight size={16} aria-hidden />
      </ActionIcon>
    </Group>
  );
}
