import { ActionIcon, Group, Menu, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKeyboard, IconMenu2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, Outlet } from 'react-router';
import { LiveProvider, useLiveState } from '../api/LiveProvider';
import { systemQuery, usePermission } from '../api/queries';
import { useParkedCount } from '../features/routing/queries';
import { SendProvider } from '../features/routing/SendProvider';
import { formatBytes, formatCount } from '../ui/format';
import { KeysDialog } from '../ui/KeysDialog';
import { Logo } from '../ui/Logo';
import { useKeys } from '../ui/useKeys';
import { AccountMenu } from './AccountMenu';
import { ThemeToggle } from './ThemeToggle';

/** The frame around every signed-in screen. */
export function Shell() {
  const { t } = useTranslation();
  const [keysOpened, keysDialog] = useDisclosure(false);
  useKeys([['?', keysDialog.open]]);
  return (
    <LiveProvider>
      <div className="shell">
        <a className="skip-link" href="#main">
          {t('shell.skip')}
        </a>
        <header className="shell-header">
          <Link to="/" className="brand" aria-label={t('shell.home')}>
            <Logo size={26} />
            <span className="brand-name">Filmless</span>
          </Link>
          <MainNavigation />
          <Group gap={4} ml="auto" wrap="nowrap">
            <LiveLamp />
            <Tooltip label={t('keys.title')}>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                onClick={keysDialog.open}
                aria-label={t('keys.title')}
                visibleFrom="sm"
              >
                <IconKeyboard size={19} stroke={1.7} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <ThemeToggle />
            <AccountMenu />
          </Group>
        </header>
        <main id="main" tabIndex={-1}>
          <SendProvider>
            <Outlet />
          </SendProvider>
        </main>
        <Status />
      </div>
      <KeysDialog
        title={t('keys.title')}
        closeLabel={t('action.close')}
        opened={keysOpened}
        onClose={keysDialog.close}
        rows={[
          { keys: ['j', '↓'], does: t('keys.down') },
          { keys: ['k', '↑'], does: t('keys.up') },
          { keys: ['Enter'], does: t('keys.open') },
          { keys: ['v'], does: t('keys.viewer') },
          { keys: ['s'], does: t('keys.send') },
          { keys: ['/'], does: t('keys.search') },
          { keys: ['n'], does: t('nodes.key_add') },
          { keys: ['n'], does: t('worklist.key_new') },
          { keys: ['a'], does: t('worklist.key_arrive') },
          { keys: ['[', ']', 't'], does: t('worklist.key_day') },
          { keys: ['u'], does: t('keys.back') },
          { keys: ['?'], does: t('keys.help') },
        ]}
      />
    </LiveProvider>
  );
}

interface MainEntry {
  to: string;
  label: string;
  /** How many things wait there for a person. */
  count?: number;
}

/** Where this person may go, in the order of a day's work. */
function useMainEntries(): MainEntry[] {
  const { t } = useTranslation();
  const held = useQuery(systemQuery).data?.quarantine ?? 0;
  const seesWorklist = usePermission('worklist.read');
  const seesArchives = usePermission('remote.query');
  const maySend = usePermission('studies.send');
  const parked = useParkedCount(maySend);
  const seesQuarantine = usePermission('quarantine.read');
  const seesNodes = usePermission('nodes.manage');
  const entries: (MainEntry | false)[] = [
    { to: '/', label: t('studies.title') },
    seesWorklist && { to: '/worklist', label: t('worklist.title') },
    seesArchives && { to: '/other-archives', label: t('remote.title') },
    maySend && { to: '/exchange', label: t('exchange.title'), count: parked },
    seesQuarantine && { to: '/quarantine', label: t('quarantine.title'), count: held },
    seesNodes && { to: '/nodes', label: t('nodes.title') },
  ];
  return entries.filter((entry) => entry !== false);
}

/** The entries side by side, or in a menu where they do not fit (app.css decides). */
function MainNavigation() {
  const { t } = useTranslation();
  const entries = useMainEntries();
  return (
    <>
      <nav className="main-nav" aria-label={t('shell.navigation')}>
        {entries.map((entry) => (
          <NavLink key={entry.to} to={entry.to} end={entry.to === '/'}>
            <EntryWords entry={entry} />
          </NavLink>
        ))}
      </nav>
      <Menu position="bottom-start" width={240} shadow="md">
        <Menu.Target>
          <ActionIcon
            className="main-menu"
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t('shell.navigation')}
          >
            <IconMenu2 size={20} stroke={1.7} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {entries.map((entry) => (
            <Menu.Item key={entry.to} component={NavLink} to={entry.to} end={entry.to === '/'}>
              <EntryWords entry={entry} />
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

function EntryWords({ entry: { label, count = 0 } }: { entry: MainEntry }) {
  const { t } = useTranslation();
  return (
    <>
      {label}
      {count > 0 && (
        <span className="count">
          {formatCount(count)}
          <span className="visually-hidden"> {t('quarantine.waiting')}</span>
        </span>
      )}
    </>
  );
}

function LiveLamp() {
  const { t } = useTranslation();
  const state = useLiveState();
  return (
    <span className="live" data-state={state} role="status">
      <span className="lamp" aria-hidden="true" />
      <span className="live-word">{t(`live.${state}`)}</span>
    </span>
  );
}

function Status() {
  const { t } = useTranslation();
  const system = useQuery(systemQuery).data;
  if (!system) return <footer className="status" />;
  return (
    <footer className="status">
      <span className="mono">
        {system.ae_title} @ {system.dicom_host}:{system.dicom_port}
      </span>
      <span>
        {t('shell.holds', {
          studies: formatCount(system.studies),
          images: formatCount(system.instances),
          size: formatBytes(system.size_bytes),
        })}
      </span>
      <span className="version">Filmless {system.version}</span>
    </footer>
  );
}
