// One order: why it paid what it paid.

import { chip, figure, many, money, reason, time } from '/format.js';
import { command, el, toast } from '/dom.js';
import { isZero } from '/money.js';

export function orderSheet(e) {
  const [newest, ...earlier] = e.calculations;
  return [
    head(e.order),
    e.order.settlement === 'parked' && parked(e.order),
    newest ? calculation(newest, e.names) : nothingYet(e.order),
    postings(e),
    earlier.length > 0 && el('details', { class: 'more' },
      el('summary', {}, many(earlier.length, 'earlier calculation', 'earlier calculations')),
      earlier.map((calc) => el('div', { class: 'earlier' },
        el('h3', {}, `Calculation ${calc.revision}, `, time(calc.at)), calculation(calc, e.names)))),
    newest && provenance(newest, e),
  ].filter(Boolean);
}

function head(o) {
  return el('div', { class: 'facts' },
    fact(o.waiting ? 'Net that waits' : 'Net', net(o), 'big'),
    fact('Commissions', money(o.earned, o.currency), 'big'),
    fact('Placed', time(o.order_ts)),
    fact('State', o.settlement === 'parked' ? chip('wait', 'Waiting') : chip('ok', 'Settled'), ' ', el('span', { class: 'muted' }, words(o.status))),
    fact('Store', o.store_id),
    o.settled_at && fact('Settled', time(o.settled_at)));
}

/** What an order pays on; for one that waits, what it would pay on, or a dash where nobody can tell. */
export function net(o) {
  return o.settlement === 'parked' ? money(o.waiting, o.waiting_currency) : money(o.net, o.currency);
}

function fact(name, ...value) {
  const big = value.at(-1) === 'big' ? value.pop() : '';
  return el('div', { class: `fact ${big}` }, el('span', { class: 'label' }, name), el('span', { class: 'value' }, value));
}

const words = (text) => (text ?? '').replaceAll('_', ' ');

function parked(o) {
  const { title, mend, command: text } = reason(o.reason_code);
  return el('div', { class: 'banner wait' }, el('strong', {}, title), el('p', {}, o.reason),
    mend && el('p', {}, mend), text && command(text));
}

function nothingYet(o) {
  const text = o.settlement === 'parked'
    ? 'Nothing is posted while it waits. It is settled by itself once the cause is mended.'
    : 'Nothing was ever posted for this order.';
  return el('p', { class: 'empty' }, text);
}

function calculation(calc, names) {
  const l = calc.ladder;
  if (!l) {
    return el('div', { class: 'banner critical' }, el('strong', {}, 'This calculation does not follow from its snapshot'), el('p', {}, calc.fault));
  }
  return el('div', { class: 'calculation' }, seller(l, names), l.lines.map((line) => lineCard(line, l, names)), totals(l, names));
}

const evidence = {
  manual: 'a manual override', code: 'the distributor code', cart: 'the reference in the cart',
  landing: 'the page the visit began with', customer: 'the customer’s earlier orders',
};

function seller(l, names) {
  const text = l.seller_id
    ? ['Sold by ', who(l.seller_id, names), `, on the evidence of ${evidence[l.evidence] ?? l.evidence} “`, el('bdi', {}, l.evidence_value), '”.']
    : ['Nobody’s sale: the order belongs to the company.'];
  return el('div', { class: 'seller' },
    el('p', {}, text),
    !l.counts && el('p', { class: 'banner' }, `It earns nothing: ${l.why}.`),
    l.lost.map((lost) => el('p', { class: 'muted' }, `Not decisive: ${evidence[lost.kind] ?? lost.kind} “${lost.value}”, ${lost.why}.`)),
    l.buyer_distributor_id && el('p', {}, 'Bought by distributor ', who(l.buyer_distributor_id, names), '.'));
}

function who(id, names) {
  const name = names[id];
  return el('span', { class: 'who' }, el('bdi', {}, name ?? id), name && el('span', { class: 'muted' }, ' ', el('bdi', {}, id)));
}

function lineCard(line, l, names) {
  return el('section', { class: 'line' },
    el('h3', {}, el('bdi', {}, line.platform_sku || `Line ${line.line_id}`),
      line.commission_class && el('span', { class: 'muted' }, ` class ${line.commission_class}`)),
    waterfall(line, l.currency),
    line.components.map((c) => component(c, line, l, names)));
}

function waterfall(line, currency) {
  const row = (name, amount, kind) => el('div', { class: `fall ${kind ?? ''}` }, el('dt', {}, name), el('dd', {}, amount));
  return el('dl', { class: 'waterfall' },
    row('Price', money(line.gross, currency)),
    line.deductions.map((d) => row(d.name, [minus(d.amount), money(d.amount.replace('-', ''), currency)])),
    line.excluded ? row('Earns nothing', line.excluded, 'sum') : row(`Net, ${many(line.quantity_left, 'unit', 'units')} left`, money(line.net, currency), 'sum'),
    !isZero(line.cv) && row('Volume', [figure(line.cv), ' CV']));
}

const minus = (text) => (text.startsWith('-') ? '+ ' : '− ');

function component(c, line, l, names) {
  const base = c.base === 'cv' ? [figure(c.base_amount), ' CV'] : [money(c.base_amount, l.currency)];
  return el('div', { class: 'component' },
    el('h4', {}, el('bdi', {}, words(c.component_id)), el('span', { class: 'muted' }, ' on ', baseName(c.base), ' ', base)),
    el('ol', { class: 'ladder' }, c.rungs.map((rung) => rungItems(rung, c, l, names))));
}

const baseName = (base) => ({ net: 'net', cv: 'volume', profit: 'retail profit' }[base] ?? base.replace('component:', ''));

function rungItems(rung, c, l, names) {
  const place = rung.level > 0 ? `Level ${rung.level}` : 'Seller';
  const passed = rung.skipped.map((skip) => el('li', { class: 'rung passed' },
    el('span', { class: 'step' }, place), el('span', { class: 'person' }, who(skip.distributor_id, names)),
    el('span', { class: 'sum' }, 'Passed over: ', skip.reason), el('span', { class: 'paid' }, '–')));
  return [...passed, rung.distributor_id ? paidRung(rung, c, l, names, place) : el('li', { class: 'rung passed' },
    el('span', { class: 'step' }, place), el('span', { class: 'person muted' }, 'Nobody'),
    el('span', { class: 'sum' }, 'The upline ends here'), el('span', { class: 'paid' }, '–'))];
}

/** 1 CV is worth 1 of the currency in most plans, and a factor of one only lengthens the line. */
const saysSomething = (f) => f.name !== 'cv_to_money' || !/^1(\.0+)? /.test(f.value);

function paidRung(rung, c, l, names, place) {
  const base = c.base === 'cv' ? [figure(c.base_amount), ' CV'] : [figure(c.base_amount)];
  const factors = rung.factors.filter(saysSomething).map((f) => [' × ', f.value]);
  return el('li', { class: rung.breakage ? 'rung lost' : 'rung' },
    el('span', { class: 'step' }, place),
    el('span', { class: 'person' }, who(rung.distributor_id, names), rung.rank && el('span', { class: 'chip plain' }, words(rung.rank))),
    el('span', { class: 'sum' }, base, factors, ' = ', figure(rung.amount),
      rung.cuts.map((cut) => [', cap ', words(cut.cap_id), ' takes ', figure(cut.amount)]),
      rung.breakage && el('span', { class: 'why' }, `Not paid: ${rung.breakage}`)),
    el('span', { class: 'paid' }, money(rung.paid, l.currency)));
}

function totals(l, names) {
  return el('section', { class: 'line totals' },
    el('h3', {}, 'Who earns'),
    el('dl', { class: 'waterfall' },
      l.totals.map((t) => el('div', { class: 'fall' }, el('dt', {}, who(t.distributor_id, names)), el('dd', {}, money(t.paid, l.currency)))),
      l.totals.length === 0 && el('div', { class: 'fall' }, el('dt', {}, 'Nobody'), el('dd', {}, '–')),
      !isZero(l.breakage) && el('div', { class: 'fall' }, el('dt', {}, 'Breakage, kept by the company'), el('dd', {}, money(l.breakage, l.currency)))));
}

function postings(e) {
  if (e.postings.length === 0) {
    return false;
  }
  return el('section', { class: 'line' },
    el('h3', {}, 'Ledger'),
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Postings of this order' },
      el('table', { class: 'plain' },
        el('caption', { class: 'sr' }, 'Postings of this order, newest first'),
        el('thead', {}, el('tr', {}, ['Posted', 'Kind', 'From', 'To'].map((h) => el('th', { scope: 'col' }, h)), el('th', { scope: 'col', class: 'number' }, 'Amount'))),
        el('tbody', {}, e.postings.map((p) => el('tr', { title: `event ${p.event_id}, batch ${p.batch_sequence}` },
          el('td', {}, time(p.posted_at)), el('td', {}, words(p.kind)), el('td', {}, el('bdi', {}, p.from)),
          el('td', {}, el('bdi', {}, p.to)), el('td', { class: 'number' }, money(p.amount, p.currency))))))),
    e.postings_next_cursor !== '' && el('p', { class: 'muted' }, 'More in the API: /api/v1/ledger.'));
}

function provenance(calc, e) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(e.text);
      toast('Copied');
    } catch {
      toast('The clipboard is closed to this page');
    }
  };
  const l = calc.ladder;
  return el('p', { class: 'provenance' },
    l && `Plan ${l.plan_hash.slice(0, 12)} · tree ${l.tree_version} · catalogue ${l.catalog_version} · engine ${l.engine_version} · `,
    'recomputed from its snapshot just now ',
    el('button', { type: 'button', class: 'quiet', onclick: copy }, 'Copy as text'));
}
