import { expect, it } from 'vitest';
import { conditionWords, deliveryWords, draftOf, moved, NEW_RULE, windowWords } from './ruleWords';

const t = (key: string, values?: Record<string, unknown>) =>
  values ? `${key}(${Object.values(values).join()})` : key;

const at = (id: string, position: number) => ({ id, position });

it.each([
  ['to the end of two', [at('a', 10), at('b', 20)], 'a', 1, { b: 10, a: 20 }],
  ['among equals', [at('a', 100), at('b', 100), at('c', 100)], 'c', -1, { a: 10, c: 20, b: 30 }],
  ['not beyond the top', [at('a', 10), at('b', 20)], 'a', -1, {}],
  ['not beyond the end', [at('a', 10), at('b', 20)], 'b', 1, {}],
] as const)('a rule is moved %s', (_name, rules, id, by, positions) => {
  const changed = moved([...rules], id, by);
  expect(Object.fromEntries(changed.map((rule) => [rule.id, rule.position]))).toEqual(positions);
});

it('a rule without conditions is about everything', () => {
  expect(conditionWords(NEW_RULE, t)).toBe('rule.everything');
});

it('values of one condition are alternatives, conditions are not', () => {
  const rule = { ...NEW_RULE, modalities: ['CT', 'MR'], station_names: ['ROOM*'] };
  expect(conditionWords(rule, t)).toBe(
    'rule.condition.modalities CT rule.or MR; rule.condition.station_names ROOM*',
  );
});

it('only what is out of the ordinary is said of a delivery', () => {
  expect(deliveryWords(NEW_RULE, t)).toBe('rule.scope_words.study · rule.after_quiet(60)');
  const rule = { ...NEW_RULE, priority: 'low' as const, quiet_seconds: 0, project: 'TRIAL' };
  expect(deliveryWords(rule, t)).toBe(
    'rule.scope_words.study · rule.at_once · exchange.priority.low · exchange.for_project(TRIAL)',
  );
});

it('a window of every day names no days', () => {
  const window = { begins_at: '20:00', ends_at: '06:00', weekdays: ['monday', 'friday'] as const };
  expect(windowWords({ ...window, weekdays: [...window.weekdays] }, t)).toBe(
    '20:00–06:00, rule.day.monday rule.day.friday',
  );
});

it('a draft holds nothing that the server adds', () => {
  const kept = { ...NEW_RULE, id: '1', created_at: 'x', updated_at: 'y' };
  expect(draftOf(kept)).toEqual(NEW_RULE);
});
