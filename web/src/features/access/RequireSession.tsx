import { Center, Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Navigate, Outlet, useLocation } from 'react-router';
import { CardPage } from '../../ui/CardPage';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { useSession } from './useSession';

/** Nothing below this route is shown to nobody: without a session it leads to sign-in and back. */
export function RequireSession() {
  const { t } = useTranslation();
  const session = useSession();
  const { pathname, search } = useLocation();
  if (session.data) return <Outlet />;
  if (session.isPending) {
    return (
      <Center h="100dvh">
        <Loader aria-label={t('action.loading')} />
      </Center>
    );
  }
  if (session.isError) {
    return (
      <CardPage title={t('problem.title')}>
        <ErrorNotice
          title={t('problem.unreachable')}
          onRetry={() => void session.refetch()}
          retryLabel={t('action.retry')}
        />
      </CardPage>
    );
  }
  const here = pathname + search;
  return <Navigate to={here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`} replace />;
}
