import { Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Outlet } from 'react-router';
import { usePermission } from '../../api/queries';
import { PageTabs } from '../../ui/PageTabs';
import './worklist.css';

/** What is to be done, and what the machines say was done: the frame around both. */
export function WorklistFrame() {
  const { t } = useTranslation();
  const seesPerformed = usePermission('performed_steps.read');
  return (
    <div className="page page-wide">
      <title>{`${t('worklist.title')} · Filmless`}</title>
      <Title order={1} fz={22} fw={650}>
        {t('worklist.title')}
      </Title>
      <PageTabs
        label={t('worklist.title')}
        tabs={[
          { to: '/worklist', label: t('worklist.tab_scheduled') },
          ...(seesPerformed ? [{ to: '/worklist/performed', label: t('worklist.tab_performed') }] : []),
        ]}
      />
      <Outlet />
    </div>
  );
}
