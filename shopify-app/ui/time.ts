// Times come in UTC and are told in the program's time zone, because its days and months begin there.

import { locale } from './text/t.ts';

let zone = 'UTC';
let made: Record<string, Intl.DateTimeFormat> = {};

/** The program's zone; one this browser does not know is told as UTC. */
export function useZone(name: string): void {
  if (name === zone) return;
  made = {};
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    zone = name;
  } catch {
    zone = 'UTC';
  }
}
export const zoneName = (): string => zone;

const parts: Intl.DateTimeFormatOptions = { hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' };

/** How far the program's clocks are ahead of UTC at an instant, in milliseconds. */
function ahead(at: number): number {
  const told = Object.fromEntries(new Intl.DateTimeFormat('en-US', { ...parts, timeZone: zone }).formatToParts(at).map((p) => [p.type, Number(p.value)]));
  return Date.UTC(told.year ?? 0, (told.month ?? 1) - 1, told.day, told.hour, told.minute, told.second) - Math.floor(at / 1000) * 1000;
}

/** When a day such as 2026-11-01 begins in the program's zone, or so many days after it; '' for what is no day. */
export function dayBegins(day: string, later = 0): string {
  const utc = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) + later * 86_400_000 : NaN;
  return Number.isNaN(utc) ? '' : new Date(utc - ahead(utc - ahead(utc))).toISOString();
}

/** The day that it is by the program's clocks, such as 2026-11-01. */
export function today(): string {
  return dayOf(Date.now());
}

/** The day of an instant by the company's clocks, as a date field has it. */
export function dayOf(at: string | number): string {
  const ms = new Date(at).getTime();
  return new Date(ms + ahead(ms)).toISOString().slice(0, 10);
}

const styles: Record<string, Intl.DateTimeFormatOptions> = {
  short: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
  day: { year: 'numeric', month: 'short', day: 'numeric' },
  precise: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
  long: { dateStyle: 'full', timeStyle: 'long' },
};

/** An instant in words; '' where there is none. */
export function when(text: string | undefined, style: 'short' | 'day' | 'precise' | 'long' = 'short'): string {
  const at = new Date(text ?? '');
  if (!text || Number.isNaN(at.getTime())) return '';
  const year: Intl.DateTimeFormatOptions = at.getUTCFullYear() === new Date().getUTCFullYear() ? {} : { year: 'numeric' }; // of another year nobody thinks by themselves
  const id = style + locale() + Object.keys(year).join('');
  const format = made[id] ??= new Intl.DateTimeFormat(locale(), { timeZone: zone, numberingSystem: 'latn', ...styles[style], ...(style === 'long' ? {} : year) });
  return format.format(at);
}

/** How long from one instant to another, in the shortest unit that says it. */
export function span(from: string, to: string): string {
  const ms = new Date(to).getTime() - new Date(from).getTime();
  return ms >= 0 ? duration(ms) : '';
}

export function duration(ms: number): string {
  const say = (value: number, unit: string): string => new Intl.NumberFormat(locale(), {
    style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 0, numberingSystem: 'latn',
  }).format(Math.floor(value));
  if (ms < 1000) return say(Math.max(ms, 1), 'millisecond');
  if (ms < 120_000) return say(ms / 1000, 'second');
  if (ms < 7_200_000) return say(ms / 60_000, 'minute');
  return ms < 172_800_000 ? say(ms / 3_600_000, 'hour') : say(ms / 86_400_000, 'day');
}

let relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
let agoIn = 'en';

/** How long ago. */
export function ago(text: string, now = Date.now()): string {
  const ms = Math.max(now - new Date(text).getTime(), 0);
  if (agoIn !== locale()) [relative, agoIn] = [new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' }), locale()];
  if (ms < 60_000) return relative.format(-Math.round(ms / 1000), 'second');
  if (ms < 3_600_000) return relative.format(-Math.round(ms / 60_000), 'minute');
  return ms < 86_400_000 ? relative.format(-Math.round(ms / 3_600_000), 'hour') : relative.format(-Math.round(ms / 86_400_000), 'day');
}
