import { Button, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { CardPage } from '../ui/CardPage';

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <CardPage title={t('not_found.title')}>
      <Text>{t('not_found.text')}</Text>
      <Button component={Link} to="/">
        {t('not_found.home')}
      </Button>
    </CardPage>
  );
}
