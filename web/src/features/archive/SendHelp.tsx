import {
  ActionIcon,
  Box,
  Code,
  CopyButton,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { IconCheck, IconCopy, IconSend2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { systemQuery } from '../../api/queries';

/** An archive that only listens on this machine is reached from here alone. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** The first thing a new archive needs: how to send it an image. */
export function SendHelp() {
  const { t } = useTranslation();
  const system = useQuery(systemQuery).data;
  if (!system) return null;
  const { ae_title, dicom_host, dicom_port } = system;
  const line = `storescu -aec ${ae_title} ${dicom_host} ${dicom_port} +sd +r folder-with-images`;
  return (
    <Paper
      withBorder
      radius="md"
      p={{ base: 'md', sm: 'xl' }}
      maw={720}
      mx="auto"
      my={{ base: 'md', sm: 48 }}
    >
      <Stack gap="md">
        <Group gap="sm" wrap="nowrap">
          <IconSend2 size={28} stroke={1.6} aria-hidden className="accent" />
          <Title order={2} fz={20} fw={600}>
            {t('send_help.title')}
          </Title>
        </Group>
        <Text c="dimmed">{t('send_help.text')}</Text>
        <SimpleGrid cols={{ base: 1, xs: 3 }} component="dl" className="facts">
          <Fact term={t('send_help.ae_title')} value={ae_title} />
          <Fact term={t('send_help.host')} value={dicom_host} />
          <Fact term={t('send_help.port')} value={String(dicom_port)} />
        </SimpleGrid>
        {isLoopback(dicom_host) && (
          <Text size="sm" c="dimmed">
            {t('send_help.loopback')}
          </Text>
        )}
        <div>
          <Text size="sm" mb={6}>
            {t('send_help.try')}
          </Text>
          <Copyable text={line} />
        </div>
      </Stack>
    </Paper>
  );
}

function Fact({ term, value }: { term: string; value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd className="mono">{value}</dd>
    </div>
  );
}

function Copyable({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" wrap="nowrap" align="stretch">
      <Box flex={1} miw={0}>
        <Code block tabIndex={0} className="command">
          {text}
        </Code>
      </Box>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="default"
            size="auto"
            w={40}
            onClick={copy}
            aria-label={copied ? t('action.copied') : t('action.copy')}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}
