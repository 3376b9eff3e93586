import { Button, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { CardPage } from '../ui/CardPage';

/** A screen of ours broke. Loading it again is what helps: after an update, old parts may be missing. */
export function BrokenPage() {
  const { t } = useTranslation();
  return (
    <CardPage title={t('broken.title')}>
      <Text>{t('broken.text')}</Text>
      <Button onClick={() => window.location.reload()}>{t('broken.reload')}</Button>
    </CardPage>
  );
}
