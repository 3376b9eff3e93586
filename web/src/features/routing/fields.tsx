/** Form fields that several dialogs of the exchange share. */
import {
  Checkbox,
  Chip,
  Group,
  MultiSelect,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { destinationsQuery, projectsQuery } from './queries';
import { ALL_DAY } from './ruleWords';
import { PRIORITIES, type Priority, type TimeWindow, WEEKDAYS, type Weekday } from './types';

interface DestinationsProps {
  label: string;
  description?: string;
  value: string[];
  onChange: (titles: string[]) => void;
  autoFocus?: boolean;
}

/** Chooses among the nodes that may be sent to; those chosen before stay even if they may not any more. */
export function DestinationsField({ label, description, value, onChange, autoFocus }: DestinationsProps) {
  const { t } = useTranslation();
  const known = useQuery(destinationsQuery);
  const words = new Map(known.data?.map((it) => [it.ae_title, it.description]));
  const titles = [...new Set([...words.keys(), ...value])];
  return (
    <MultiSelect
      label={label}
      description={description}
      placeholder={value.length === 0 ? t('send.choose') : undefined}
      data={titles.map((title) => ({
        value: title,
        label: words.get(title) ? `${title} · ${words.get(title)}` : title,
      }))}
      value={value}
      onChange={onChange}
      searchable
      hidePickedOptions
      nothingFoundMessage={t(known.data?.length === 0 ? 'send.no_destinations' : 'send.no_match')}
      data-autofocus={autoFocus || undefined}
    />
  );
}

export function PriorityField({ value, onChange }: { value: Priority; onChange: (to: Priority) => void }) {
  const { t } = useTranslation();
  return (
    <div>
      <div className="field-label" aria-hidden="true">
        {t('exchange.priority_title')}
      </div>
      <SegmentedControl
        size="xs"
        aria-label={t('exchange.priority_title')}
        value={value}
        onChange={(priority) => onChange(priority as Priority)}
        data={PRIORITIES.map((priority) => ({ value: priority, label: t(`exchange.priority.${priority}`) }))}
      />
    </div>
  );
}

interface AfterwardsProps {
  project: string;
  requestCommitment: boolean;
  onChange: (to: { project?: string; request_commitment?: boolean }) => void;
}

/** De-identified or as it is; and whether the other side is asked to confirm. One excludes the other. */
export function IdentityFields({ project, requestCommitment, onChange }: AfterwardsProps) {
  const { t } = useTranslation();
  const projects = useQuery(projectsQuery).data ?? [];
  const names = [...new Set([...projects.map((it) => it.name), ...(project ? [project] : [])])];
  return (
    <>
      {names.length > 0 && (
        <Select
          label={t('send.project')}
          description={t('send.project_hint')}
          placeholder={t('send.as_it_is')}
          data={names}
          value={project || null}
          onChange={(name) => onChange({ project: name ?? '', ...(name && { request_commitment: false }) })}
          clearable
          clearButtonProps={{ 'aria-label': t('send.as_it_is') }}
        />
      )}
      <Checkbox
        label={t('send.request_commitment')}
        description={t(project ? 'send.no_commitment' : 'send.request_commitment_hint')}
        checked={requestCommitment}
        disabled={project !== ''}
        onChange={(event) => onChange({ request_commitment: event.currentTarget.checked })}
      />
    </>
  );
}

interface WindowProps {
  label: string;
  value: TimeWindow | null;
  onChange: (window: TimeWindow | null) => void;
}

/** At any time, or only at these hours of these days. */
export function WindowField({ label, value, onChange }: WindowProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs">
      <Switch
        label={label}
        checked={value !== null}
        onChange={(event) =>
          onChange(event.currentTarget.checked ? { ...ALL_DAY, begins_at: '20:00', ends_at: '06:00' } : null)
        }
      />
      {value && (
        <Group gap="sm" align="flex-end">
          <TextInput
            type="time"
            size="xs"
            label={t('rule.from')}
            value={value.begins_at}
            onChange={(event) => onChange({ ...value, begins_at: event.currentTarget.value })}
          />
          <TextInput
            type="time"
            size="xs"
            label={t('rule.until')}
            value={value.ends_at}
            onChange={(event) => onChange({ ...value, ends_at: event.currentTarget.value })}
          />
          <Chip.Group
            multiple
            value={value.weekdays}
            onChange={(days) => onChange({ ...value, weekdays: days as Weekday[] })}
          >
            <Group gap={4}>
              {WEEKDAYS.map((day) => (
                <Chip key={day} value={day} size="xs" variant="outline">
                  {t(`rule.day.${day}`)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        </Group>
      )}
    </Stack>
  );
}
