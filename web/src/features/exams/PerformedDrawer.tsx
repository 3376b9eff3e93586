import { Anchor, Drawer, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ApiError } from '../../api/client';
import { ProblemNotice } from '../../api/ProblemNotice';
import { studyQuery } from '../../api/queries';
import { formatClock, formatCount, formatDay } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import { LinkState, PerformedState } from './PerformedState';
import { Made, Reason, scheduledAddress } from './PerformedTable';
import { performedStepQuery } from './queries';
import type { PerformedStepDetail, Reference } from './types';

interface Props {
  /** The SOP Instance UID of the performed step; empty: closed. */
  uid: string;
  onClose: () => void;
}

/** All that a machine said of one performed step, beside what of it is here. */
export function PerformedDrawer({ uid, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={uid !== ''}
      onClose={onClose}
      position="right"
      size={620}
      title={t('performed.title_step')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {uid && <Performed uid={uid} />}
    </Drawer>
  );
}

function Performed({ uid }: { uid: string }) {
  const { t } = useTranslation();
  const step = useQuery(performedStepQuery(uid));
  if (step.isError) {
    return (
      <ProblemNotice
        title={t('performed.failed_step')}
        error={step.error}
        onRetry={() => void step.refetch()}
      />
    );
  }
  if (!step.data) return <Skeleton h={300} />;
  return <PerformedContent step={step.data} />;
}

function PerformedContent({ step }: { step: PerformedStepDetail }) {
  const { t } = useTranslation();
  const at = (day: string | null, time: string | null) =>
    [formatDay(day), formatClock(time)].filter(Boolean).join(', ');
  const station = [step.performed_station_ae_title, step.performed_station_name].filter(Boolean);
  const facts: [string, ReactNode][] = [
    [t('performed.what'), step.description],
    [t('study.modality'), step.modality],
    [t('performed.start'), at(step.start_date, step.start_time)],
    [t('performed.end'), at(step.end_date, step.end_time)],
    [t('worklist.station'), station.join(' · ')],
    [t('performed.reported_by'), step.calling_ae_title],
    [t('performed.made'), <Made key="made" step={step} />],
    [t('performed.number'), step.performed_procedure_step_id],
  ];
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div>
          <Text fz={17} fw={600}>
            <PersonName name={step.patient_name} none={t('study.no_name')} />
          </Text>
          <Text size="sm" c="dimmed">
            <bdi className="mono">{step.patient_id}</bdi>
            {step.patient_birth_date && ` · ${t('study.born', { day: formatDay(step.patient_birth_date) })}`}
          </Text>
        </div>
        <div>
          <PerformedState status={step.status} />
        </div>
      </Group>
      <Reason code={step.discontinuation_reason} />
      <dl className="facts facts-pairs">
        {facts
          .filter(([, value]) => value)
          .map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ))}
      </dl>
      <section aria-labelledby="performed-belongs">
        <Title order={3} fz={15} fw={600} mb="xs" id="performed-belongs">
          {t('performed.belongs_to')}
        </Title>
        <Stack gap="xs">
          {step.references.map((reference) => (
            <Belongs
              key={`${reference.study_instance_uid} ${reference.scheduled_procedure_step_id}`}
              reference={reference}
              reported={step.references.length === 1 ? step.number_of_instances : null}
            />
          ))}
          {!step.references.length && <LinkState references={[]} />}
        </Stack>
      </section>
      <SeriesTable step={step} />
    </Stack>
  );
}

interface BelongsProps {
  reference: Reference;
  /** How many images the machine says it made of this study; null where it made several studies. */
  reported: number | null;
}

function Belongs({ reference, reported }: BelongsProps) {
  const { t } = useTranslation();
  return (
    <Paper withBorder radius="md" p="sm" data-reference={reference.study_instance_uid}>
      <Group gap="xs" justify="space-between">
        {reference.step_id ? (
          <Anchor component={Link} to={scheduledAddress(reference.step_id)} size="sm">
            {t('performed.scheduled_as', {
              number: reference.accession_number || reference.scheduled_procedure_step_id,
            })}
          </Anchor>
        ) : (
          <Text size="sm" className="mono long-uid">
            {reference.accession_number || reference.study_instance_uid}
          </Text>
        )}
        <LinkState references={[reference]} />
      </Group>
      {reference.remark && (
        <Text size="sm" mt={4}>
          {t(`performed.remark_text.${reference.remark}`)}
        </Text>
      )}
      <ImagesHere uid={reference.study_instance_uid} reported={reported} />
    </Paper>
  );
}

/** Are the images here that the machine says it made? */
function ImagesHere({ uid, reported }: { uid: string; reported: number | null }) {
  const { t } = useTranslation();
  const study = useQuery({ ...studyQuery(uid), enabled: uid !== '' });
  const isMissing = study.error instanceof ApiError && study.error.status === 404;
  if (isMissing) {
    return (
      <Text size="sm" c="dimmed" mt={4}>
        {t('performed.no_images')}
      </Text>
    );
  }
  if (!study.data) return null;
  const here = study.data.number_of_instances;
  const images = t('study.image_count', { count: here, images: formatCount(here) });
  return (
    <Text size="sm" mt={4}>
      <Anchor component={Link} to={`/studies/${uid}`} inherit>
        {t('performed.images_here', { images })}
      </Anchor>
      {reported !== null && here < reported && (
        <span className="trouble"> {t('performed.images_fewer', { reported: formatCount(reported) })}</span>
      )}
    </Text>
  );
}

function SeriesTable({ step }: { step: PerformedStepDetail }) {
  const { t } = useTranslation();
  if (!step.series_list.length) return null;
  return (
    <section aria-labelledby="performed-series">
      <Title order={3} fz={15} fw={600} mb="xs" id="performed-series">
        {t('performed.series')}
      </Title>
      <div className="ledger-area">
        <table className="ledger">
          <thead>
            <tr>
              <th scope="col">{t('study.description')}</th>
              <th scope="col">{t('performed.protocol')}</th>
              <th scope="col">{t('study.images')}</th>
            </tr>
          </thead>
          <tbody>
            {step.series_list.map((series) => (
              <tr key={series.series_instance_uid}>
                <th scope="row">
                  <bdi>{series.series_description || t('study.series_unnamed')}</bdi>
                </th>
                <td data-label={t('performed.protocol')}>
                  <bdi>{series.protocol_name}</bdi>
                </td>
                <td data-label={t('study.images')}>{formatCount(series.number_of_instances)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
