// The setup guide: each step is ticked by the server's own state, never by a click.

import { byId, command, el, paint } from '/dom.js';

const steps = [
  ['program', 'Create your company', 'Stores, people and plans belong to it. The currency is the one of its books.',
    ['bin/upline admin program create "My Company" --currency EUR']],
  ['store', 'Connect a store', 'Any shop, till or script can send its orders. For a Shopify shop give its myshopify.com domain and --platform shopify.',
    ['bin/upline admin store create shop.example.com --platform custom --currency EUR --id my-shop']],
  ['people', 'Bring your people', 'A CSV file with the columns distributor_id, sponsor_id, rank, codes, name. Without --commit it only says what would happen.',
    ['bin/upline import distributors people.csv --commit']],
  ['mappings', 'Say what each SKU is', 'A CSV file with the columns platform_sku, commission_class, name. Orders with other SKUs wait; none is lost.',
    ['bin/upline import skus skus.csv --platform custom --commit']],
  ['plan', 'Publish your plan', 'Who earns how much on what. Begin with a ready-made one; every fault of a plan file is named with its line.',
    ['bin/upline plan publish server/planfile/plans/retail-unilevel.yaml']],
  ['order', 'Send the first order', 'Make a key for the store, put it into the second command, and watch the order arrive.', [
    'bin/upline admin api-key create --store my-shop',
    [`curl ${location.origin}/api/mlm/orders \\`,
      '  -H "Authorization: Bearer upk_…" -H "Content-Type: application/json" \\',
      `  -d '{"platform_order_id": "1001", "currency": "EUR", "distributor_ref": "ANNA",`,
      `       "items": [{"platform_sku": "TEA-12", "qty": 2, "unit_price": "19.90"}], "total": "39.80"}'`].join('\n'),
  ]],
];

export const complete = (state) => steps.every(([id]) => state[id]);

export function showSetup(state) {
  const done = steps.filter(([id]) => state[id]).length;
  const next = steps.find(([id]) => !state[id])?.[0];
  byId('setup-count').textContent = next ? `${done} of ${steps.length}` : 'All done';
  byId('setup-progress').value = done;
  const ticks = Object.fromEntries(steps.map(([id]) => [id, state[id]]));
  paint(byId('steps'), ticks, () => steps.map(([id, title, text, commands]) => el('li', { class: state[id] ? 'step-done' : id === next ? 'step-next' : 'step-open' },
    el('details', { open: id === next },
      el('summary', { 'data-focus': id },
        el('span', { class: 'tick', 'aria-hidden': 'true' }, state[id] ? '✓' : ''),
        el('span', {}, title, el('span', { class: 'sr' }, state[id] ? ', done' : ', to do'))),
      el('div', { class: 'step-body' }, el('p', {}, text), commands.map(command))))));
}
