import type { VNode } from 'preact';
import { Choice, Line, Link, Page, Section, Stack } from '#ui';
import { t, word } from '#text';
import { Money, When, Whole } from '#viz';
import { Between, ListViews, Listed, Nothing, Search, Moved, between, named, orderHref, personHref, useExport } from '../common.tsx';
import { useList } from '../data.ts';
import { refine, usePlace } from '../route.ts';
import type { Commission, Posting } from '../types.ts';
import { commissionHead, commissionRow, periodOf } from './people.tsx';

const kinds = ['earning', 'breakage', 'maturing', 'payout', 'adjustment'] as const;
const statuses = ['PENDING', 'AVAILABLE', 'PAID', 'REVERSED'] as const;

export default function Commissions(): VNode {
  const { query } = usePlace();
  return query.get('show') === 'ledger' ? <Ledger query={query} /> : <Earned query={query} />;
}

const shows = () => [['', t('ledger.commissions')], ['status=PENDING', t('commission.PENDING')], ['status=AVAILABLE', t('commission.AVAILABLE')], ['status=PAID', t('commission.PAID')], ['status=REVERSED', t('commission.REVERSED')], ['show=ledger', t('ledger.title')]] as const;

function Earned({ query }: { query: URLSearchParams }): VNode {
  const filter = { status: query.get('status') ?? '', referrer_id: query.get('referrer_id') ?? '', order_id: query.get('order_id') ?? '' };
  const list = useList<Commission>('/api/mlm/commissions', filter);
  const csv = useExport('commissions', filter);
  return (
    <Page title={t('nav.commissions')} actions={[csv]} lead={filter.status ? t(`commission_means.${filter.status as (typeof statuses)[number]}`) : t('commission_means.all')}>
      <Section flush>
        <Stack>
          <ListViews list="commissions" label={t('ledger.which')} own={[...shows()]} />
          <Line>
            <Search label={t('ledger.who_id')} name="referrer_id" /><Search label={t('ledger.order_number')} name="order_id" />
            <Choice label={t('ledger.status')} hideLabel value={filter.status} onInput={(v) => refine({ status: v })} options={[['', t('ledger.every_status')], ...statuses.map((s) => [s, word('commission', s)] as const)]} />
          </Line>
        </Stack>
        <Listed of={list} caption={t('nav.commissions')} head={commissionHead(true)} row={(c) => commissionRow(c, true, list.names)} empty={<Nothing title={t('ledger.none')} text={t('ledger.none_yet')} />} />
      </Section>
    </Page>
  );
}

function Ledger({ query }: { query: URLSearchParams }): VNode {
  const filter = { order_id: query.get('order_id') ?? '', distributor_id: query.get('distributor_id') ?? '', kind: query.get('kind') ?? '', ...between(query) };
  const list = useList<Posting>('/api/v1/ledger', filter);
  const csv = useExport('ledger', filter);
  return (
    <Page title={t('ledger.title')} actions={[csv]} lead={t('ledger.lead')}>
      <Section flush>
        <Stack>
          <ListViews list="commissions" label={t('ledger.which')} own={[...shows()]} />
          <Line><Search label={t('ledger.who_id')} name="distributor_id" /><Search label={t('ledger.order_id')} name="order_id" />
            <Choice label={t('ledger.kind')} hideLabel value={filter.kind} onInput={(v) => refine({ kind: v })} options={[['', t('ledger.every_kind')], ...kinds.map((k) => [k, word('kind', k)] as const)]} />
            <Between /></Line>
        </Stack>
        <Listed of={list} caption={t('ledger.title')}
          head={[{ title: t('ledger.who'), slot: 'primary' }, { title: t('ledger.amount'), numeric: true, slot: 'inline' }, { title: t('ledger.kind'), slot: 'secondary' }, { title: t('ledger.for') }, { title: t('ledger.from_to') }, { title: t('ledger.posted') }, { title: t('ledger.batch'), numeric: true }]}
          row={(p) => ({ id: p.event_id, href: personHref(p.distributor_id), cells: [named(p.distributor_id, list.names), <Money text={p.amount} currency={p.currency} />, `${word('kind', p.kind)} · ${word('component', p.component_id)}`,
            periodOf(p.order_id) ? <Whole>{t('ledger.period', { id: periodOf(p.order_id) })}</Whole> : <OrderLink id={p.order_id} />, <Moved from={p.from} to={p.to} />, <When at={p.posted_at} />, String(p.batch_sequence)] })}
          empty={<Nothing title={t('ledger.none')} text={t('ledger.none_yet')} />} />
      </Section>
    </Page>
  );
}

const OrderLink = ({ id }: { id: string }): VNode => <Link href={orderHref(id)}><bdi>{id}</bdi></Link>;

