import { expect, it } from 'vitest';
import {
  ageInYears,
  dayAfter,
  dayBefore,
  formatBytes,
  formatClock,
  formatCountdown,
  formatDay,
  formatDayInWords,
  localeOf,
} from './format';

it.each([
  ['2026-11-24', 'en-GB', '24/11/2026'],
  ['2026-11-24', 'de-DE', '24.11.2026'],
  ['2026-11-24', 'en-US', '11/24/2026'],
  ['in spring', 'en-US', 'in spring'],
  [null, 'en-US', ''],
])('the day %j in %s is %s, whatever the time zone', (day, locale, shown) => {
  expect(formatDay(day, locale)).toBe(shown);
});

it.each([
  ['2000-02-29', '2026-02-28', 25],
  ['2000-02-29', '2026-03-01', 26],
  ['2026-01-01', '2026-06-01', 0],
  ['2026-06-01', '2026-01-01', null],
  ['1111-11-11', '2005-11-30', null],
  [null, '2026-01-01', null],
  ['2000-01-01', null, null],
])('somebody born %j is on %j %j years old', (birth, on, age) => {
  expect(ageInYears(birth, on)).toBe(age);
});

it.each([
  [0, '0 byte'],
  [999, '999 byte'],
  [1_000, '1 kB'],
  [526_336, '526 kB'],
  [2_100_000, '2.1 MB'],
  [42_000_000_000, '42 GB'],
  [7_300_000_000_000_000, '7,300 TB'],
])('%d bytes are shown as %s', (bytes, shown) => {
  expect(formatBytes(bytes, 'en-US')).toBe(shown);
});

it('a clock time leaves out the seconds', () => {
  expect(formatClock('09:05:59')).toBe('09:05');
});

it('a countdown has two digits of seconds', () => {
  expect([5, 65, 600].map(formatCountdown)).toEqual(['0:05', '1:05', '10:00']);
});

it('days before cross the ends of months and years', () => {
  expect(dayBefore(1, new Date(2026, 0, 1))).toBe('2025-12-31');
  expect(dayBefore(29, new Date(2026, 2, 1, 23, 59))).toBe('2026-01-31');
});

it('days after cross the ends of months, years and summer time', () => {
  expect(dayAfter('2026-12-31', 1)).toBe('2027-01-01');
  expect(dayAfter('2026-03-29', 1)).toBe('2026-03-30');
  expect(dayAfter('2026-03-01', -1)).toBe('2026-02-28');
  expect(dayAfter('someday', 1)).toBe('someday');
});

it('a day in words has its weekday', () => {
  expect(formatDayInWords('2026-11-24', 'en-GB')).toBe('Tue, 24 Nov 2026');
  expect(formatDayInWords('2026-11-24', 'de-DE')).toBe('Di., 24. Nov. 2026');
});

it.each([
  ['en', ['de-DE', 'en-GB', 'en-US'], 'en-GB'],
  ['de', ['en-GB'], 'de'],
  ['en', ['en', 'en-US'], 'en'],
])('for %j a reader of %j gets %j', (language, own, locale) => {
  expect(localeOf(language, own)).toBe(locale);
});
