// Money stays text: no figure of it ever becomes a number, because a number of JavaScript is a float. Intl formats
// decimal text exactly; the fraction digits are those of the text, which the server writes in full for its currency.

import { locale } from './text/t.ts';

const SHAPE = /^-?\d+(\.\d+)?$/;
type Decimal = `${number}`;

export const isDecimal = (text: unknown): text is Decimal => typeof text === 'string' && SHAPE.test(text);

/** Is this decimal text nothing? */
export const isZero = (text: string): boolean => SHAPE.test(text) && /^-?[0.]+$/.test(text);

const digits = (text: string): number => text.length - 1 - (text.includes('.') ? text.indexOf('.') : text.length - 1);

const formats = new Map<string, Intl.NumberFormat>();
function format(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const id = locale() + key;
  let made = formats.get(id);
  if (!made) {
    made = new Intl.NumberFormat(locale(), { numberingSystem: 'latn', ...options });
    formats.set(id, made);
  }
  return made;
}

/** Decimal text with its currency, in the reader's way; what is no decimal text is marked, never shown as a wrong figure. */
export function money(text: string, currency: string): string {
  if (!isDecimal(text) || !/^[A-Z]{3}$/.test(currency)) return mark(text, currency);
  const n = digits(text);
  return format(`m${currency}${n}`, {
    style: 'currency', currency, currencyDisplay: 'code', minimumFractionDigits: n, maximumFractionDigits: n, signDisplay: 'negative',
  } as Intl.NumberFormatOptions).format(text);
}

/** Decimal text without a currency, as for volumes; all its digits are kept. */
export function figure(text: string): string {
  if (!isDecimal(text)) return mark(text, '');
  const n = digits(text);
  return format(`f${n}`, { minimumFractionDigits: n, maximumFractionDigits: n, signDisplay: 'negative' } as Intl.NumberFormatOptions).format(text);
}

/** A count of things; these are numbers. */
export const count = (n: number): string => format('n', { maximumFractionDigits: 0 }).format(n);

/** A country by its two letters, in the reader's words; as it came where there is no such country. */
export function region(code = ''): string {
  try {
    return (/^[A-Z]{2}$/.test(code) && new Intl.DisplayNames(locale(), { type: 'region' }).of(code)) || code;
  } catch {
    return code;
  }
}

const mark = (text: unknown, currency: string): string => `⚠ ${String(text)} ${currency}`.trim();

/** How long a bar is, 0 to 1; the only place where an amount becomes a number, and none is shown. */
export function share(part: string, of: string): number {
  const whole = Math.abs(Number(of));
  return whole > 0 && isDecimal(part) ? Math.min(Math.abs(Number(part)) / whole, 1) : 0;
}
