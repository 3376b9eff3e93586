import { Badge, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatInstant } from '../../ui/format';
import { CopyValue } from './CopyValue';
import type { Certificate } from './types';

/** Time enough to have a new one made and entered on both sides. */
const SOON_MS = 30 * 86_400_000;

/** Certificates as two administrators compare them on the telephone. */
export function CertificateList({ certificates }: { certificates: Certificate[] }) {
  const { t } = useTranslation();
  return (
    <Stack component="ul" gap="sm" className="plain-list">
      {certificates.map((it) => (
        <li key={it.fingerprint} className="certificate">
          <Group gap="xs">
            <Text fw={500} className="break">
              {it.subject}
            </Text>
            <Expiry until={it.not_valid_after} />
          </Group>
          <Text size="sm" c="dimmed">
            {t('nodes.valid_until', { day: formatInstant(it.not_valid_after) })}
          </Text>
          <Group gap={4} wrap="nowrap" align="flex-start">
            <Text size="sm" className="fingerprint">
              <span className="quiet">SHA-256 </span>
              {it.fingerprint}
            </Text>
            <CopyValue text={it.fingerprint} what={t('nodes.fingerprint')} />
          </Group>
        </li>
      ))}
    </Stack>
  );
}

function Expiry({ until }: { until: string }) {
  const { t } = useTranslation();
  const left = Date.parse(until) - Date.now();
  if (left > SOON_MS) return null;
  return (
    <Badge color={left < 0 ? 'red' : 'orange'} variant="light" size="sm">
      {t(left < 0 ? 'nodes.expired' : 'nodes.expires_soon')}
    </Badge>
  );
}
