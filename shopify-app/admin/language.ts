// Which language: what somebody chose here, else what the Shopify admin or the browser speaks.

import { locale, rightToLeft, useLanguage } from '#text';

const PLACE = 'upline.language';

function chosen(): string {
  try {
    return localStorage.getItem(PLACE) ?? '';
  } catch {
    return '';
  }
}

let redraw = (): void => undefined;
export const onLanguage = (then: () => void): void => { redraw = then; };

async function speak(wanted: string[]): Promise<void> {
  await useLanguage(wanted);
  document.documentElement.lang = locale();
  document.documentElement.dir = rightToLeft(locale()) ? 'rtl' : 'ltr';
}

export const startLanguage = (): Promise<void> => speak([chosen(), new URLSearchParams(location.search).get('locale') ?? '', ...navigator.languages].filter(Boolean));

/** Changes the language at once; false where the browser refuses to keep it. */
export function chooseLanguage(language: string): boolean {
  void speak([language, ...navigator.languages.filter((l) => l.startsWith(language))]).then(() => redraw());
  try {
    localStorage.setItem(PLACE, language);
    return true;
  } catch {
    return false;
  }
}
