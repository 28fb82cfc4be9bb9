// What is said, in the reader's language. English is built in; the others come when they are needed. A catalogue's value
// is a sentence with {places}, or one sentence per plural form of {n}.

import type { ComponentChildren } from 'preact';
import en from './en.json' with { type: 'json' };

export type Key = keyof typeof en;
type Sentence = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogue = Record<string, Sentence>;
export type Args = Record<string, string | number>;

export const languages: Record<string, string> = {
  en: 'English', de: 'Deutsch', es: 'Español', pt: 'Português', ja: '日本語', ar: 'العربية',
};
const others: Record<string, () => Promise<{ default: unknown }>> = {
  de: () => import('./de.json', { with: { type: 'json' } }), es: () => import('./es.json', { with: { type: 'json' } }), pt: () => import('./pt.json', { with: { type: 'json' } }),
  ja: () => import('./ja.json', { with: { type: 'json' } }), ar: () => import('./ar.json', { with: { type: 'json' } }),
};

let tag = 'en';
let words: Catalogue = en as Catalogue;
let rules = new Intl.PluralRules('en');

/** The BCP 47 tag in which figures and times are written. */
export const locale = (): string => tag;
export const rightToLeft = (language: string): boolean => language.split('-')[0] === 'ar';

/** Takes the first of the wanted tags whose language we have; English otherwise. */
export async function useLanguage(wanted: readonly string[]): Promise<void> {
  const found = wanted.find((w) => (w.split('-')[0] ?? '') in languages) ?? 'en';
  const language = found.split('-')[0] ?? 'en';
  const load = others[language];
  words = (load ? (await load()).default : en) as Catalogue;
  try {
    rules = new Intl.PluralRules(found);
    tag = found;
  } catch {
    rules = new Intl.PluralRules(language);
    tag = language;
  }
}

function sentence(key: Key, args?: Args): string {
  const value = words[key] ?? (en as Catalogue)[key];
  if (value === undefined) return key;
  if (typeof value === 'string') return value;
  const n = Number(args?.n ?? 0);
  return (n === 0 ? value.zero : undefined) ?? value[rules.select(n)] ?? value.other ?? key;
}

/** A sentence with its places filled. Counts are written in the reader's way. */
export function t(key: Key, args?: Args): string {
  const text = sentence(key, args);
  return args ? text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = args[name];
    return value === undefined ? whole : typeof value === 'number' ? value.toLocaleString(tag, { numberingSystem: 'latn' }) : value;
  }) : text;
}

/** The same with elements in its places. */
export function tx(key: Key, args: Record<string, ComponentChildren>, n?: number): ComponentChildren[] {
  return sentence(key, n === undefined ? undefined : { n }).split(/(\{\w+\})/).map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name && name in args ? args[name] : part;
  });
}

/** A word of the API in the reader's language; a word this version does not know is shown as it came. */
export function word(group: string, value: string): string {
  const key = `${group}.${value}`;
  return key in en ? t(key as Key) : value.replace(/[_-]/g, ' ');
}
