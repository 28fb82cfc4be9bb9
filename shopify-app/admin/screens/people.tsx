import type { VNode } from 'preact';
import { Facts, Link, Page, Section, Table, Text } from '#ui';
import { t, word } from '#text';
import { count, figure } from '../../ui/money.ts';
import { Id, Money, Spark, When } from '#viz';
import { Await, CommissionState, Listed, Nothing, PersonState, Ready, Search, orderHref, personHref, useExport } from '../common.tsx';
import { useGet, useList } from '../data.ts';
import { usePlace } from '../route.ts';
import type { Commission, Distributor, Order, Profile, Rank } from '../types.ts';
import { orderHead, orderRow } from './orders.tsx';

export function People(): VNode {
  const { query } = usePlace();
  const filter = { search: query.get('search') ?? '' };
  const list = useList<Distributor>('/api/v1/distributors', filter);
  const csv = useExport('distributors', filter);
  return (
    <Page title={t('nav.distributors')} actions={[csv, { label: t('people.import'), href: '/distributors/import', primary: true }]}>
      <Section flush>
        <Search label={t('people.search')} />
        <Listed of={list} caption={t('nav.distributors')}
          head={[{ title: t('people.name'), slot: 'primary' }, { title: t('people.status'), slot: 'inline' }, { title: t('people.id'), slot: 'secondary' }, { title: t('people.rank') }, { title: t('people.sponsor') }, { title: t('people.codes') }, { title: t('people.country') }]}
          row={(d) => ({ id: d.distributor_id, href: personHref(d.distributor_id), cells: [<bdi>{d.name || d.distributor_id}</bdi>, <PersonState state={d.status} />, <Id>{d.distributor_id}</Id>, d.rank ? word('rank', d.rank) : '', <bdi>{d.sponsor_id ?? t('people.top')}</bdi>, <Id>{d.codes?.join(', ')}</Id>, d.country ?? ''] })}
          empty={filter.search ? <Nothing title={t('people.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/distributors' }]} />
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
  const d = person.data;
  return (
    <Page title={d?.name || id} back={{ label: t('nav.distributors'), href: '/distributors' }} badge={d && [word('status', d.status), d.status === 'active' ? 'success' : 'warning']}
      lead={d ? <><Id>{d.distributor_id}</Id>{d.rank && ` · ${word('rank', d.rank)}`}</> : null} aside={d && orders.data && earned.data && <About p={profile.data as Profile} />}>
      <Ready of={[person, ranks, orders, earned]}><Await of={person} lines={3}>{() => <>
        <Section flush title={t('person.ranks')}>
          <Await of={ranks}>{({ data }) => data.length === 0 ? <Nothing title={t('person.no_ranks')} text={t('person.no_ranks_yet')} /> : <Ranks rows={data} />}</Await>
        </Section>
        <Section flush title={t('person.earned')} actions={[{ label: t('ledger.all'), href: `/commissions?referrer_id=${encodeURIComponent(id)}` }]}>
          <Listed of={{ ...earned, data: earned.data?.slice(0, 20), onMore: undefined }} caption={t('person.earned')} head={commissionHead(false)} row={(c) => commissionRow(c, false)} empty={<Nothing title={t('person.no_earned')} />} />
        </Section>
        <Section flush title={t('person.orders')} actions={[{ label: t('ledger.all'), href: `/orders?distributor_id=${encodeURIComponent(id)}` }]}>
          <Listed of={{ ...orders, data: orders.data?.slice(0, 20), onMore: undefined }} caption={t('person.orders')} head={orderHead()} row={orderRow} empty={<Nothing title={t('person.no_orders')} />} />
        </Section>
      </>}</Await></Ready>
    </Page>
  );
}

const About = ({ p: { distributor: d, upline, frontline, earned } }: { p: Profile }): VNode => (
  <>
    <Section title={t('person.profile')}>
      <Facts rows={[
        ...Object.entries(earned).map(([currency, sum]) => [t('overview.earned'), <Money text={sum} currency={currency} />] as const),
        [t('person.frontline'), count(frontline)], [t('people.codes'), <Id>{d.codes?.join(', ') || '–'}</Id>], [t('people.country'), d.country || '–'], [t('people.email'), <bdi>{d.email || '–'}</bdi>], [t('person.since'), <When at={d.created_at} />],
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

export const commissionRow = (c: Commission, who: boolean) => {
  const period = /^period:[^/]+\/([^/]+)/.exec(c.order_id)?.[1];
  const what = period ? t('ledger.period', { id: period }) : c.order_id;
  const href = period ? undefined : orderHref(`${c.store_id}/${c.order_id}`);
  return {
    id: c.commission_id, href: who ? personHref(c.referrer_id) : href, cells: [
      ...(who ? [<bdi>{c.referrer_id}</bdi>] : []), who && href ? <Link href={href}><bdi>{what}</bdi></Link> : <bdi>{what}</bdi>, <Money text={c.value} currency={c.currency} />, word('component', c.component_id),
      <CommissionState state={c.status} />, <When at={c.order_ts} />,
    ],
  };
};
