/** Rules as sentences, as drafts of a form, and in their order. Pure. */
import { type NewPrefetchRule, type NewRule, PATTERN_CONDITIONS, type TimeWindow, WEEKDAYS } from './types';

type Translate = (key: string, values?: Record<string, unknown>) => string;

export const ALL_DAY: TimeWindow = { begins_at: '00:00', ends_at: '00:00', weekdays: [...WEEKDAYS] };

export const NEW_RULE: NewRule = {
  name: '',
  destinations: [],
  is_active: true,
  position: 100,
  calling_ae_titles: [],
  modalities: [],
  station_names: [],
  study_descriptions: [],
  series_descriptions: [],
  referring_physician_names: [],
  body_parts_examined: [],
  received_within: null,
  scope: 'study',
  quiet_seconds: 60,
  send_within: null,
  priority: 'normal',
  request_commitment: false,
  project: '',
};

export const NEW_PREFETCH_RULE: NewPrefetchRule = {
  name: '',
  archives: [],
  is_active: true,
  position: 100,
  modalities: [],
  procedures: [],
  priors_max: 3,
  years_max: 5,
  same_modality_only: false,
  same_body_part_only: true,
};

/** What may be changed of something kept: all but what the server adds. */
export function draftOf<Draft extends object>(kept: Draft & { id: string }): Draft {
  const { id, created_at, updated_at, ...draft } = kept as Draft & Record<string, unknown> & { id: string };
  return draft as unknown as Draft;
}

/** "20:00–06:00, Mon, Tue" */
export function windowWords(window: TimeWindow, t: Translate): string {
  const isAllDay = window.begins_at === window.ends_at;
  const hours = isAllDay ? t('rule.all_day') : `${window.begins_at}–${window.ends_at}`;
  if (window.weekdays.length === WEEKDAYS.length) return hours;
  return `${hours}, ${window.weekdays.map((day) => t(`rule.day.${day}`)).join(' ')}`;
}

/** Which series a rule is about, in words. */
export function conditionWords(rule: NewRule, t: Translate): string {
  const words = PATTERN_CONDITIONS.filter((name) => rule[name].length > 0).map(
    (name) => `${t(`rule.condition.${name}`)} ${rule[name].join(` ${t('rule.or')} `)}`,
  );
  if (rule.received_within) {
    words.push(`${t('rule.condition.received_within')} ${windowWords(rule.received_within, t)}`);
  }
  return words.length > 0 ? words.join('; ') : t('rule.everything');
}

/** What happens to them, in words. */
export function deliveryWords(rule: NewRule, t: Translate): string {
  const words = [
    t(`rule.scope_words.${rule.scope}`),
    rule.quiet_seconds > 0 ? t('rule.after_quiet', { seconds: rule.quiet_seconds }) : t('rule.at_once'),
  ];
  if (rule.send_within) words.push(t('rule.sent_within', { hours: windowWords(rule.send_within, t) }));
  if (rule.priority !== 'normal') words.push(t(`exchange.priority.${rule.priority}`));
  if (rule.project) words.push(t('exchange.for_project', { project: rule.project }));
  if (rule.request_commitment) words.push(t('exchange.asks_commitment'));
  return words.join(' · ');
}

/** What a prefetch rule fetches, in words. */
export function prefetchWords(rule: NewPrefetchRule, t: Translate): string {
  const words = [
    rule.modalities.length > 0
      ? t('prior.for_modalities', { modalities: rule.modalities.join(', ') })
      : t('prior.for_all'),
    rule.procedures.length > 0 && t('prior.for_procedures', { procedures: rule.procedures.join(', ') }),
    t('prior.fetches', { count: rule.priors_max, years: rule.years_max }),
    rule.same_body_part_only && t('prior.same_body_part'),
    rule.same_modality_only && t('prior.same_modality'),
  ];
  return words.filter(Boolean).join(' · ');
}

const STEP = 10;

/** Positions after one is moved up (-1) or down (1); only what changes. */
export function moved<R extends { id: string; position: number }>(rules: R[], id: string, by: -1 | 1): R[] {
  const from = rules.findIndex((rule) => rule.id === id);
  const to = from + by;
  const [one, other] = [rules[from], rules[to]];
  if (!one || !other) return [];
  const order = [...rules];
  order[from] = other;
  order[to] = one;
  return order
    .map((rule, index) => ({ ...rule, position: (index + 1) * STEP }))
    .filter((rule) => rules.find((before) => before.id === rule.id)?.position !== rule.position);
}
