import { PasswordInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SHORTEST_PASSWORD } from './password';

interface Props {
  password: string;
  repeated: string;
  onPassword: (value: string) => void;
  onRepeated: (value: string) => void;
  problem: string | null;
}

/** A new password, twice. */
export function NewPasswordFields({ password, repeated, onPassword, onRepeated, problem }: Props) {
  const { t } = useTranslation();
  const toggle = { 'aria-label': t('access.show_password') };
  const words = problem && t(problem, { count: SHORTEST_PASSWORD });
  return (
    <>
      <PasswordInput
        label={t('access.new_password')}
        description={t('access.password_hint', { count: SHORTEST_PASSWORD })}
        autoComplete="new-password"
        name="new_password"
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => onPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={toggle}
        error={problem === 'access.password_short' && words}
      />
      <PasswordInput
        label={t('access.repeat_password')}
        autoComplete="new-password"
        name="repeat_password"
        required
        withAsterisk={false}
        value={repeated}
        onChange={(event) => onRepeated(event.currentTarget.value)}
        visibilityToggleButtonProps={toggle}
        error={problem === 'access.password_differs' && words}
      />
    </>
  );
}
