import { Anchor, Button, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useNavigate } from 'react-router';
import { ApiError } from '../../api/client';
import { setUpQuery } from '../../api/queries';
import { CardPage } from '../../ui/CardPage';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { NewPasswordFields } from './NewPasswordFields';
import { passwordProblem } from './password';
import { useSetUp } from './useSession';

/** The first person of an installation. The one-time token is behind `#`: it never reaches a log. */
export function SetUpPage() {
  const { t } = useTranslation();
  const token = useLocation().hash.slice(1);
  const setUp = useQuery(setUpQuery);
  if (setUp.data?.needed === false) return <Closed text={t('set_up.done')} />;
  if (!token) return <Closed text={t('set_up.no_token')} />;
  return <SetUpForm token={token} />;
}

function Closed({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <CardPage title={t('set_up.title')}>
      <Text>{text}</Text>
      <Anchor component={Link} to="/sign-in">
        {t('set_up.to_sign_in')}
      </Anchor>
    </CardPage>
  );
}

function SetUpForm({ token }: { token: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const setUp = useSetUp();
  const [displayName, setDisplayName] = useState('');
  const [userName, setUserName] = useState('');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [problem, setProblem] = useState<string | null>(null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = passwordProblem(password, repeated);
    setProblem(found);
    if (found) return;
    setUp.mutate(
      { token, user_name: userName.trim(), display_name: displayName.trim(), password },
      { onSuccess: () => navigate('/', { replace: true }) },
    );
  };

  const detail = setUp.error instanceof ApiError ? setUp.error.message : '';
  return (
    <CardPage title={t('set_up.title')} subtitle={t('set_up.subtitle')}>
      {setUp.error && <ErrorNotice title={t('set_up.failed')}>{detail || t('problem.server')}</ErrorNotice>}
      <form onSubmit={submit} className="form-stack">
        <TextInput
          label={t('access.display_name')}
          description={t('access.display_name_hint')}
          autoComplete="name"
          name="display_name"
          required
          withAsterisk={false}
          autoFocus
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
        />
        <TextInput
          label={t('access.user_name')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          name="user_name"
          required
          withAsterisk={false}
          value={userName}
          onChange={(event) => setUserName(event.currentTarget.value)}
        />
        <NewPasswordFields
          password={password}
          repeated={repeated}
          onPassword={setPassword}
          onRepeated={setRepeated}
          problem={problem}
        />
        <Button type="submit" fullWidth mt="xs" loading={setUp.isPending}>
          {t('set_up.submit')}
        </Button>
      </form>
    </CardPage>
  );
}
