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
  const id = style + locale();
  const format = made[id] ??= new Intl.DateTimeFormat(locale(), { timeZone: zone, numberingSystem: 'latn', ...styles[style] });
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
