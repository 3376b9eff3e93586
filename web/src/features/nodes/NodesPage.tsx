import { Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The DICOM nodes we know. */
export function NodesPage() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <Title order={1} fz={22} fw={650}>
        {t('nodes.title')}
      </Title>
    </div>
  );
}
