import {
  Button,
  Chip,
  CloseButton,
  Group,
  Indicator,
  Popover,
  SegmentedControl,
  Select,
  Stack,
  TextInput,
} from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconCalendar, IconSearch } from '@tabler/icons-react';
import { type RefObject, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DATE_PRESETS, type DatePreset, isFiltered, type StudyFilters } from './studyFilters';

/** The kinds of image most departments make; any other is found by the search box. */
const MODALITIES = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'NM', 'PT', 'XA'];
const TYPING_PAUSE_MS = 250;
const DETAILS = ['patient_name', 'patient_id', 'accession_number'] as const;

interface Props {
  filters: StudyFilters;
  onChange: (change: Partial<StudyFilters>) => void;
  onClear: () => void;
  searchRef: RefObject<HTMLInputElement | null>;
  onLeaveSearch: () => void;
}

export function StudyFilterBar({ filters, onChange, onClear, searchRef, onLeaveSearch }: Props) {
  const { t } = useTranslation();
  return (
    <Group className="filter-bar" gap="sm" role="search" aria-label={t('studies.filters')}>
      <SearchBox filters={filters} onChange={onChange} searchRef={searchRef} onLeaveSearch={onLeaveSearch} />
      <DateFilter filters={filters} onChange={onChange} />
      <DetailFilters filters={filters} onChange={onChange} />
      <OrderChoice filters={filters} onChange={onChange} />
      <Chip.Group multiple value={filters.modality} onChange={(modality) => onChange({ modality })}>
        <Group gap={6} role="group" aria-label={t('study.modality')} className="chips">
          {MODALITIES.map((modality) => (
            <Chip key={modality} value={modality} size="xs" radius="sm" variant="light">
              {modality}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {isFiltered(filters) && (
        <Button variant="subtle" size="xs" onClick={onClear}>
          {t('studies.clear')}
        </Button>
      )}
    </Group>
  );
}

/** A text field that asks when the typing pauses, and follows the address bar when that changes. */
function useTyped(value: string, onTyped: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    // Our own words coming back must not overwrite what was typed since.
    if (value !== told.current) setTyped(value);
    told.current = value;
  }, [value]);
  const tell = useDebouncedCallback((text: string) => {
    told.current = text;
    onTyped(text);
  }, TYPING_PAUSE_MS);
  return [
    typed,
    (next: string) => {
      setTyped(next);
      tell(next);
    },
  ] as const;
}

type SearchProps = Pick<Props, 'filters' | 'onChange' | 'searchRef' | 'onLeaveSearch'>;

function SearchBox({ filters, onChange, searchRef, onLeaveSearch }: SearchProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useTyped(filters.search, (search) => onChange({ search }));
  return (
    <TextInput
      ref={searchRef}
      className="search-box"
      type="text"
      inputMode="search"
      aria-label={t('studies.search')}
      placeholder={t('studies.search_hint')}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        typed ? (
          <CloseButton size="sm" aria-label={t('studies.clear_search')} onClick={() => setTyped('')} />
        ) : null
      }
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== 'ArrowDown' && event.key !== 'Escape') return;
        event.preventDefault();
        onLeaveSearch();
      }}
    />
  );
}

type FilterProps = Pick<Props, 'filters' | 'onChange'>;

function DateFilter({ filters, onChange }: FilterProps) {
  const { t, i18n } = useTranslation();
  const data = DATE_PRESETS.map((value) => ({ value, label: t(`studies.date_${value}`) }));
  const choose = (date: string | null) => onChange({ date: (date ?? 'any') as DatePreset, from: '', to: '' });
  return (
    <>
      <SegmentedControl
        size="xs"
        data={data}
        value={filters.date}
        onChange={choose}
        aria-label={t('study.date')}
        visibleFrom="lg"
      />
      <Select
        size="xs"
        data={data}
        value={filters.date}
        onChange={choose}
        allowDeselect={false}
        aria-label={t('study.date')}
        leftSection={<IconCalendar size={14} aria-hidden />}
        hiddenFrom="lg"
        w={140}
      />
      {filters.date === 'range' && (
        <DatePickerInput
          type="range"
          size="xs"
          locale={i18n.language}
          valueFormat="L"
          allowSingleDateInRange
          clearable
          w={230}
          placeholder={t('studies.pick_range')}
          value={[filters.from || null, filters.to || null]}
          onChange={([from, to]) => onChange({ from: from ?? '', to: to ?? '' })}
        />
      )}
    </>
  );
}

/** Where the table has no heads to press: on a phone. */
function OrderChoice({ filters, onChange }: FilterProps) {
  const { t } = useTranslation();
  const data = [
    { value: '-study_date', label: t('studies.newest') },
    { value: 'study_date', label: t('studies.oldest') },
    { value: '-received_at', label: t('studies.last_received') },
    { value: 'patient_name', label: t('study.patient_name') },
  ];
  return (
    <Select
      className="order-choice"
      size="xs"
      w={130}
      data={data}
      value={filters.order_by}
      onChange={(order_by) => order_by && onChange({ order_by })}
      allowDeselect={false}
      aria-label={t('studies.order')}
    />
  );
}

function DetailFilters({ filters, onChange }: FilterProps) {
  const { t } = useTranslation();
  const used = DETAILS.filter((name) => filters[name]).length;
  return (
    <Popover position="bottom-start" withArrow shadow="md" trapFocus returnFocus>
      <Indicator disabled={!used} label={used} size={16} offset={4}>
        <Popover.Target>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconAdjustmentsHorizontal size={14} aria-hidden />}
          >
            {t('studies.more')}
          </Button>
        </Popover.Target>
      </Indicator>
      <Popover.Dropdown aria-label={t('studies.more')}>
        <Stack gap="xs" w={260}>
          {DETAILS.map((name) => (
            <DetailFilter key={name} name={name} value={filters[name]} onChange={onChange} />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

interface DetailProps {
  name: (typeof DETAILS)[number];
  value: string;
  onChange: (change: Partial<StudyFilters>) => void;
}

function DetailFilter({ name, value, onChange }: DetailProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useTyped(value, (text) => onChange({ [name]: text }));
  return (
    <TextInput
      size="xs"
      label={t(`study.${name}`)}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
