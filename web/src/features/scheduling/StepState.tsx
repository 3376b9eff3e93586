import { useTranslation } from 'react-i18next';
import { StateBadge, type StateTone } from '../../ui/StateBadge';
import type { StepStatus } from './types';

const TONE_OF: Record<StepStatus, StateTone> = {
  SCHEDULED: 'plain',
  ARRIVED: 'care',
  READY: 'care',
  STARTED: 'work',
  COMPLETED: 'well',
  DEPARTED: 'well',
  DISCONTINUED: 'need',
  CANCELED: 'plain',
};

export function StepState({ status }: { status: StepStatus }) {
  const { t } = useTranslation();
  return <StateBadge tone={TONE_OF[status]}>{t(`worklist.status.${status}`)}</StateBadge>;
}
