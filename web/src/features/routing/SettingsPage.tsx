import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Modal,
  Paper,
  Select,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { formatInstant } from '../../ui/format';
import {
  destinationsQuery,
  projectsQuery,
  subscribersQuery,
  useAddProject,
  useSubscription,
} from './queries';
import { PROJECT_OPTIONS, type ProjectOption } from './types';

/** What is set once: projects for which identities are removed, and who is told of new studies. */
export function SettingsPage() {
  const mayManageNodes = usePermission('nodes.manage');
  return (
    <Stack gap="lg" maw={820}>
      <Projects />
      {mayManageNodes && <Subscribers />}
    </Stack>
  );
}

function Projects() {
  const { t } = useTranslation();
  const list = useQuery(projectsQuery);
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-label={t('project.title')}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Title order={2} fz={16} fw={600}>
          {t('project.title')}
        </Title>
        <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setIsOpen(true)}>
          {t('project.add')}
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mt={2} mb="sm">
        {t('project.text')}
      </Text>
      {list.isError && (
        <ProblemNotice title={t('project.failed')} error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.data?.length === 0 && <Text size="sm">{t('project.none')}</Text>}
      <ul className="plain-list setting-rows">
        {list.data?.map((project) => (
          <li key={project.name} data-project={project.name}>
            <span>
              <strong>{project.name}</strong>
              <div className="quiet ledger-line">
                {project.options.length > 0
                  ? project.options.map((option) => t(`project.option.${option}`)).join(' · ')
                  : t('project.no_options')}
              </div>
            </span>
            <span className="quiet ledger-line">{formatInstant(project.created_at)}</span>
          </li>
        ))}
      </ul>
      <Modal
        opened={isOpen}
        onClose={() => setIsOpen(false)}
        title={t('project.add')}
        closeButtonProps={{ 'aria-label': t('action.close') }}
      >
        {isOpen && <ProjectForm onClose={() => setIsOpen(false)} />}
      </Modal>
    </Paper>
  );
}

/** Dates are either kept or shifted. */
const EXCLUDES: Partial<Record<ProjectOption, ProjectOption>> = {
  retain_full_dates: 'shift_dates',
  shift_dates: 'retain_full_dates',
};

function ProjectForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [options, setOptions] = useState<ProjectOption[]>([]);
  const add = useAddProject();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ name: name.trim(), options }, { onSuccess: onClose });
  };
  const toggle = (option: ProjectOption) =>
    setOptions((before) =>
      before.includes(option)
        ? before.filter((it) => it !== option)
        : [...before.filter((it) => it !== EXCLUDES[option]), option],
    );
  return (
    <form onSubmit={submit} className="form-stack">
      <TextInput
        label={t('project.name')}
        description={t('project.name_hint')}
        required
        withAsterisk={false}
        maxLength={64}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {PROJECT_OPTIONS.map((option) => (
        <Checkbox
          key={option}
          label={t(`project.option.${option}`)}
          checked={options.includes(option)}
          onChange={() => toggle(option)}
        />
      ))}
      {add.error && <ProblemNotice title={t('project.not_added')} error={add.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" disabled={!name.trim()} loading={add.isPending}>
          {t('project.add')}
        </Button>
      </Group>
    </form>
  );
}

function Subscribers() {
  const { t } = useTranslation();
  const list = useQuery(subscribersQuery);
  const destinations = useQuery(destinationsQuery).data ?? [];
  const subscription = useSubscription();
  const told = new Set(list.data?.map((it) => it.ae_title));
  const others = destinations.map((it) => it.ae_title).filter((title) => !told.has(title));
  return (
    <Paper withBorder p="md" radius="md" component="section" aria-label={t('availability.title')}>
      <Title order={2} fz={16} fw={600}>
        {t('availability.title')}
      </Title>
      <Text size="sm" c="dimmed" mt={2} mb="sm">
        {t('availability.text')}
      </Text>
      {(list.error || subscription.error) && (
        <ProblemNotice title={t('availability.failed')} error={list.error ?? subscription.error} />
      )}
      <ul className="plain-list setting-rows">
        {list.data?.map(({ ae_title: title }) => (
          <li key={title} data-subscriber={title}>
            <span className="mono">{title}</span>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('availability.remove', { title })}
              onClick={() => subscription.mutate({ title, isTold: false })}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </li>
        ))}
      </ul>
      <Select
        size="xs"
        maw={280}
        mt="xs"
        aria-label={t('availability.add')}
        placeholder={t('availability.add')}
        data={others}
        value={null}
        onChange={(title) => title && subscription.mutate({ title, isTold: true })}
        nothingFoundMessage={t('send.no_destinations')}
        searchable
      />
    </Paper>
  );
}
