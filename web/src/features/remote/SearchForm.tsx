import { Button, Group, MultiSelect, Paper, TagsInput, Text, TextInput } from '@mantine/core';
import { DatePickerInput } from '@mantine/dates';
import { IconSearch } from '@tabler/icons-react';
import { type FormEvent, type RefObject, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isEmptySearch, NO_SEARCH } from './search';
import type { RemoteArchive, RemoteSearch } from './types';

interface Props {
  archives: RemoteArchive[];
  initial: { archives: string[]; search: RemoteSearch };
  isSearching: boolean;
  firstRef: RefObject<HTMLInputElement | null>;
  onSearch: (archives: string[], search: RemoteSearch) => void;
  onClear: () => void;
}

/** The kinds of image most departments make; any other can be typed. */
const MODALITIES = ['CT', 'MR', 'DX', 'CR', 'US', 'MG', 'NM', 'PT', 'XA', 'RF', 'OT'];
/** Fewer archives are seen at a glance. */
const SEARCHED_FROM = 8;
const TEXTS = ['patient_name', 'patient_id', 'accession_number'] as const;

export function SearchForm({ archives, initial, isSearching, firstRef, onSearch, onClear }: Props) {
  const { t, i18n } = useTranslation();
  const [chosen, setChosen] = useState(initial.archives);
  const [search, setSearch] = useState(initial.search);
  const [isMissing, setMissing] = useState(false);
  const change = (wanted: Partial<RemoteSearch>) => {
    setSearch((before) => ({ ...before, ...wanted }));
    setMissing(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isEmptySearch(search)) {
      setMissing(true);
      firstRef.current?.focus();
    } else onSearch(chosen, search);
  };
  const clear = () => {
    change(NO_SEARCH);
    onClear();
    firstRef.current?.focus();
  };
  const data = archives.map(({ ae_title, description }) => ({
    value: ae_title,
    label: description ? `${ae_title} · ${description}` : ae_title,
  }));
  return (
    <Paper component="form" role="search" withBorder radius="md" p="md" onSubmit={submit}>
      <div className="remote-form">
        <MultiSelect
          label={t('remote.archives')}
          placeholder={chosen.length ? '' : t('remote.archives_hint')}
          data={data}
          value={chosen}
          onChange={setChosen}
          searchable={archives.length > SEARCHED_FROM}
        />
        {TEXTS.map((name, index) => (
          <TextInput
            key={name}
            ref={index === 0 ? firstRef : undefined}
            label={t(`study.${name}`)}
            placeholder={index === 0 ? t('remote.patient_name_hint') : ''}
            autoComplete="off"
            maxLength={64}
            value={search[name]}
            onChange={(event) => change({ [name]: event.currentTarget.value })}
          />
        ))}
        <DatePickerInput
          type="range"
          label={t('remote.dates')}
          placeholder={t('studies.pick_range')}
          locale={i18n.language}
          valueFormat="L"
          allowSingleDateInRange
          clearable
          value={[search.study_date_from || null, search.study_date_to || null]}
          onChange={([from, to]) => change({ study_date_from: from ?? '', study_date_to: to ?? '' })}
        />
        <TagsInput
          label={t('study.modality')}
          data={MODALITIES}
          maxTags={16}
          acceptValueOnBlur
          value={search.modalities}
          onChange={(modalities) => change({ modalities: modalities.map((one) => one.toUpperCase()) })}
        />
      </div>
      <Group mt="md" gap="xs">
        <Button
          type="submit"
          leftSection={<IconSearch size={16} aria-hidden />}
          loading={isSearching}
          disabled={!chosen.length}
        >
          {t('remote.search')}
        </Button>
        <Button variant="subtle" onClick={clear}>
          {t('remote.clear')}
        </Button>
        {isMissing && (
          <Text size="sm" role="alert" c="var(--mantine-color-error)">
            {t('remote.nothing_asked')}: {t('remote.nothing_asked_hint')}
          </Text>
        )}
      </Group>
    </Paper>
  );
}
