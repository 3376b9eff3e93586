import { Button, Checkbox, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatCount } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { remoteSeriesQuery } from './queries';
import type { FoundStudy, RemoteSeries } from './types';

interface Props {
  study: FoundStudy;
  onFetch: ((series: string[]) => void) | null;
}

/** The series of a study, asked for when the row is opened; some of them can be fetched alone. */
export function SeriesOfStudy({ study, onFetch }: Props) {
  const { t } = useTranslation();
  const series = useQuery(remoteSeriesQuery(study.archive, study.study_instance_uid));
  const [chosen, setChosen] = useState<string[]>([]);
  if (series.isPending) return <Skeleton h={40} />;
  if (series.isError) {
    return (
      <ProblemNotice
        title={t('remote.series_failed')}
        error={series.error}
        onRetry={() => void series.refetch()}
      />
    );
  }
  if (!series.data.length) return <Text size="sm">{t('remote.no_series')}</Text>;
  return (
    <>
      <Checkbox.Group aria-label={t('study.series')} value={chosen} onChange={setChosen}>
        <ul className="plain-list remote-series">
          {series.data.map((one) => (
            <li key={one.series_instance_uid}>
              {onFetch ? (
                <Checkbox size="sm" value={one.series_instance_uid} label={<SeriesWords series={one} />} />
              ) : (
                <SeriesWords series={one} />
              )}
            </li>
          ))}
        </ul>
      </Checkbox.Group>
      {onFetch && chosen.length > 0 && (
        <Button
          mt="sm"
          size="xs"
          onClick={() => {
            onFetch(chosen);
            setChosen([]);
          }}
        >
          {t('remote.fetch_series', { count: chosen.length })}
        </Button>
      )}
    </>
  );
}

function SeriesWords({ series }: { series: RemoteSeries }) {
  const { t } = useTranslation();
  const count = series.number_of_instances;
  return (
    <span className="series-words">
      <span className="series-number">{series.series_number ?? ''}</span>
      <ModalityBadges modalities={[series.modality]} />
      <span dir="auto">{series.series_description || t('remote.series_unnamed')}</span>
      {series.body_part_examined && <span className="quiet">{series.body_part_examined}</span>}
      {count !== null && (
        <span className="quiet">{t('study.image_count', { count, images: formatCount(count) })}</span>
      )}
    </span>
  );
}
