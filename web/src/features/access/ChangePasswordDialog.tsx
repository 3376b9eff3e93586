import { Button, Group, Modal, PasswordInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api/client';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { NewPasswordFields } from './NewPasswordFields';
import { passwordProblem } from './password';
import { useChangePassword } from './useSession';

interface Props {
  opened: boolean;
  onClose: () => void;
}

export function ChangePasswordDialog({ opened, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('password.title')}
      centered
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      <ChangePasswordForm onClose={onClose} />
    </Modal>
  );
}

function ChangePasswordForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChangePassword();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const [problem, setProblem] = useState<string | null>(null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = passwordProblem(password, repeated);
    setProblem(found);
    if (found) return;
    change.mutate(
      { current_password: current, new_password: password },
      {
        onSuccess: () => {
          notifications.show({ message: t('password.changed'), color: 'green' });
          onClose();
        },
      },
    );
  };

  const detail = change.error instanceof ApiError ? change.error.message : '';
  return (
    <form onSubmit={submit} className="form-stack">
      {change.error && (
        <ErrorNotice title={t('password.failed')}>{detail || t('problem.server')}</ErrorNotice>
      )}
      <PasswordInput
        label={t('password.current')}
        autoComplete="current-password"
        name="current_password"
        required
        withAsterisk={false}
        data-autofocus
        value={current}
        onChange={(event) => setCurrent(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': t('access.show_password') }}
      />
      <NewPasswordFields
        password={password}
        repeated={repeated}
        onPassword={setPassword}
        onRepeated={setRepeated}
        problem={problem}
      />
      <Group justify="flex-end" mt="xs">
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" loading={change.isPending}>
          {t('password.submit')}
        </Button>
      </Group>
    </form>
  );
}
