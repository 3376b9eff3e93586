import { Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { NavLink, Outlet } from 'react-router';
import { usePermission } from '../../api/queries';

/** What leaves the house and what comes in by itself: the frame around its tabs. */
export function ExchangePage() {
  const { t } = useTranslation();
  const mayManage = usePermission('routing.manage');
  const tabs = [
    { to: 'queue', label: t('exchange.queue') },
    ...(mayManage
      ? [
          { to: 'rules', label: t('exchange.rules') },
          { to: 'priors', label: t('exchange.priors') },
        ]
      : []),
    { to: 'commitment', label: t('exchange.commitment') },
    ...(mayManage ? [{ to: 'settings', label: t('exchange.settings') }] : []),
  ];
  return (
    <div className="page page-wide">
      <title>{`${t('exchange.title')} · Filmless`}</title>
      <Title order={1} fz={22} fw={650}>
        {t('exchange.title')}
      </Title>
      <nav className="tab-bar" aria-label={t('exchange.title')}>
        {tabs.map(({ to, label }) => (
          <NavLink key={to} to={to}>
            {label}
          </NavLink>
        ))}
      </nav>
      <Outlet />
    </div>
  );
}
