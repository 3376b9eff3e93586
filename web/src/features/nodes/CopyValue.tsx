import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useCopy } from '../../ui/useCopy';

interface Props {
  text: string;
  /** What is copied, for those who do not see it beside the button. */
  what: string;
}

export function CopyValue({ text, what }: Props) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const label = t(copied ? 'action.copied' : 'nodes.copy_what', { what });
  return (
    <Tooltip label={label} openDelay={400}>
      <ActionIcon variant="subtle" color="gray" size="sm" onClick={() => copy(text)} aria-label={label}>
        {copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

export function CopyAllButton({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const Icon = copied ? IconCheck : IconCopy;
  return (
    <Button variant="default" leftSection={<Icon size={16} aria-hidden />} onClick={() => copy(text)}>
      {copied ? t('action.copied') : label}
    </Button>
  );
}
