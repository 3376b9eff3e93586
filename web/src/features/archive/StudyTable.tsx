import { Skeleton, Tooltip, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconPhoto, IconSend } from '@tabler/icons-react';
import { type MouseEvent, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { Study } from '../../api/types';
import { PersonName } from '../../ui/PersonName';
import { useSendStudy } from '../../ui/sendStudy';
import type { StudyColumn } from './studyColumns';
import { studyColumns } from './studyColumns';
import { nextOrder } from './studyFilters';
import { VIEWER_WINDOW, viewerAddress } from './viewer';

interface Props {
  /** undefined while the first answer is on its way */
  studies: Study[] | undefined;
  orderBy: string;
  onOrder: (order: string) => void;
  /** Studies that grew or came in a moment ago. */
  fresh: ReadonlySet<string>;
}

const SKELETON_ROWS = 14;

/**
 * The studies as a plain table. The row's link holds the focus: arrow keys move it, Enter follows it, and a
 * screen reader needs to learn nothing new.
 */
export function StudyTable({ studies, orderBy, onOrder, fresh }: Props) {
  const { t } = useTranslation();
  const columns = useMemo(() => studyColumns(t), [t]);
  const first: StudyColumn = {
    id: 'patient_name',
    label: t('study.patient'),
    order: 'patient_name',
    cell: () => null,
  };
  return (
    <table className="studies" aria-busy={!studies}>
      <caption className="visually-hidden">{t('studies.title')}</caption>
      <thead>
        <tr>
          {[first, ...columns].map((column) => (
            <ColumnHead key={column.id} column={column} orderBy={orderBy} onOrder={onOrder} />
          ))}
          <th className="col-open">
            <span className="visually-hidden">{t('study.open_viewer')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {studies?.map((study) => (
          <StudyRow
            key={study.study_instance_uid}
            study={study}
            columns={columns}
            isFresh={fresh.has(study.study_instance_uid)}
          />
        ))}
        {!studies && <SkeletonRows columns={columns} />}
      </tbody>
    </table>
  );
}

function ColumnHead({
  column,
  orderBy,
  onOrder,
}: { column: StudyColumn } & Pick<Props, 'orderBy' | 'onOrder'>) {
  const { order, label } = column;
  const className = `col-${column.id}`;
  if (!order) {
    return (
      <th scope="col" className={className} data-from={column.from} data-numeric={column.numeric}>
        {label}
      </th>
    );
  }
  const direction = orderBy === order ? 'ascending' : orderBy === `-${order}` ? 'descending' : undefined;
  const Arrow = direction === 'ascending' ? IconArrowUp : IconArrowDown;
  return (
    <th scope="col" className={className} data-from={column.from} aria-sort={direction}>
      <UnstyledButton
        className="sort"
        onClick={() => onOrder(nextOrder(orderBy, order, column.descendingFirst ?? false))}
      >
        {label}
        {direction && <Arrow size={13} aria-hidden />}
      </UnstyledButton>
    </th>
  );
}

interface RowProps {
  study: Study;
  columns: StudyColumn[];
  isFresh: boolean;
}

function StudyRow({ study, columns, isFresh }: RowProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const sendStudy = useSendStudy();
  const address = `/studies/${study.study_instance_uid}`;
  const open = (event: MouseEvent<HTMLElement>) => {
    // The row is a larger target for its own link; real links and marked text keep their own meaning.
    const onLink = (event.target as HTMLElement).closest('a, button');
    if (onLink || window.getSelection()?.toString()) return;
    navigate(address);
  };
  return (
    // The keyboard has the link in the first cell.
    <tr onClick={open} data-fresh={isFresh} data-study={study.study_instance_uid}>
      <th scope="row" className="col-patient_name">
        <Link to={address} className="row-link">
          <PersonName name={study.patient_name} none={t('study.no_name')} />
        </Link>
      </th>
      {columns.map((column) => (
        <td
          key={column.id}
          className={`col-${column.id}`}
          data-from={column.from}
          data-numeric={column.numeric}
          data-label={column.label}
        >
          {column.cell(study)}
        </td>
      ))}
      <td className="col-open">
        {sendStudy && (
          <Tooltip label={t('send.open_study')} openDelay={400}>
            <UnstyledButton
              className="open-viewer send-study"
              onClick={() => sendStudy(study)}
              aria-label={t('send.open_study')}
            >
              <IconSend size={17} stroke={1.7} aria-hidden />
            </UnstyledButton>
          </Tooltip>
        )}
        <Tooltip label={t('study.open_viewer')} openDelay={400}>
          <a
            className="open-viewer"
            href={viewerAddress(study.study_instance_uid)}
            target={VIEWER_WINDOW}
            aria-label={t('study.open_viewer')}
          >
            <IconPhoto size={17} stroke={1.7} aria-hidden />
          </a>
        </Tooltip>
      </td>
    </tr>
  );
}

function SkeletonRows({ columns }: { columns: StudyColumn[] }) {
  return Array.from({ length: SKELETON_ROWS }, (_, row) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move.
    <tr key={row} data-skeleton>
      <td className="col-patient_name">
        <Skeleton h={12} w={`${55 + ((row * 17) % 40)}%`} />
      </td>
      {columns.map((column) => (
        <td key={column.id} className={`col-${column.id}`} data-from={column.from}>
          <Skeleton h={12} w={`${50 + ((row * 29 + column.id.length * 11) % 45)}%`} />
        </td>
      ))}
      <td className="col-open" />
    </tr>
  ));
}
