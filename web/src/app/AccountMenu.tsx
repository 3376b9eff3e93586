import { Avatar, Menu, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck, IconKey, IconLogout } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ChangePasswordDialog } from '../features/access/ChangePasswordDialog';
import { useSession, useSignOut } from '../features/access/useSession';
import { chooseLanguage, LANGUAGES } from './i18n';

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => !word.endsWith('.'));
  return words
    .map((word) => word[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();
}

export function AccountMenu() {
  const { t, i18n } = useTranslation();
  const user = useSession().data?.user;
  const signOut = useSignOut();
  const [passwordOpened, passwordDialog] = useDisclosure(false);
  if (!user) return null;
  const name = user.display_name || user.user_name;
  return (
    <>
      <Menu position="bottom-end" width={230} shadow="md" withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <UnstyledButton className="account">
            <Avatar size={30} radius="xl" variant="filled" color="beam.8">
              {initials(name)}
            </Avatar>
            <span className="visually-hidden">{t('account.menu', { name })}</span>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <bdi dir="auto">{name}</bdi>
          </Menu.Label>
          <Menu.Item leftSection={<IconKey size={16} aria-hidden />} onClick={passwordDialog.open}>
            {t('password.title')}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>{t('account.language')}</Menu.Label>
          {LANGUAGES.map(({ value, label }) => (
            <Menu.Item
              key={value}
              lang={value}
              rightSection={
                i18n.language === value && <IconCheck size={14} role="img" aria-label={t('account.chosen')} />
              }
              onClick={() => chooseLanguage(value)}
            >
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => signOut.mutate()}>
            {t('account.sign_out')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePasswordDialog opened={passwordOpened} onClose={passwordDialog.close} />
    </>
  );
}
