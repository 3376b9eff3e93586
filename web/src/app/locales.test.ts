import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import de from './locales/de.json';
import en from './locales/en.json';

const SOURCE = join(import.meta.dirname, '..');

function keysOf(words: object, prefix = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'object' ? keysOf(value, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

function textOf(words: object): Map<string, string> {
  const value = (key: string) =>
    key.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], words);
  return new Map(keysOf(words).map((key) => [key, String(value(key))]));
}

function sources(): string[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('.test.'))
    .map((path) => readFileSync(join(SOURCE, path), 'utf8'));
}

/** Without the plural's ending, as the source names it. */
const bare = (key: string) => key.replace(/_(one|other)$/, '');

it('German says everything that English says', () => {
  expect(keysOf(de)).toEqual(keysOf(en));
});

it('a translation fills in the same values', () => {
  const german = textOf(de);
  const values = (text: string | undefined) => (text?.match(/\{\{\w+\}\}/g) ?? []).sort();
  for (const [key, text] of textOf(en)) expect(values(german.get(key)), key).toEqual(values(text));
});

it('every key in the source has words', () => {
  const known = new Set(keysOf(en).map(bare));
  const used = sources().flatMap((text) =>
    [...text.matchAll(/\bt\(\s*'([a-z_.A-Z]+)'/g)].map((found) => found[1] ?? ''),
  );
  expect(used.length).toBeGreaterThan(80);
  expect(used.filter((key) => !known.has(key))).toEqual([]);
});

it('no words are left over', () => {
  const all = sources().join('\n');
  const families = [...all.matchAll(/`([a-z_.]+)\$\{/g)].map((found) => found[1] ?? '');
  const unused = keysOf(en)
    .map(bare)
    .filter((key) => !all.includes(`'${key}'`) && !families.some((family) => key.startsWith(family)));
  expect(unused).toEqual([]);
});
