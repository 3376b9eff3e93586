/** Dates, ages, sizes and counts in the reader's own locale. Dates are calendar days: no time zone moves them. */

function partsOf(date: string): [number, number, number] | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : null;
}

/** A calendar day (YYYY-MM-DD) in the locale's short form; text that is no date comes back as it is. */
export function formatDay(date: string | null | undefined, locale?: string): string {
  if (!date) return '';
  const parts = partsOf(date);
  if (!parts) return date;
  const day = new Date(Date.UTC(parts[0], parts[1] - 1, parts[2]));
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    timeZone: 'UTC',
  }).format(day);
}

/** HH:MM of a wall clock time (HH:MM:SS). */
export function formatClock(time: string | null | undefined): string {
  return time ? time.slice(0, 5) : '';
}

/** An instant (ISO 8601) in the reader's zone and locale. */
export function formatInstant(instant: string | null | undefined, locale?: string): string {
  const at = Date.parse(instant ?? '');
  if (Number.isNaN(at)) return '';
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

/** Nobody grew older yet; beyond it, a birth date is a placeholder such as 1111-11-11. */
const OLDEST_YEARS = 125;

/** Whole years between two calendar days; null where one is missing or the two make no age. */
export function ageInYears(birth: string | null | undefined, on: string | null | undefined): number | null {
  const born = partsOf(birth ?? '');
  const day = partsOf(on ?? '');
  if (!born || !day) return null;
  const hadBirthday = day[1] > born[1] || (day[1] === born[1] && day[2] >= born[2]);
  const years = day[0] - born[0] - (hadBirthday ? 0 : 1);
  return years >= 0 && years <= OLDEST_YEARS ? years : null;
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function formatBytes(bytes: number, locale?: string): string {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: UNITS[step],
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

export function formatCount(count: number, locale?: string): string {
  return new Intl.NumberFormat(locale).format(count);
}

/** Minutes and seconds: 1:05. */
export function formatCountdown(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** Today in the reader's zone as YYYY-MM-DD, `daysBack` days ago. */
export function dayBefore(daysBack: number, today = new Date()): string {
  const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() - daysBack);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** The day `days` after a calendar day (before it, if negative). */
export function dayAfter(date: string, days: number): string {
  const parts = partsOf(date);
  if (!parts) return date;
  const day = new Date(Date.UTC(parts[0], parts[1] - 1, parts[2] + days));
  return day.toISOString().slice(0, 10);
}

/** The reader's own locale where it is of the chosen language (en-GB for en), else the language itself. */
export function localeOf(language: string, own: readonly string[] = navigator.languages): string {
  return own.find((locale) => locale === language || locale.startsWith(`${language}-`)) ?? language;
}

/** A calendar day with its weekday, as a day's list is headed: Tue, 24 Nov 2026. */
export function formatDayInWords(date: string, locale?: string): string {
  const parts = partsOf(date);
  if (!parts) return date;
  const day = new Date(Date.UTC(parts[0], parts[1] - 1, parts[2]));
  return new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(day);
}
