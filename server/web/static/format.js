// How figures, times and states are said.

import { el } from '/dom.js';
import { group, isZero, separators } from '/money.js';

const marks = separators(navigator.language);

/** Decimal text with its currency, as one element that never breaks. */
export function money(text, currency) {
  if (text === '' || text === undefined) {
    return el('span', { class: 'muted' }, '–');
  }
  return el('bdi', { class: isZero(text) ? 'money zero' : 'money' }, group(text, marks), ' ',
    el('span', { class: 'currency' }, currency ?? ''));
}

export const figure = (text) => group(text, marks);
export const count = (n) => group(String(n), marks);
export const many = (n, one, more) => `${count(n)} ${n === 1 ? one : more}`;

let zone = 'UTC';
let short, long;

/** All times are told in the program's zone, because its days and months begin there. */
export function useZone(name) {
  if (short && zone === name) {
    return;
  }
  const make = (options) => {
    try {
      return new Intl.DateTimeFormat(undefined, { timeZone: name, ...options });
    } catch {
      return new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', ...options });
    }
  };
  zone = name;
  short = make({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  long = make({ dateStyle: 'full', timeStyle: 'long' });
}

export function time(text) {
  const at = new Date(text);
  if (!text || Number.isNaN(at.getTime())) {
    return el('span', { class: 'muted' }, '–');
  }
  useZone(zone);
  return el('time', { datetime: text, title: `${long.format(at)} (${zone})` }, short.format(at));
}

export function clock() {
  return new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date());
}

/** How long something took, between two instants of the server. */
export function delay(from, to) {
  const ms = new Date(to) - new Date(from);
  if (!(ms >= 0)) {
    return '';
  }
  if (ms < 1000) {
    return `${Math.max(ms, 1)} ms`;
  }
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${count(Math.round(ms / 60_000))} min`;
}

/** Why something waits: a name, what mends it, and the command where one does. The server's own sentence has the figures. */
const reasons = {
  unmapped_sku: ['SKU not mapped', 'Give the SKU a commission class. Its orders are then released by themselves.', 'bin/upline import skus skus.csv --commit'],
  unknown_distributor: ['Distributor unknown', 'Add the distributor, or the code to the right one.', 'bin/upline import distributors people.csv --commit'],
  no_plan: ['No plan for its date', 'Publish a plan that holds from before the order.', 'bin/upline plan publish plan.yaml'],
  unknown_rank: ['Rank not in the plan', 'Correct the rank, or publish a plan that knows it.', 'bin/upline import distributors people.csv --commit'],
  missing_wholesale: ['Wholesale price missing', 'Publish a plan that names it for this class.', 'bin/upline plan publish plan.yaml'],
  missing_rate: ['Exchange rate missing', 'Add the rate of the order’s day, or a plan in its currency.'],
  inconsistent_totals: ['Totals do not add up', 'Check the order in the shop; its next change is read afresh.'],
  invalid_order: ['Impossible figures', 'Check the order in the shop; its next change is read afresh.'],
  currency_mismatch: ['Another currency than the store', 'Correct the store’s currency, or the order in the shop.'],
  order_missing: ['Order not seen yet', 'A refund or a change came before its order. It waits for the order.'],
  order_stale: ['A newer version is announced', 'It waits for the order as it now is.'],
  order_conflict: ['Two versions disagree', 'Save the order in the shop once more, so that it is sent again.'],
  malformed: ['Cannot be read', 'The body is kept. Its sender has to send it in the right form.'],
  failed: ['Failed again and again', 'See the log, then replay the delivery.'],
};

export function reason(code) {
  const [title, mend, command] = reasons[code] ?? [code || 'Waiting', ''];
  return { title, mend, command };
}

export const platforms = { shopify: 'Shopify', woocommerce: 'WooCommerce', magento: 'Magento', custom: 'API' };
export const chip = (tone, text) => el('span', { class: `chip ${tone}` }, text);
