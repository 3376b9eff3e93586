import { Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** Search other archives. */
export function OtherArchivesPage() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <Title order={1} fz={22} fw={650}>
        {t('remote.title')}
      </Title>
    </div>
  );
}
