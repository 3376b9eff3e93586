import { Anchor, Breadcrumbs, Button, Group, Paper, Skeleton, Text, Title } from '@mantine/core';
import { IconArrowLeft, IconPhoto, IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { ApiError } from '../../api/client';
import { studyQuery } from '../../api/queries';
import type { StudyDetail } from '../../api/types';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { ageInYears, formatBytes, formatClock, formatCount, formatDay, formatInstant } from '../../ui/format';
import { ModalityBadges } from '../../ui/ModalityBadges';
import { PersonName } from '../../ui/PersonName';
import { useSendStudy } from '../../ui/sendStudy';
import { useKeys } from '../../ui/useKeys';
import { SeriesCard } from './SeriesCard';
import { openViewer, VIEWER_WINDOW, viewerAddress } from './viewer';

/** One study: whose it is, what was done, and its series. */
export function StudyPage() {
  const { t } = useTranslation();
  const { studyInstanceUid = '' } = useParams();
  const study = useQuery(studyQuery(studyInstanceUid));
  const back = useBackToList();
  const sendStudy = useSendStudy();
  useKeys([
    ['s', () => study.data && sendStudy?.(study.data)],
    ['v', () => openViewer(studyInstanceUid)],
    ['u', back],
  ]);
  return (
    <div className="page">
      <Breadcrumbs mb="sm" separator={null}>
        <BackToList onBack={back} />
      </Breadcrumbs>
      {study.isPending && <StudySkeleton />}
      {study.isError && <StudyProblem error={study.error} onRetry={() => void study.refetch()} />}
      {study.data && <StudyContent study={study.data} />}
      {study.data && <title>{`${t('study.title')} · Filmless`}</title>}
    </div>
  );
}

/** Back with the filters as they were: the list's address is in the browser's own history. */
function useBackToList() {
  const navigate = useNavigate();
  return () => {
    if (window.history.state?.idx) navigate(-1);
    else navigate('/');
  };
}

function BackToList({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation();
  return (
    <Anchor
      component={Link}
      to="/"
      size="sm"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        onBack();
      }}
    >
      <Group gap={6} component="span">
        <IconArrowLeft size={15} aria-hidden />
        {t('study.back')}
      </Group>
    </Anchor>
  );
}

function StudyProblem({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation();
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <>
      <h1 className="visually-hidden">{t('study.title')}</h1>
      {isMissing ? (
        <ErrorNotice title={t('study.missing')}>{t('study.missing_hint')}</ErrorNotice>
      ) : (
        <ErrorNotice title={t('study.failed')} onRetry={onRetry} retryLabel={t('action.retry')}>
          {(error instanceof ApiError && error.message) || t('problem.unreachable')}
        </ErrorNotice>
      )}
    </>
  );
}

function StudyContent({ study }: { study: StudyDetail }) {
  const { t } = useTranslation();
  const sendStudy = useSendStudy();
  return (
    <>
      <StudyBanner study={study} />
      <Group justify="space-between" mt="lg" mb="sm">
        <Title order={2} fz={16} fw={600}>
          {t('study.series_title', { count: study.series_list.length })}
        </Title>
        <Text size="sm" c="dimmed" data-testid="counts">
          {t('study.counts', {
            count: study.number_of_instances,
            images: formatCount(study.number_of_instances),
            size: formatBytes(study.size_bytes),
          })}
        </Text>
      </Group>
      <ul className="series-grid">
        {study.series_list.map((series) => (
          <SeriesCard
            key={series.series_instance_uid}
            studyInstanceUid={study.study_instance_uid}
            series={series}
            onSend={
              sendStudy && (() => sendStudy({ ...study, series_instance_uid: series.series_instance_uid }))
            }
          />
        ))}
      </ul>
    </>
  );
}

function StudyBanner({ study }: { study: StudyDetail }) {
  const { t } = useTranslation();
  const sendStudy = useSendStudy();
  const age = ageInYears(study.patient_birth_date, study.study_date);
  const sex = study.patient_sex;
  return (
    <Paper
      withBorder
      radius="md"
      p={{ base: 'md', sm: 'lg' }}
      component="section"
      aria-label={t('study.patient')}
    >
      <Group justify="space-between" align="flex-start" gap="md">
        <div className="banner-name">
          <Title order={1} fz={{ base: 20, sm: 24 }} fw={650} lts={-0.3}>
            <PersonName name={study.patient_name} none={t('study.no_name')} />
          </Title>
          <Group gap="xs" mt={4} c="dimmed" fz="sm">
            <bdi className="mono">{study.patient_id}</bdi>
            {study.issuer_of_patient_id && <span>{study.issuer_of_patient_id}</span>}
            {study.patient_birth_date && (
              <span>
                {t('study.born', { day: formatDay(study.patient_birth_date) })}
                {age !== null && ` (${t('study.age', { count: age })})`}
              </span>
            )}
            {sex && <span>{t(`study.sex_${sex}`, { defaultValue: sex })}</span>}
          </Group>
        </div>
        <Group gap="xs">
          {sendStudy && (
            <Button
              size="md"
              variant="default"
              leftSection={<IconSend size={18} aria-hidden />}
              onClick={() => sendStudy(study)}
            >
              {t('send.open')}
            </Button>
          )}
          <Button
            component="a"
            href={viewerAddress(study.study_instance_uid)}
            target={VIEWER_WINDOW}
            size="md"
            leftSection={<IconPhoto size={18} aria-hidden />}
          >
            {t('study.open_viewer')}
          </Button>
        </Group>
      </Group>
      <StudyFacts study={study} />
    </Paper>
  );
}

function StudyFacts({ study }: { study: StudyDetail }) {
  const { t } = useTranslation();
  const facts: [string, React.ReactNode][] = [
    [t('study.description'), study.study_description],
    [t('study.date'), `${formatDay(study.study_date)} ${formatClock(study.study_time)}`.trim()],
    [t('study.modality'), <ModalityBadges key="modality" modalities={study.modalities_in_study} />],
    [t('study.accession_number'), study.accession_number],
    [
      t('study.referring'),
      study.referring_physician_name && (
        <PersonName key="referring" name={study.referring_physician_name} none="" />
      ),
    ],
    [t('study.received'), formatInstant(study.received_at)],
  ];
  return (
    <dl className="facts facts-row">
      {facts
        .filter(([, value]) => value)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function StudySkeleton() {
  return (
    <>
      <Skeleton h={150} radius="md" />
      <div className="series-grid" style={{ marginTop: 56 }}>
        {['a', 'b', 'c', 'd'].map((key) => (
          <Skeleton key={key} h={220} radius="md" />
        ))}
      </div>
    </>
  );
}
