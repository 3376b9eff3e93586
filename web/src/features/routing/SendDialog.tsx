import { Anchor, Button, Checkbox, Group, Modal, Radio, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useLiveState } from '../../api/LiveProvider';
import { ProblemNotice } from '../../api/ProblemNotice';
import { usePermission } from '../../api/queries';
import { formatCount } from '../../ui/format';
import { PersonName } from '../../ui/PersonName';
import type { SeriesToSend, StudyToSend } from '../../ui/sendStudy';
import { DestinationsField, IdentityFields, PriorityField } from './fields';
import { Progress } from './Progress';
import { destinationsQuery, transmissionsQuery, useSendTo } from './queries';
import { StateBadge } from './StateBadge';
import type { SendRequest, Transmission } from './types';

interface Props {
  study: StudyToSend | null;
  onClose: () => void;
}

/** Sends a study, or series of it, to other nodes; then shows how it goes. */
export function SendDialog({ study, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={study !== null}
      onClose={onClose}
      title={t('send.title')}
      size={540}
      centered
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {study && <SendForm study={study} onClose={onClose} />}
    </Modal>
  );
}

function SendForm({ study, onClose }: { study: StudyToSend; onClose: () => void }) {
  const { t } = useTranslation();
  const send = useSendTo(study.study_instance_uid);
  const [draft, setDraft] = useState<SendRequest>({
    destinations: [],
    series_instance_uids: study.series_instance_uid ? [study.series_instance_uid] : [],
    priority: 'normal',
    request_commitment: false,
    project: '',
  });
  const [isWhole, setIsWhole] = useState(!study.series_instance_uid);
  const change = (wanted: Partial<SendRequest>) => setDraft((before) => ({ ...before, ...wanted }));
  if (send.data) return <Queued queued={send.data.transmissions} study={study} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate({ ...draft, series_instance_uids: isWhole ? [] : draft.series_instance_uids });
  };
  const isComplete = draft.destinations.length > 0 && (isWhole || draft.series_instance_uids.length > 0);
  return (
    <form onSubmit={submit} className="form-stack">
      <div>
        <Text fw={600}>
          <PersonName name={study.patient_name} none={t('study.no_name')} />
        </Text>
        <Text size="sm" c="dimmed">
          {[
            study.study_description,
            t('study.image_count', {
              count: study.number_of_instances,
              images: formatCount(study.number_of_instances),
            }),
          ]
            .filter(Boolean)
            .join(' · ')}
        </Text>
      </div>
      <NoDestinations />
      <DestinationsField
        label={t('send.to')}
        value={draft.destinations}
        onChange={(destinations) => change({ destinations })}
        autoFocus
      />
      {study.series_list && (
        <SeriesFields
          series={study.series_list}
          isWhole={isWhole}
          onWhole={setIsWhole}
          chosen={draft.series_instance_uids}
          onChoose={(series_instance_uids) => change({ series_instance_uids })}
        />
      )}
      <PriorityField value={draft.priority} onChange={(priority) => change({ priority })} />
      <IdentityFields
        project={draft.project}
        requestCommitment={draft.request_commitment}
        onChange={change}
      />
      {send.error && <ProblemNotice title={t('send.failed')} error={send.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button type="submit" disabled={!isComplete} loading={send.isPending}>
          {t('send.submit')}
        </Button>
      </Group>
    </form>
  );
}

/** Nobody to send to yet: what to do about it. */
function NoDestinations() {
  const { t } = useTranslation();
  const mayManageNodes = usePermission('nodes.manage');
  const list = useQuery(destinationsQuery);
  if (list.isError) return <ProblemNotice title={t('send.failed')} error={list.error} />;
  if (list.data?.length !== 0) return null;
  return (
    <Text size="sm">
      {t('send.no_destinations')}{' '}
      {mayManageNodes && (
        <Anchor component={Link} to="/nodes" inherit>
          {t('send.to_nodes')}
        </Anchor>
      )}
    </Text>
  );
}

interface SeriesProps {
  series: readonly SeriesToSend[];
  isWhole: boolean;
  onWhole: (isWhole: boolean) => void;
  chosen: string[];
  onChoose: (uids: string[]) => void;
}

function SeriesFields({ series, isWhole, onWhole, chosen, onChoose }: SeriesProps) {
  const { t } = useTranslation();
  return (
    <Radio.Group
      label={t('send.what')}
      value={isWhole ? 'study' : 'series'}
      onChange={(value) => onWhole(value === 'study')}
    >
      <Stack gap={6} mt={4}>
        <Radio value="study" label={t('exchange.whole_study')} />
        <Radio value="series" label={t('send.these_series')} />
        {!isWhole && (
          <Checkbox.Group value={chosen} onChange={onChoose} aria-label={t('send.these_series')}>
            <Stack gap={6} ms={28} mah={200} className="scrolls">
              {series.map((one) => (
                <Checkbox
                  key={one.series_instance_uid}
                  value={one.series_instance_uid}
                  label={[
                    one.series_number,
                    one.modality,
                    one.series_description || t('study.series_unnamed'),
                    t('study.image_count', {
                      count: one.number_of_instances,
                      images: formatCount(one.number_of_instances),
                    }),
                  ]
                    .filter((part) => part !== null && part !== '')
                    .join(' · ')}
                />
              ))}
            </Stack>
          </Checkbox.Group>
        )}
      </Stack>
    </Radio.Group>
  );
}

const SHOWN = 50;

/** What has just been queued, as it goes. */
function Queued({
  queued,
  study,
  onClose,
}: {
  queued: Transmission[];
  study: StudyToSend;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const isListening = useLiveState() === 'live';
  const now = useQuery(
    transmissionsQuery(
      {
        state: [],
        destination: '',
        study_instance_uid: study.study_instance_uid,
        limit: SHOWN,
        offset: 0,
      },
      isListening,
    ),
  );
  const latest = new Map(now.data?.transmissions.map((one) => [one.id, one]));
  return (
    <Stack gap="md">
      <Text size="sm" role="status">
        {t('send.queued', { count: queued.length })}
      </Text>
      <ul className="plain-list">
        {queued.map((before) => {
          const one = latest.get(before.id) ?? before;
          return (
            <li key={one.id} data-queued={one.destination} className="queued">
              <Group justify="space-between" gap="sm">
                <span className="mono">{one.destination}</span>
                <StateBadge state={one.state} />
              </Group>
              <Progress transmission={one} />
              {one.last_error && one.state !== 'done' && <div className="trouble">{one.last_error}</div>}
            </li>
          );
        })}
      </ul>
      <Group justify="space-between">
        <Anchor component={Link} to="/exchange/queue" size="sm" onClick={onClose}>
          {t('send.to_queue')}
        </Anchor>
        <Button onClick={onClose} data-autofocus>
          {t('action.close')}
        </Button>
      </Group>
    </Stack>
  );
}
