import { Alert, Button, PasswordInput, TextInput } from '@mantine/core';
import { IconClockPause, IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { setUpQuery } from '../../api/queries';
import { CardPage } from '../../ui/CardPage';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { formatCountdown } from '../../ui/format';
import { isOutsideApp, safeNext } from './next';
import { useCountdown } from './useCountdown';
import { useSession, useSignIn } from './useSession';

/** When the server locks without saying for how long. */
const LOCKED_SECONDS = 60;

function problemKey(error: Error): string {
  const status = error instanceof ApiError ? error.status : -1;
  if (status === 0) return 'problem.unreachable';
  return status === 401 ? 'sign_in.wrong' : 'problem.server';
}

export function SignInPage() {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const next = safeNext(params.get('next'));
  const navigate = useNavigate();
  const session = useSession();
  const signIn = useSignIn();
  const setUp = useQuery(setUpQuery);
  const [userName, setUserName] = useState('');
  const [password, setPassword] = useState('');
  const [locked, lock] = useCountdown();

  const signedIn = Boolean(session.data);
  useEffect(() => {
    if (!signedIn) return;
    if (isOutsideApp(next)) window.location.replace(next);
    else navigate(next, { replace: true });
  }, [signedIn, next, navigate]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(
      { user_name: userName.trim(), password },
      {
        onError: (error) => {
          setPassword('');
          if (error instanceof ApiError && error.status === 429) lock(error.retryAfter ?? LOCKED_SECONDS);
        },
      },
    );
  };

  const tooMany = signIn.error instanceof ApiError && signIn.error.status === 429;
  return (
    <CardPage title={t('sign_in.title')} subtitle={t('sign_in.subtitle')}>
      {setUp.data?.needed && (
        <Alert
          icon={<IconInfoCircle aria-hidden />}
          color="blue"
          title={<span className="plain-text">{t('sign_in.no_user_title')}</span>}
        >
          {t('sign_in.no_user')}
        </Alert>
      )}
      {locked > 0 && (
        <Alert
          icon={<IconClockPause aria-hidden />}
          color="yellow"
          title={<span className="plain-text">{t('sign_in.locked_title')}</span>}
          role="alert"
        >
          {t('sign_in.locked')} <strong data-testid="countdown">{formatCountdown(locked)}</strong>
        </Alert>
      )}
      {signIn.error && !tooMany && <ErrorNotice title={t(problemKey(signIn.error))} />}
      <form onSubmit={submit} className="form-stack">
        <TextInput
          label={t('access.user_name')}
          name="user_name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          withAsterisk={false}
          value={userName}
          onChange={(event) => setUserName(event.currentTarget.value)}
        />
        <PasswordInput
          label={t('access.password')}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
        />
        <Button type="submit" fullWidth mt="xs" loading={signIn.isPending} disabled={locked > 0}>
          {t('sign_in.submit')}
        </Button>
      </form>
    </CardPage>
  );
}
