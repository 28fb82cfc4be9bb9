// The first page: what is set up, and with a key what the company earns. It asks the API and computes nothing.

import { at, Failure, get, key } from '/api.js';
import { byId, command, el, paint } from '/dom.js';
import { chip, clock, count, delay, many, money, platforms, reason, time, useZone } from '/format.js';
import { net, orderSheet } from '/order.js';
import { complete, showSetup } from '/setup.js';

const EVERY = 5000; // milliseconds between refreshes while the page is visible
const PAGE = matchMedia('(max-width: 640px)').matches ? 10 : 25;
const LIMIT_MAX = 200; // the API's own

const state = { filter: '', search: '', limit: PAGE, names: new Map(), seen: null, order: '', zone: null, turn: 0, busy: 0 };

/** Ask for everything once more. A later call overtakes an earlier one, whose answers are then dropped. */
async function refresh() {
  const turn = ++state.turn;
  state.busy++;
  try {
    const setup = await get('/api/setup', '');
    if (turn === state.turn) {
      byId('version').textContent = `Upline ${setup.version}`;
      showSetup(setup);
      await (key.get() ? showCompany(setup, turn) : showStart());
    }
    if (turn === state.turn) {
      trouble('');
      live(true);
    }
  } catch (failure) {
    if (turn !== state.turn) {
      return;
    }
    if (failure instanceof Failure && failure.status === 401) {
      key.set('');
      state.zone = null;
      keyError(`${sentence(failure.message)}. Enter another one.`);
      refresh();
      return;
    }
    trouble(failure.message);
    live(false);
  } finally {
    state.busy--;
  }
}

/** By the clock: not while nobody looks, and not while an answer is still under way. */
const tick = () => document.hidden || state.busy > 0 || refresh();

function trouble(text) {
  byId('trouble').hidden = !text;
  byId('trouble').textContent = text && `${text} Trying again every 5 seconds.`;
}

function live(well) {
  byId('live').hidden = false;
  byId('live').classList.toggle('off', !well);
  byId('live-text').textContent = well ? `Live, ${clock()}` : 'No connection';
}

function showStart() {
  byId('setup-home').append(byId('setup'));
  byId('company-name').textContent = '';
  reveal('start');
}

async function showCompany(setup, turn) {
  const parkedQuery = { settlement: 'parked', limit: 20 };
  const [overview, orders, parked, unmapped, deliveries] = await Promise.all([
    get('/api/v1/overview'),
    get(at('/api/v1/orders', { settlement: state.filter, search: state.search, limit: state.limit })),
    get(at('/api/v1/orders', parkedQuery)),
    get('/api/v1/mappings/unmapped'),
    get('/api/v1/deliveries?limit=8'),
  ]);
  if (turn !== state.turn) {
    return;
  }
  useZone(overview.program.time_zone);
  document.title = `${overview.program.name} · Upline`;
  byId('company-name').textContent = overview.program.name;
  placeSetup(setup);
  paint(byId('figures'), figuresOf(overview), figures);
  showOrders(orders);
  paint(byId('waiting-body'), { parked: parked.data, more: parked.next_cursor !== '', unmapped: unmapped.data }, waiting);
  paint(byId('deliveries-body'), deliveries.data, deliveryList);
  reveal('company');
  nameSellers(orders.data);
}

/** Everything of a view appears at once, when all of it is there: nothing moves under the reader's eyes. */
function reveal(view) {
  byId('boot').hidden = true;
  byId('welcome').hidden = view !== 'start';
  byId('start').hidden = view !== 'start';
  byId('company').hidden = view !== 'company';
  byId('leave').hidden = view !== 'company';
}

/** The guide stays in sight until its last step is done. */
function placeSetup(setup) {
  byId(complete(setup) ? 'setup-home' : 'setup-slot').append(byId('setup'));
}

function figuresOf(o) {
  const { orders, parked_orders, earned, last_batch, distributors, mapped_skus, stores } = o;
  return { orders, parked_orders, earned, last_batch, distributors, mapped_skus, stores: stores.length };
}

function figures(o) {
  const tile = (label, value, note, tone = '') => el('div', { class: `figure ${tone}` },
    el('span', { class: 'label' }, label), el('div', { class: 'value' }, value), el('span', { class: 'note' }, note));
  const earned = Object.entries(o.earned).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    tile('Earned by distributors', earned.length ? earned.map(([currency, text]) => el('div', {}, money(text, currency))) : '–',
      earned.length ? 'posted to the ledger' : 'nothing yet', earned.length > 1 ? 'several' : ''),
    tile('Orders', count(o.orders), many(o.stores, 'store', 'stores')),
    tile('Waiting', count(o.parked_orders), o.parked_orders ? 'orders that need something' : 'nothing needs you', o.parked_orders ? 'wait' : ''),
    tile('Last ledger batch', o.last_batch ? count(o.last_batch) : '–', `sealed; ${many(o.distributors, 'distributor', 'distributors')}, ${many(o.mapped_skus, 'SKU', 'SKUs')}`),
  ];
}

function showOrders(page) {
  const fresh = new Set(state.seen ? page.data.filter((o) => !state.seen.has(o.order_id)).map((o) => o.order_id) : []);
  state.seen = new Set([...(state.seen ?? []), ...page.data.map((o) => o.order_id)]);
  paint(byId('orders-body'), { data: page.data, search: state.search, filter: state.filter }, () => orderTable(page.data, fresh));
  byId('more').hidden = page.next_cursor === '' || state.limit >= LIMIT_MAX;
}

function orderTable(rows, fresh) {
  if (rows.length === 0) {
    return el('p', { class: 'empty' }, noOrders());
  }
  const head = [['Order'], ['Placed'], ['Sold by'], ['State'], ['Net', 'number'], ['Earned', 'number']];
  return el('table', { class: 'list', role: 'table' },
    el('caption', { class: 'sr' }, 'Orders, newest first. Open one to see why it paid what it paid.'),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head.map(([text, kind]) => el('th', { scope: 'col', role: 'columnheader', class: kind }, text)))),
    el('tbody', { role: 'rowgroup' }, rows.map((o) => orderRow(o, fresh.has(o.order_id)))));
}

function noOrders() {
  if (state.search) {
    return `No order with the number “${state.search}”.`;
  }
  if (state.filter === 'parked') {
    return 'Nothing waits. Every order is settled.';
  }
  return 'No order yet. The first one appears here within seconds of its sale.';
}

function orderRow(o, fresh) {
  const cell = (kind, ...children) => el('td', { role: 'cell', class: kind }, children);
  const why = o.settlement === 'parked' ? reason(o.reason_code).title : '';
  return el('tr', { role: 'row', class: fresh ? 'fresh' : null },
    cell('c-order', el('a', { href: orderLink(o), class: 'row-link', 'data-focus': o.order_id }, o.name || o.platform_order_id),
      el('span', { class: 'second' }, `${platforms[o.platform] ?? o.platform} · ${o.store_id}`)),
    cell('c-placed', time(o.order_ts)),
    cell('c-seller', seller(o.distributor_id)),
    cell('c-state', why ? chip('wait', why) : chip(o.status === 'paid' ? 'ok' : 'plain', stateOf(o))),
    cell('c-net number', net(o)),
    cell('c-earned number', why ? el('span', { class: 'muted' }, 'waiting') : money(o.earned, o.currency)));
}

const stateOf = (o) => (o.status === 'paid' ? 'Settled' : (o.status || 'settled').replaceAll('_', ' '));
const orderLink = (o) => `#/orders/${encodeURIComponent(o.store_id)}/${encodeURIComponent(o.platform_order_id)}`;

/** The id at once, the name as soon as it is known, in room kept for it. */
function seller(id) {
  if (!id) {
    return el('span', { class: 'muted' }, 'No distributor');
  }
  const name = state.names.get(id);
  return el('span', { class: 'seller-of', 'data-seller': id }, el('bdi', { class: 'name' }, name || id), el('bdi', { class: 'second' }, name ? id : '\u00a0'));
}

async function nameSellers(orders) {
  const ids = [...new Set(orders.map((o) => o.distributor_id))].filter((id) => id && !state.names.has(id));
  const next = async () => {
    for (let id = ids.shift(); id; id = ids.shift()) {
      const person = await get(`/api/v1/distributors/${encodeURIComponent(id)}`).catch(() => null);
      state.names.set(id, person?.name ?? '');
      document.querySelectorAll(`[data-seller="${CSS.escape(id)}"]`).forEach((place) => place.replaceWith(seller(id)));
    }
  };
  await Promise.all([next(), next(), next(), next()]);
}

function waiting({ parked, more, unmapped }) {
  if (parked.length === 0 && unmapped.length === 0) {
    return el('p', { class: 'empty good' }, el('span', { 'aria-hidden': 'true' }, '✓ '), 'Nothing needs you. Every order is settled.');
  }
  return [
    unmapped.length > 0 && el('div', { class: 'group' },
      el('h3', {}, 'SKUs without a mapping'),
      el('ul', { class: 'plain-list' }, unmapped.slice(0, 5).map((u) => el('li', { class: 'pair' },
        el('span', {}, el('bdi', { class: 'strong' }, u.platform_sku || 'no SKU'), el('span', { class: 'second' }, `${platforms[u.platform] ?? u.platform} · ${many(u.orders, 'order', 'orders')}`)),
        money(u.waiting, u.currency)))),
      unmapped.length > 5 && el('p', { class: 'muted' }, `and ${count(unmapped.length - 5)} more`),
      command(reason('unmapped_sku').command)),
    parked.length > 0 && el('div', { class: 'group' },
      el('h3', {}, 'Orders that wait'),
      el('ul', { class: 'plain-list' }, parked.slice(0, 4).map(parkedItem)),
      (more || parked.length > 4) && el('button', { type: 'button', class: 'quiet', 'data-focus': 'all-waiting', onclick: () => filterBy('parked') }, 'Show all that wait')),
  ].filter(Boolean);
}

function parkedItem(o) {
  return el('li', { class: 'parked' },
    el('div', { class: 'pair' },
      el('a', { href: orderLink(o), 'data-focus': `parked ${o.order_id}` }, o.name || o.platform_order_id), time(o.order_ts)),
    el('div', { class: 'pair' }, chip('wait', reason(o.reason_code).title), o.waiting && money(o.waiting, o.waiting_currency)),
    el('p', { class: 'why' }, o.reason));
}

function deliveryList(rows) {
  if (rows.length === 0) {
    return el('p', { class: 'empty' }, 'No delivery yet.');
  }
  return el('ul', { class: 'plain-list' }, rows.map((d) => el('li', { class: 'delivery' },
    el('div', { class: 'pair' },
      el('span', { class: 'strong' }, `${platforms[d.platform] ?? d.platform} ${d.topic}`), time(d.received_at)),
    el('p', { class: 'second' }, el('bdi', {}, d.order_id || d.store_id)),
    el('ol', { class: 'stages', 'aria-label': 'Stages' }, stages(d)))));
}

function stages(d) {
  const end = {
    done: () => chip('ok', `${d.result || 'done'}${d.settled_at ? ` in ${delay(d.received_at, d.settled_at)}` : ''}`),
    parked: () => chip('wait', reason(d.result).title),
    waiting: () => chip('plain', d.attempt > 0 ? `attempt ${d.attempt + 1} to come` : 'waiting'),
  }[d.status] ?? (() => chip('plain', d.status));
  return [el('li', {}, chip('ok', 'on disk')), el('li', {}, end())];
}

function filterBy(filter) {
  state.filter = filter;
  state.limit = PAGE;
  state.seen = null;
  document.querySelectorAll('[data-filter]').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.filter === filter)));
  refresh();
}

// One order in a sheet over the page; the address names it, so that Back closes it and a link opens it.

function orderInAddress() {
  const found = /^#\/orders\/([^/]+)\/([^/]+)$/.exec(location.hash);
  return found ? `/api/v1/orders/${found[1]}/${found[2]}/explanation` : '';
}

/** Times are told in the program's zone from the first one on, also where a link opens an order before all else. */
async function zoned() {
  state.zone ||= get('/api/v1/overview').then((overview) => useZone(overview.program.time_zone));
  try {
    await state.zone;
  } catch (failure) {
    state.zone = null;
    throw failure;
  }
}

async function followAddress() {
  const path = orderInAddress();
  const sheet = byId('sheet');
  state.order = path;
  if (!path || !key.get()) {
    sheet.close();
    return;
  }
  if (!sheet.open) {
    sheet.showModal();
  }
  const parts = path.split('/');
  byId('sheet-title').textContent = `Order ${decodeURIComponent(parts.at(-2))}`;
  byId('sheet-body').replaceChildren(el('div', { class: 'rows skeleton', role: 'status' }, el('span', { class: 'sr' }, 'Loading')));
  byId('sheet-title').focus();
  try {
    const [e] = await Promise.all([get(path), zoned()]);
    if (state.order === path) {
      byId('sheet-title').textContent = `Order ${e.order.name || e.order.platform_order_id}`;
      byId('sheet-body').replaceChildren(...orderSheet(e));
    }
  } catch (failure) {
    if (state.order === path) {
      byId('sheet-body').replaceChildren(el('p', { class: 'banner critical', role: 'alert' }, `${sentence(failure.message)}.`));
    }
  }
}

function leaveSheet() {
  if (orderInAddress()) {
    history.pushState(null, '', location.pathname);
    state.order = '';
  }
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

// Keys.

function keyError(text) {
  const place = byId('key-error');
  place.hidden = !text;
  place.textContent = text;
  byId('key').setAttribute('aria-invalid', String(Boolean(text)));
}

/** A key in the address is taken and removed from it, so that it stays out of history and screenshots. */
function takeKeyFromAddress() {
  const found = new URLSearchParams(location.hash.slice(1)).get('key');
  if (found !== null) {
    key.set(found.trim());
    history.replaceState(null, '', location.pathname);
  }
}

async function enter(event) {
  event.preventDefault();
  const text = byId('key').value.trim();
  if (!text) {
    keyError('Enter an API key.');
    byId('key').focus();
    return;
  }
  keyError('');
  byId('open').disabled = true;
  try {
    await get('/api/v1/overview', text);
  } catch (failure) {
    keyError(`${sentence(failure.message)}.`);
    byId('key').focus();
    return;
  } finally {
    byId('open').disabled = false;
  }
  key.set(text);
  byId('key').value = '';
  await refresh();
  byId('main').focus();
  followAddress();
}

function leave() {
  key.set('');
  state.zone = null;
  state.names.clear();
  state.seen = null;
  byId('sheet').close();
  document.title = 'Upline';
  showStart();
  byId('key').focus();
}

function start() {
  document.querySelectorAll('[data-command]').forEach((place) => place.replaceChildren(command(place.dataset.command)));
  takeKeyFromAddress();
  byId('key-form').addEventListener('submit', enter);
  byId('leave').addEventListener('click', leave);
  byId('sheet-close').addEventListener('click', () => byId('sheet').close());
  byId('sheet').addEventListener('close', leaveSheet);
  byId('sheet').addEventListener('click', (event) => event.target === byId('sheet') && byId('sheet').close());
  byId('more').addEventListener('click', () => {
    state.limit = Math.min(state.limit * 2, LIMIT_MAX);
    refresh();
  });
  document.querySelectorAll('[data-filter]').forEach((b) => b.addEventListener('click', () => filterBy(b.dataset.filter)));
  let typed;
  byId('search').addEventListener('input', (event) => {
    clearTimeout(typed);
    typed = setTimeout(() => {
      state.search = event.target.value.trim();
      state.seen = null;
      refresh();
    }, 250);
  });
  addEventListener('hashchange', () => {
    takeKeyFromAddress();
    followAddress();
    refresh();
  });
  addEventListener('popstate', followAddress);
  document.addEventListener('visibilitychange', tick);
  setInterval(tick, EVERY);
  refresh();
  followAddress();
}

start();
