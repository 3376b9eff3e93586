import { useTranslation } from 'react-i18next';
import { StateBadge, type StateTone } from '../../ui/StateBadge';
import { worstRemark } from './performedFilters';
import type { PerformedStatus, Reference } from './types';

const TONE_OF: Record<PerformedStatus, StateTone> = {
  'IN PROGRESS': 'work',
  COMPLETED: 'well',
  DISCONTINUED: 'need',
};

const WORD_OF: Record<PerformedStatus, string> = {
  'IN PROGRESS': 'running',
  COMPLETED: 'completed',
  DISCONTINUED: 'discontinued',
};

export function PerformedState({ status }: { status: PerformedStatus }) {
  const { t } = useTranslation();
  return <StateBadge tone={TONE_OF[status]}>{t(`performed.status.${WORD_OF[status]}`)}</StateBadge>;
}

/** Whether what was performed is known to belong to what was scheduled. */
export function LinkState({ references }: { references: readonly Reference[] }) {
  const { t } = useTranslation();
  const remark = worstRemark(references);
  if (!remark) return null;
  return (
    <StateBadge tone={remark === 'other_patient' ? 'need' : 'care'}>
      {t(`performed.remark.${remark}`)}
    </StateBadge>
  );
}
