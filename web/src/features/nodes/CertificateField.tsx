import { Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core';
import { IconFileUpload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { ProblemNotice } from '../../api/ProblemNotice';
import { CertificateList } from './CertificateList';
import { pemOf } from './nodeDraft';
import type { Certificate, ReadCertificates } from './types';

interface Props {
  /** Those the node is bound to when the form opens. */
  bound: Certificate[];
  onChange: (pem: string) => void;
}

/** The certificate by which a node is known: pasted or from a file, read by the server before it is kept. */
export function CertificateField({ bound, onChange }: Props) {
  const { t } = useTranslation();
  const [pasted, setPasted] = useState('');
  const [certificates, setCertificates] = useState(bound);
  const read = useMutation({
    mutationFn: (text: string) =>
      request<ReadCertificates>('POST', '/api/certificates/read', { certificate_pem: text }),
    onSuccess: (found) => {
      setCertificates(found.certificates);
      setPasted('');
      onChange(found.certificate_pem);
    },
  });
  const readFile = (file: File | null) => {
    void file?.arrayBuffer().then((content) => read.mutate(pemOf(content)));
  };
  const remove = () => {
    setCertificates([]);
    onChange('');
  };
  return (
    <Stack gap="xs">
      <Text fw={500} size="sm">
        {t('nodes.certificate')}
      </Text>
      <Text size="sm" c="dimmed">
        {t('nodes.certificate_hint')}
      </Text>
      {certificates.length > 0 && <CertificateList certificates={certificates} />}
      {read.isError && <ProblemNotice title={t('nodes.certificate_unreadable')} error={read.error} />}
      <Textarea
        aria-label={t('nodes.certificate_paste')}
        placeholder={t('nodes.certificate_paste')}
        classNames={{ input: 'pem' }}
        autosize
        minRows={2}
        maxRows={5}
        spellCheck={false}
        value={pasted}
        onChange={(event) => {
          const text = event.currentTarget.value;
          setPasted(text);
          if (text.includes('-----END')) read.mutate(text);
        }}
      />
      <Group gap="xs">
        <FileButton onChange={readFile} accept=".pem,.crt,.cer,.der">
          {(props) => (
            <Button
              {...props}
              size="xs"
              variant="default"
              loading={read.isPending}
              leftSection={<IconFileUpload size={15} aria-hidden />}
            >
              {t('nodes.certificate_file')}
            </Button>
          )}
        </FileButton>
        {certificates.length > 0 && (
          <Button size="xs" variant="subtle" color="red" onClick={remove}>
            {t('nodes.certificate_remove')}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
