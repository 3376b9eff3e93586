import { ActionIcon, Tooltip } from '@mantine/core';
import { IconPhotoOff, IconSend } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Series } from '../../api/types';
import { formatCount } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { VIEWER_WINDOW, viewerAddress } from './viewer';

interface Props {
  studyInstanceUid: string;
  series: Series;
  /** null for who may not send. */
  onSend: (() => void) | null;
}

/** A series as its picture; the whole card opens the viewer on it. */
export function SeriesCard({ studyInstanceUid, series, onSend }: Props) {
  const { t } = useTranslation();
  const number = series.series_number === null ? '' : `${series.series_number} `;
  const description = series.series_description || t('study.series_unnamed');
  return (
    <li className="series-card" data-series={series.series_instance_uid}>
      <a href={viewerAddress(studyInstanceUid, series.series_instance_uid)} target={VIEWER_WINDOW}>
        <Thumbnail url={series.thumbnail_url} />
        <span className="series-text">
          <span className="series-name" dir="auto">
            <span className="quiet">{number}</span>
            {description}
          </span>
          <span className="series-meta">
            <ModalityBadges modalities={[series.modality]} />
            {series.body_part_examined && <span>{series.body_part_examined}</span>}
            <span className="series-count">
              {t('study.image_count', {
                count: series.number_of_instances,
                images: formatCount(series.number_of_instances),
              })}
            </span>
          </span>
        </span>
      </a>
      {onSend && (
        <Tooltip label={t('send.open')} openDelay={400}>
          <ActionIcon
            className="series-send"
            variant="default"
            onClick={onSend}
            aria-label={t('send.open_series', { name: `${number}${description}` })}
          >
            <IconSend size={16} stroke={1.7} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </li>
  );
}

/** Not every series has a picture: a report, a dose sheet, an image nobody here can decode. */
function Thumbnail({ url }: { url: string | null }) {
  const [failed, setFailed] = useState(false);
  return (
    <span className="thumbnail">
      {url && !failed ? (
        <img src={url} alt="" loading="lazy" decoding="async" onError={() => setFailed(true)} />
      ) : (
        <IconPhotoOff size={34} stroke={1.3} aria-hidden />
      )}
    </span>
  );
}
