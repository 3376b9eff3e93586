import { Button, Checkbox, Group, Text, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconDownload } from '@tabler/icons-react';
import { type RefObject, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatClock, formatCount, formatDay } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { PersonName } from '../../ui/PersonName';
import { shownName } from '../../ui/personName';
import { HereCell } from './HereCell';
import type { Wanted } from './queries';
import { SeriesOfStudy } from './SeriesOfStudy';
import { isUnderWay, pullOf, rowKey } from './search';
import type { FoundStudy, Pull } from './types';

interface Props {
  studies: FoundStudy[];
  pulls: Pull[];
  /** Pulls that were asked for on this screen. */
  mine: ReadonlySet<string>;
  /** null for who may not fetch */
  onFetch: ((wanted: Wanted[]) => void) | null;
  tableRef: RefObject<HTMLDivElement | null>;
}

export function ResultTable({ studies, pulls, mine, onFetch, tableRef }: Props) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choices = studies.filter((study) => {
    const pull = pullOf(study, pulls, mine);
    return onFetch && !study.is_here && !(pull && isUnderWay(pull));
  });
  const wanted = choices.filter((study) => chosen.has(rowKey(study)));
  const choose = (keys: string[], isChosen: boolean) =>
    setChosen((before) => {
      const after = new Set(before);
      for (const key of keys) isChosen ? after.add(key) : after.delete(key);
      return after;
    });
  const fetchWanted = () => {
    onFetch?.(wanted.map(wholeStudy));
    setChosen(new Set());
  };
  return (
    <div ref={tableRef}>
      <Group justify="space-between" mih={36} mb={4}>
        <Text size="sm" role="status">
          {t('remote.found', { count: studies.length })}
        </Text>
        {wanted.length > 0 && (
          <Button size="xs" leftSection={<IconDownload size={15} aria-hidden />} onClick={fetchWanted}>
            {t('remote.fetch_chosen', { count: wanted.length })}
          </Button>
        )}
      </Group>
      <table className="remote">
        <caption className="visually-hidden">{t('remote.title')}</caption>
        <thead>
          <tr>
            {onFetch && (
              <th className="col-choose" scope="col">
                <Checkbox
                  size="sm"
                  aria-label={t('remote.choose_all')}
                  disabled={!choices.length}
                  checked={wanted.length > 0 && wanted.length === choices.length}
                  indeterminate={wanted.length > 0 && wanted.length < choices.length}
                  onChange={(event) => choose(choices.map(rowKey), event.currentTarget.checked)}
                />
              </th>
            )}
            <th scope="col">{t('study.patient')}</th>
            <th scope="col">{t('study.date')}</th>
            <th scope="col">{t('study.modality')}</th>
            <th scope="col">{t('study.description')}</th>
            <th scope="col">{t('study.accession_number')}</th>
            <th scope="col">{t('remote.archive')}</th>
            <th scope="col">{t('study.images')}</th>
            <th scope="col">{t('remote.here')}</th>
          </tr>
        </thead>
        <tbody>
          {studies.map((study) => (
            <ResultRow
              key={rowKey(study)}
              study={study}
              pull={pullOf(study, pulls, mine)}
              canBeChosen={choices.includes(study)}
              isChosen={wanted.includes(study)}
              onChoose={(isChosen) => choose([rowKey(study)], isChosen)}
              onFetch={onFetch}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function wholeStudy(study: FoundStudy): Wanted {
  return {
    archive: study.archive,
    study_instance_uid: study.study_instance_uid,
    series_instance_uids: [],
  };
}

interface RowProps extends Pick<Props, 'onFetch'> {
  study: FoundStudy;
  pull: Pull | undefined;
  canBeChosen: boolean;
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
}

function ResultRow({ study, pull, canBeChosen, isChosen, onChoose, onFetch }: RowProps) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const name = shownName(study.patient_name).main || t('study.no_name');
  return (
    <>
      <tr data-row={rowKey(study)} data-study={study.study_instance_uid}>
        {onFetch && (
          <td className="col-choose">
            <Checkbox
              size="sm"
              aria-label={t('remote.choose', { study: name })}
              disabled={!canBeChosen}
              checked={isChosen}
              onChange={(event) => onChoose(event.currentTarget.checked)}
            />
          </td>
        )}
        <th scope="row">
          <UnstyledButton
            className="row-link expander"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            <IconChevronRight size={15} aria-hidden className="chevron" />
            <span className="visually-hidden">{t('remote.expand', { study: '' })}</span>
            <PersonName name={study.patient_name} none={t('study.no_name')} />
          </UnstyledButton>
          <div className="quiet patient-facts">
            <bdi className="mono">{study.patient_id}</bdi>
            {study.patient_birth_date && (
              <span>{t('study.born', { day: formatDay(study.patient_birth_date) })}</span>
            )}
          </div>
        </th>
        <td className="nowrap">
          {formatDay(study.study_date)} <span className="quiet">{formatClock(study.study_time)}</span>
        </td>
        <td>
          <ModalityBadges modalities={study.modalities_in_study} />
        </td>
        <td dir="auto" className="break">
          {study.study_description}
        </td>
        <td className="mono break">{study.accession_number}</td>
        <td className="mono">{study.archive}</td>
        <td className="mono" data-label={t('study.images')}>
          {study.number_of_instances !== null && formatCount(study.number_of_instances)}
        </td>
        <td className="col-here">
          <HereCell
            study={study}
            name={name}
            pull={pull}
            onFetch={onFetch && (() => onFetch([wholeStudy(study)]))}
          />
        </td>
      </tr>
      {isOpen && (
        <tr className="opened">
          <td colSpan={onFetch ? 9 : 8}>
            <SeriesOfStudy
              study={study}
              onFetch={
                onFetch && ((series) => onFetch([{ ...wholeStudy(study), series_instance_uids: series }]))
              }
            />
          </td>
        </tr>
      )}
    </>
  );
}
