import { IconEqual, IconEqualNot } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AttributeConflict } from '../../api/types';

/** What the archive holds and what came in, attribute by attribute. */
export function ConflictTable({ conflicts }: { conflicts: AttributeConflict[] }) {
  const { t } = useTranslation();
  return (
    <div className="conflicts-area">
      <table className="conflicts">
        <caption className="visually-hidden">{t('quarantine.comparison')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('quarantine.attribute')}</th>
            <th scope="col">{t('quarantine.held')}</th>
            <td />
            <th scope="col">{t('quarantine.received')}</th>
          </tr>
        </thead>
        <tbody>
          {conflicts.map((conflict) => (
            <ConflictRow key={conflict.attribute} conflict={conflict} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ConflictRow({ conflict }: { conflict: AttributeConflict }) {
  const { t } = useTranslation();
  const { attribute, held, received } = conflict;
  const differs = held !== received;
  const Sign = differs ? IconEqualNot : IconEqual;
  return (
    <tr data-differs={differs}>
      <th scope="row">{attribute}</th>
      <td dir="auto" data-label={t('quarantine.held')}>
        {held || <em>{t('quarantine.empty')}</em>}
      </td>
      <td className="sign" aria-hidden="true">
        <Sign size={16} />
      </td>
      <td dir="auto" data-label={t('quarantine.received')}>
        {received || <em>{t('quarantine.empty')}</em>}
      </td>
    </tr>
  );
}
