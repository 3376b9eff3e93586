import { Modal, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ProblemNotice } from '../../api/ProblemNotice';
import { formatCount } from '../../ui/format';
import { failuresQuery } from './queries';
import type { Row } from './types';

/** Which instances of a request are not committed, and why. */
export function FailuresDialog({ row, onClose }: { row: Row | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={row !== null}
      onClose={onClose}
      size={720}
      title={row && t('commitment.failures_of', { node: row.node })}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {row && <Failures id={row.id} />}
    </Modal>
  );
}

function Failures({ id }: { id: string }) {
  const { t } = useTranslation();
  const list = useQuery(failuresQuery(id));
  if (list.isPending) return <Skeleton h={120} radius="md" />;
  if (list.isError) return <ProblemNotice title={t('commitment.failed')} error={list.error} />;
  const left = list.data.total - list.data.items.length;
  return (
    <>
      <ul className="plain-list setting-rows">
        {list.data.items.map((failure) => (
          <li key={failure.sop_instance_uid}>
            <span className="mono uid">{failure.sop_instance_uid}</span>
            <Text size="sm" ta="end">
              {failure.explanation}
            </Text>
          </li>
        ))}
      </ul>
      {left > 0 && (
        <Text size="sm" c="dimmed" mt="sm">
          {t('exchange.and_more', { more: formatCount(left) })}
        </Text>
      )}
    </>
  );
}
