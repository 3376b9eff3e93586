import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface Props {
  title: string;
  children?: ReactNode;
  onRetry?: () => void;
  retryLabel?: string;
}

/** Something went wrong, in plain words, with a way on. */
export function ErrorNotice({ title, children, onRetry, retryLabel }: Props) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={<span className="plain-text">{title}</span>}
      role="alert"
    >
      <Group justify="space-between" align="center" gap="sm">
        <Text size="sm" c="var(--mantine-color-text)">
          {children}
        </Text>
        {onRetry && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={onRetry}
          >
            {retryLabel}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
