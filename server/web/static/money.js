// Money stays text: no figure of it ever becomes a number, because a number of JavaScript is a float.

const SHAPE = /^-?\d+(\.\d+)?$/;

/** The separators of a locale, read off a number that is no money. */
export function separators(locale) {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true, minimumFractionDigits: 1, numberingSystem: 'latn' })
    .formatToParts(1234567.5);
  const find = (type, otherwise) => parts.find((part) => part.type === type)?.value ?? otherwise;
  return { group: find('group', ','), decimal: find('decimal', '.') };
}

/** Decimal text with its thousands grouped; what is no decimal text is marked, never shown as a wrong figure. */
export function group(text, { group: mark, decimal }) {
  if (typeof text !== 'string' || !SHAPE.test(text)) {
    return '⚠ ' + String(text);
  }
  const negative = text.startsWith('-');
  const [whole, fraction] = (negative ? text.slice(1) : text).split('.');
  let grouped = '';
  for (let end = whole.length; end > 0; end -= 3) {
    grouped = whole.slice(Math.max(end - 3, 0), end) + (grouped && mark + grouped);
  }
  const zero = /^0*$/.test(whole + (fraction ?? ''));
  return (negative && !zero ? '−' : '') + grouped + (fraction === undefined ? '' : decimal + fraction);
}

/** Is this decimal text nothing? */
export function isZero(text) {
  return typeof text === 'string' && SHAPE.test(text) && /^-?[0.]+$/.test(text);
}
