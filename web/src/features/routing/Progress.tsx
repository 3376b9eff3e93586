import { useTranslation } from 'react-i18next';
import { formatCount } from '../../ui/format';
import type { Transmission } from './types';

/** How much of it the other side has acknowledged, as a bar and in numbers. */
export function Progress({ transmission }: { transmission: Transmission }) {
  const { t } = useTranslation();
  const { instances, instances_sent: sent, instances_refused: refused } = transmission;
  const share = (part: number) => `${instances ? (part / instances) * 100 : 0}%`;
  return (
    <div className="progress">
      <div className="progress-bar" aria-hidden="true">
        <span style={{ width: share(sent) }} />
        <span className="refused" style={{ width: share(refused) }} />
      </div>
      <span className="progress-words">
        {t('exchange.sent_of', { sent: formatCount(sent), all: formatCount(instances) })}
        {refused > 0 && `, ${t('exchange.refused', { refused: formatCount(refused) })}`}
      </span>
    </div>
  );
}
