import type { VNode } from 'preact';
import { Choice, Line, Page, Section, Stack } from '#ui';
import { t, word } from '#text';
import { Money, When } from '#viz';
import { Between, ListViews, Listed, Nothing, Search, Settlement, Sorted, between, named, orderHref, platform, useExport } from '../common.tsx';
import { useGet, useList } from '../data.ts';
import { refine, usePlace } from '../route.ts';
import type { Order, Overview } from '../types.ts';

const reasons = ['unmapped_sku', 'unknown_distributor', 'no_plan', 'inconsistent_totals', 'order_missing', 'order_conflict', 'invalid_order', 'currency_mismatch', 'missing_rate', 'unknown_rank', 'missing_wholesale', 'missing_enrolment'] as const;

export const orderName = (o: Order): string => o.name || o.platform_order_id;

/** The columns of a list of orders; who sold them is left out where it is one and the same. */
export const orderHead = (who = true) => [
  { title: t('orders.order'), slot: 'primary' as const }, { title: t('orders.state'), slot: 'inline' as const }, { title: t('orders.placed'), slot: 'secondary' as const },
  ...(who ? [{ title: t('orders.seller') }] : []), { title: t('orders.net'), numeric: true }, { title: t('orders.commission'), numeric: true },
];

export const orderRow = (o: Order, names?: Record<string, string>, who = true) => ({
  id: o.order_id, href: orderHref(o.order_id), cells: [
    <bdi>{orderName(o)}</bdi>, <Settlement state={o.settlement} />, <><When at={o.order_ts} /> · {platform(o.platform)}</>,
    ...(who ? [o.distributor_id ? named(o.distributor_id, names) : o.settlement === 'parked' ? word('reason', o.reason_code ?? '') : t('orders.company')] : []),
    o.settlement === 'parked' && o.waiting ? <Money text={o.waiting} currency={o.waiting_currency ?? o.currency} /> : <Money text={o.net} currency={o.currency} />,
    o.settlement === 'parked' ? t('orders.waits') : <Money text={o.earned} currency={o.currency} />,
  ],
});

export default function Orders(): VNode {
  const { query } = usePlace();
  const filter = {
    settlement: query.get('settlement') ?? '', store_id: query.get('store_id') ?? '', reason_code: query.get('reason_code') ?? '',
    distributor_id: query.get('distributor_id') ?? '', search: query.get('search') ?? '',
    sort: query.get('sort') ?? '', ...between(query),
  };
  const list = useList<Order>('/api/v1/orders', filter);
  const stores = useGet<Overview>('/api/v1/overview').data?.stores ?? [];
  const csv = useExport('orders', filter);
  const filtered = Object.entries(filter).some(([name, value]) => name !== 'sort' && value);
  return (
    <Page title={t('nav.orders')} actions={[csv]}>
      <Section flush>
        <Stack>
          <ListViews list="orders" label={t('orders.which')} own={[['', t('orders.all')], ['settlement=settled', t('settlement.settled')], ['settlement=parked', t('settlement.parked')]]} />
          <Line>
            <Search label={t('orders.search')} />
            <Choice label={t('orders.store')} hideLabel value={filter.store_id} onInput={(v) => refine({ store_id: v })} options={[['', t('orders.every_store')], ...stores.map((s) => [s.store_id, s.name || s.domain] as const)]} />
            <Choice label={t('orders.why_parked')} hideLabel value={filter.reason_code} onInput={(v) => refine({ reason_code: v, settlement: v ? 'parked' : filter.settlement })}
              options={[['', t('orders.every_reason')], ...reasons.map((r) => [r, word('reason', r)] as const)]} />
            <Between />
            <Sorted options={[['', t('list.newest')], ['order_ts', t('list.oldest')]]} />
          </Line>
        </Stack>
        <Listed of={list} caption={t('nav.orders')} head={orderHead()} row={(o) => orderRow(o, list.names)} empty={filtered
          ? <Nothing title={t('orders.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/orders' }]} />
          : <Nothing title={t('orders.none')} text={t('orders.none_yet')} actions={[{ label: t('nav.stores'), href: '/stores' }]} />} />
      </Section>
    </Page>
  );
}
