import {
  ActionIcon,
  Autocomplete,
  CloseButton,
  Group,
  SegmentedControl,
  Select,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { IconHelp, IconSearch } from '@tabler/icons-react';
import type { RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { DayNavigator } from '../../ui/DayNavigator';
import { dayBefore } from '../../ui/format';
import { useTyped } from '../../ui/useTyped';
import { MODALITIES } from './modalities';
import { useStations } from './queries';
import { dayOf, STATE_GROUPS, type StateGroup, type WorklistFilters } from './worklistFilters';

interface Props {
  filters: WorklistFilters;
  onChange: (wanted: Partial<WorklistFilters>) => void;
  /** AE titles in the list now: some may be no node of ours. */
  stationsShown: string[];
  searchRef: RefObject<HTMLInputElement | null>;
  onLeaveSearch: () => void;
  onHelp: () => void;
}

export function WorklistBar({ filters, onChange, stationsShown, searchRef, onLeaveSearch, onHelp }: Props) {
  const { t, i18n } = useTranslation();
  const known = useStations().map((station) => station.ae_title);
  const stations = [...new Set([...known, ...stationsShown])].sort();
  const [search, setSearch] = useTyped(filters.search, (typed) => onChange({ search: typed }));
  const [station, setStation] = useTyped(filters.station, (typed) => onChange({ station: typed }));
  return (
    <Group gap="sm" role="search" aria-label={t('worklist.filters')} className="day-bar">
      <DayNavigator
        day={dayOf(filters)}
        today={dayBefore(0)}
        onDay={(day) => onChange({ day })}
        language={i18n.language}
        words={{
          previous: t('day.previous'),
          next: t('day.next'),
          today: t('day.today'),
          pick: t('day.pick'),
          all: t('day.all'),
        }}
      />
      <TextInput
        ref={searchRef}
        className="search-box"
        type="text"
        inputMode="search"
        aria-label={t('worklist.search')}
        placeholder={t('worklist.search_hint')}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={
          search ? (
            <CloseButton size="sm" aria-label={t('studies.clear_search')} onClick={() => setSearch('')} />
          ) : null
        }
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== 'ArrowDown' && event.key !== 'Escape') return;
          event.preventDefault();
          onLeaveSearch();
        }}
      />
      <SegmentedControl
        size="xs"
        aria-label={t('worklist.state')}
        className="state-choice"
        value={filters.state}
        onChange={(state) => onChange({ state: state as StateGroup })}
        data={Object.keys(STATE_GROUPS).map((value) => ({ value, label: t(`worklist.group.${value}`) }))}
      />
      <Select
        size="xs"
        w={118}
        aria-label={t('study.modality')}
        placeholder={t('study.modality')}
        data={[...new Set([...MODALITIES, ...(filters.modality ? [filters.modality] : [])])]}
        value={filters.modality || null}
        onChange={(modality) => onChange({ modality: modality ?? '' })}
        clearable
        clearButtonProps={{ 'aria-label': t('worklist.any_modality') }}
        searchable
      />
      <Autocomplete
        size="xs"
        w={150}
        aria-label={t('worklist.station')}
        placeholder={t('worklist.station')}
        data={stations}
        value={station}
        onChange={setStation}
        clearable
        clearButtonProps={{ 'aria-label': t('worklist.any_station') }}
      />
      <Tooltip label={t('worklist.help_title')}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={30}
          onClick={onHelp}
          aria-label={t('worklist.help_title')}
        >
          <IconHelp size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
