import type { VNode } from 'preact';
import { Choice, Facts, Line, Link, Page, Section, Stack, Table, Text } from '#ui';
import { t, word } from '#text';
import { count, figure, region } from '../../ui/money.ts';
import { Id, Money, Spark, When, Whole } from '#viz';
import { Await, CommissionState, ListViews, Listed, Nothing, PersonState, Ready, Search, Sorted, named, orderHref, personHref, ready, useExport } from '../common.tsx';
import { useGet, useList } from '../data.ts';
import type { Page as PageOf } from '../data.ts';
import { backTo, refine, usePlace } from '../route.ts';
import type { Commission, Distributor, Order, Profile, Rank } from '../types.ts';
import { orderHead, orderRow } from './orders.tsx';

const statuses = ['active', 'inactive', 'suspended', 'terminated'] as const;

export function People(): VNode {
  const { query } = usePlace();
  const filter = { search: query.get('search') ?? '', status: query.get('status') ?? '', rank: query.get('rank') ?? '', country: query.get('country') ?? '', sort: query.get('sort') ?? '' };
  const list = useList<Distributor>('/api/v1/distributors', filter);
  const ranks = useGet<PageOf<{ running: boolean; ranks: string[] }>>('/api/v1/plans').data?.data.find((p) => p.running)?.ranks ?? [];
  const csv = useExport('distributors', filter);
  return (
    <Page title={t('nav.distributors')} actions={[csv, { label: t('people.import'), href: '/distributors/import', primary: true }]}>
      <Section flush>
        <Stack>
          <ListViews list="distributors" label={t('people.status')} own={[['', t('orders.all')], ...statuses.map((s) => [`status=${s}`, word('status', s)] as const)]} />
          <Line>
            <Search label={t('people.search')} />{ranks.length > 0 && <Choice label={t('people.rank')} hideLabel value={filter.rank} onInput={(rank) => refine({ rank })} options={[['', t('people.every_rank')], ...ranks.map((r) => [r, word('rank', r)] as const)]} />}<Search label={t('people.country_code')} name="country" />
            <Sorted options={[['', t('list.by_id')], ['-created_at', t('list.newest')]]} />
          </Line>
        </Stack>
        <Listed of={list} caption={t('nav.distributors')}
          head={[{ title: t('people.name'), slot: 'primary' }, { title: t('people.status'), slot: 'inline' }, { title: t('people.id'), slot: 'secondary' }, { title: t('people.rank') }, { title: t('people.sponsor') }, { title: t('people.codes') }, { title: t('people.country') }]}
          row={(d) => ({ id: d.distributor_id, href: personHref(d.distributor_id), cells: [<bdi>{d.name || d.distributor_id}</bdi>, <PersonState state={d.status} />, <Id>{d.distributor_id}</Id>, d.rank ? word('rank', d.rank) : '', d.sponsor_id ? named(d.sponsor_id, list.names) : t('people.top'), <Id>{d.codes?.join(', ')}</Id>, d.country ?? ''] })}
          empty={Object.values(filter).some(Boolean) ? <Nothing title={t('people.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/distributors' }]} />
            : <Nothing title={t('people.none')} text={t('people.none_yet')} actions={[{ label: t('people.import'), href: '/distributors/import', primary: true }]} />} />
      </Section>
    </Page>
  );
}

export function PersonScreen({ id }: { id: string }): VNode {
  const path = `/api/v1/distributors/${encodeURIComponent(id)}`;
  const profile = useGet<Profile>(`${path}/profile`);
  const person = { ...profile, data: profile.data?.distributor };
  const ranks = useGet<{ data: Rank[] }>(`${path}/ranks`);
  const orders = useList<Order>('/api/v1/orders', { distributor_id: id });
  const earned = useList<Commission>('/api/mlm/commissions', { referrer_id: id });
  const d = person.data, parts = [person, ranks, orders, earned];
  return (
    <Page title={d?.name || id} back={{ label: t('nav.distributors'), href: backTo('/distributors') }} badge={d && [word('status', d.status), d.status === 'active' ? 'success' : 'warning']}
      lead={d ? <><Id>{d.distributor_id}</Id>{d.rank && ` · ${word('rank', d.rank)}`}</> : null} aside={d && ready(parts) && <About p={profile.data as Profile} />}>
      <Ready of={parts}><Await of={person} lines={3}>{() => <>
        <Section flush title={t('person.ranks')}>
          <Await of={ranks}>{({ data }) => data.length === 0 ? <Nothing title={t('person.no_ranks')} text={t('person.no_ranks_yet')} /> : <Ranks rows={data} />}</Await>
        </Section>
        <Section flush title={t('person.earned')} actions={[{ label: t('ledger.all'), href: `/commissions?referrer_id=${encodeURIComponent(id)}` }]}>
          <Listed of={{ ...earned, data: earned.data?.slice(0, 20), onMore: undefined }} caption={t('person.earned')} head={commissionHead(false)} row={(c) => commissionRow(c, false)} empty={<Nothing title={t('person.no_earned')} />} />
        </Section>
        <Section flush title={t('person.orders')} actions={[{ label: t('ledger.all'), href: `/orders?distributor_id=${encodeURIComponent(id)}` }]}>
          <Listed of={{ ...orders, data: orders.data?.slice(0, 20), onMore: undefined }} caption={t('person.orders')} head={orderHead(false)} row={(o) => orderRow(o, undefined, false)} empty={<Nothing title={t('person.no_orders')} />} />
        </Section>
      </>}</Await></Ready>
    </Page>
  );
}

/** An address that breaks at its @, if it has to. */
const Email = ({ of = '' }: { of?: string }): VNode => <bdi>{of ? [of.slice(0, of.lastIndexOf('@')), <wbr />, of.slice(of.lastIndexOf('@'))] : '–'}</bdi>;

const About = ({ p: { distributor: d, upline, frontline, earned } }: { p: Profile }): VNode => (
  <>
    <Section title={t('person.profile')}>
      <Facts rows={[
        ...(Object.keys(earned).length > 0 ? [[t('overview.earned'), <Stack tight>{Object.entries(earned).map(([currency, sum]) => <Money key={currency} text={sum} currency={currency} />)}</Stack>] as const] : []),
        [t('person.frontline'), count(frontline)], [t('people.codes'), <Id>{d.codes?.join(', ') || '–'}</Id>], [t('people.country'), region(d.country) || '–'], [t('people.email'), <Email of={d.email} />], [t('person.since'), <When at={d.created_at} day />],
      ]} />
    </Section>
    <Section title={t('person.upline')}>
      {upline.length === 0 ? <Text muted>{t('people.top')}</Text> : <Facts rows={upline.map((u, i) => [t('rung.level', { n: String(i + 1) }), <><Link href={personHref(u.distributor_id)}><bdi>{u.name || u.distributor_id}</bdi></Link> <Text muted>{u.rank ? word('rank', u.rank) : ''}{u.status !== 'active' ? ` · ${word('status', u.status)}` : ''}</Text></>] as const)} />}
    </Section>
  </>
);

function Ranks({ rows }: { rows: Rank[] }): VNode {
  const path = [...rows].reverse().map((r) => ({ label: r.period_id, value: r.gv, shown: figure(r.gv) }));
  return (
    <>
      {path.length > 1 && <Text muted>{t('person.gv_path')} <Spark points={path} label={t('person.gv_path')} /></Text>}
      <Table caption={t('person.ranks')} head={[{ title: t('person.period'), slot: 'primary' }, { title: t('person.paid_as'), slot: 'inline' }, { title: t('person.title') }, { title: 'PV', numeric: true }, { title: 'GV', numeric: true }]}
        rows={rows.map((r) => ({ id: r.period_id, cells: [r.period_id, word('rank', r.rank), word('rank', r.title), figure(r.pv), figure(r.gv)] }))} />
    </>
  );
}

export const commissionHead = (who: boolean) => [
  ...(who ? [{ title: t('ledger.who'), slot: 'primary' as const }] : []), { title: t('ledger.for'), slot: who ? 'secondary' as const : 'primary' as const },
  { title: t('ledger.amount'), numeric: true, slot: 'inline' as const }, { title: t('ledger.component') }, { title: t('ledger.status') }, { title: t('ledger.date') },
];

/** The period that a posting is for; '' where it is for an order. */
export const periodOf = (orderId: string): string => /^period:[^/]+\/([^/]+)/.exec(orderId)?.[1] ?? '';

export const commissionRow = (c: Commission, who: boolean, names?: Record<string, string>) => {
  const period = periodOf(c.order_id);
  const what = period ? t('ledger.period', { id: period }) : c.order_name || c.order_id;
  const href = period ? undefined : orderHref(`${c.store_id}/${c.order_id}`);
  return {
    id: c.commission_id, href: who ? personHref(c.referrer_id) : href, cells: [
      ...(who ? [named(c.referrer_id, names)] : []), who && href ? <Link href={href}><bdi>{what}</bdi></Link> : <Whole>{what}</Whole>, <Money text={c.value} currency={c.currency} />, word('component', c.component_id),
      <CommissionState state={c.status} />, <When at={c.order_ts} />,
    ],
  };
};
