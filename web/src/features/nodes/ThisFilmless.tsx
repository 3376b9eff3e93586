import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { CertificateList } from './CertificateList';
import { CopyAllButton, CopyValue } from './CopyValue';
import { ourNodeQuery } from './queries';
import type { OurNode } from './types';

/** What the other side's administrator must enter to reach us. */
export function ThisFilmless() {
  const { t } = useTranslation();
  const ours = useQuery(ourNodeQuery);
  if (ours.isPending) return <Skeleton h={260} maw={720} radius="md" />;
  if (ours.isError) {
    return (
      <ProblemNotice title={t('nodes.ours_failed')} error={ours.error} onRetry={() => void ours.refetch()} />
    );
  }
  return <OurCard ours={ours.data} />;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function OurCard({ ours }: { ours: OurNode }) {
  const { t } = useTranslation();
  const facts: [term: string, value: string][] = [
    [t('nodes.ae_title'), ours.ae_title],
    [t('nodes.host'), ours.dicom_host],
    [t('nodes.port'), String(ours.dicom_port)],
    [t('nodes.tls_port'), ours.dicom_tls_port ? String(ours.dicom_tls_port) : ''],
  ];
  const given = facts.filter(([, value]) => value);
  const fingerprint: [string, string][] = ours.certificate
    ? [[t('nodes.fingerprint'), ours.certificate.fingerprint]]
    : [];
  const text = [...given, ...fingerprint].map(([term, value]) => `${term}: ${value}\n`).join('');
  return (
    <Paper withBorder radius="md" p={{ base: 'md', sm: 'lg' }} maw={720} component="section">
      <Stack gap="md">
        <div>
          <Title order={2} fz={16} fw={600}>
            {t('nodes.ours_title')}
          </Title>
          <Text c="dimmed" mt={4}>
            {t('nodes.ours_text')}
          </Text>
        </div>
        <dl className="facts ours">
          {given.map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>
                <span className="mono">{value}</span>
                <CopyValue text={value} what={term} />
              </dd>
            </div>
          ))}
        </dl>
        {ours.called_ae_title_must_match && <Text size="sm">{t('nodes.ours_exact')}</Text>}
        {isLoopback(ours.dicom_host) && (
          <Text size="sm" c="dimmed">
            {t('send_help.loopback')}
          </Text>
        )}
        {ours.certificate ? (
          <div>
            <Title order={3} fz={14} fw={600} mb={4}>
              {t('nodes.ours_certificate')}
            </Title>
            <CertificateList certificates={[ours.certificate]} />
          </div>
        ) : (
          <Text size="sm" c="dimmed">
            {t('nodes.ours_no_tls')}
          </Text>
        )}
        <Group gap="xs">
          <CopyAllButton text={text} label={t('nodes.copy_all')} />
          {ours.certificate_pem && (
            <Button
              component="a"
              variant="default"
              href={`data:application/x-pem-file,${encodeURIComponent(ours.certificate_pem)}`}
              download={`${ours.ae_title.replaceAll(/[^\w-]/g, '_')}.pem`}
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              {t('nodes.certificate_download')}
            </Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}
