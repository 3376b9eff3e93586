import { useTranslation } from 'react-i18next';
import { TONE_OF } from './queueFilters';
import type { TransmissionState } from './types';

/** The state of a transmission in a word; the colour only repeats it. */
export function StateBadge({ state }: { state: TransmissionState }) {
  const { t } = useTranslation();
  return (
    <span className="state" data-tone={TONE_OF[state]} data-state={state}>
      {t(`exchange.state.${state}`)}
    </span>
  );
}
