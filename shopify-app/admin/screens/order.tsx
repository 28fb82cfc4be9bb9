import type { ComponentChildren as C, VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Banner, Code, Details, Facts, Link, Page, Section, Stack, Table, Text, toast } from '#ui';
import type { Act } from '#ui';
import { t, tx, word } from '#text';
import { figure, isZero, money } from '../../ui/money.ts';
import { Id, Ladder, LineOfOrder, Money, Timeline, Waterfall, When, type Fall, type Rung as RungRow } from '#viz';
import { Await, Moved, Person, Problem, Ready, orderHref, platform, useStoreName } from '../common.tsx';
import { stale, useGet, type Page as PageOf } from '../data.ts';
import { backTo } from '../route.ts';
import { Failure, post } from '../api.ts';
import type { Calculation, Component, Explanation, Facts as OrderFacts, Ladder as Calculated, Order, OrderLine, Posting, Recheck, Rung, Step } from '../types.ts';
import { orderName } from './orders.tsx';

type Names = Record<string, string>;

export default function OrderScreen({ id }: { id: string }): VNode {
  const path = orderHref(id).replace('/orders/', '/api/v1/orders/');
  const explained = useGet<Explanation>(`${path}/explanation`);
  const steps = useGet<PageOf<Step>>(`${path}/steps`);
  const facts = useGet<OrderFacts>(`${path}/facts`);
  const all = [explained, steps, facts];
  const here = all.every((r) => r.data !== undefined || r.error !== undefined);
  const e = here ? explained.data : undefined; // head and body come at once
  const store = useStoreName(e?.order.store_id);
  const recheck = useRecheck(path);
  const text = useCopy(e?.text ?? '');
  return (
    <Page title={t('order.title', { name: e ? orderName(e.order) : here ? id.slice(id.indexOf('/') + 1) : '…' })}
      back={{ label: t('nav.orders'), href: backTo('/orders') }}
      badge={e && (e.pays_from ? [word('result', 'settled'), 'neutral'] : [word('settlement', e.order.settlement), e.order.settlement === 'parked' ? 'warning' : 'success'])}
      lead={e ? <>{word('order', e.order.status)} · <When at={e.order.order_ts} /> · {platform(e.order.platform)} · <bdi>{store}</bdi></> : null}
      actions={[recheck.act, text].map((act) => ({ ...act, disabled: !e }))}
      aside={e && <><Attribution e={e} /><History e={e} steps={steps.data?.data ?? []} facts={facts.data} /><Provenance calc={e.calculations[0]} /></>}>
      {recheck.said}
      <Ready of={all}><Await of={explained} lines={10}>{(loaded) => <>
        {loaded.order.settlement === 'parked' && <Parked order={loaded.order} />}
        <Calculations e={loaded} />
        <Postings rows={loaded.postings} names={loaded.names} more={loaded.postings_next_cursor !== ''} order={id} />
        {loaded.calculations.length > 0 && <Section><Details summary={t('order.inputs')}><Code label={t('order.inputs')} text={JSON.stringify(loaded.calculations[0]?.calc_snapshot_json, null, 1)} /></Details></Section>}
      </>}</Await></Ready>
    </Page>
  );
}

/** Computes the order once more from what is stored, and says what settling it by everything known now would post. */
function useRecheck(path: string): { act: Act; said: C } {
  const [busy, setBusy] = useState(false);
  const [said, say] = useState<C>(null);
  const run = (): void => {
    setBusy(true);
    post<Recheck>(`${path}/recheck`, {}).then((r) => {
      say(<Verdict r={r} />);
      void stale();
    }, (error: unknown) => say(error instanceof Failure ? <Problem error={error} /> : null)).finally(() => setBusy(false));
  };
  return { act: { label: t('order.recheck'), busy, onClick: run }, said };
}

function Verdict({ r }: { r: Recheck }): VNode {
  if (!r.equal && r.fault) return <Banner tone="critical" title={t('order.differs')}>{r.fault}</Banner>;
  if (r.preview.unchanged) return <Banner tone="success" title={t('order.rechecked')}>{t('order.same_bytes')}</Banner>;
  return (
    <Banner tone="info" title={t('order.would_post', { n: r.preview.will_post })}>
      {r.preview.reason} {r.preview.postings.slice(0, 5).map((p) => `${p.distributor_id} ${money(p.amount, p.currency)}`).join(', ')}
    </Banner>
  );
}

function useCopy(text: string): Act {
  return { label: t('order.copy'), onClick: () => { navigator.clipboard.writeText(text).then(() => toast(t('code.copied')), () => toast(t('code.refused'))); } };
}

const mends: Record<string, { label: () => string; href: string }> = {
  unmapped_sku: { label: () => t('parked.map'), href: '/products' },
  unknown_distributor: { label: () => t('parked.people'), href: '/distributors' },
};

function Parked({ order }: { order: Order }): VNode {
  const mend = mends[order.reason_code ?? ''];
  const waiting = order.waiting && !isZero(order.waiting) ? money(order.waiting, order.waiting_currency ?? order.currency) : '';
  return (
    <Banner tone="warning" title={word('reason', order.reason_code ?? '')} actions={mend ? [{ label: mend.label(), href: mend.href, primary: true }] : []}>
      {order.reason} {waiting && <Text strong>{t('parked.waiting', { money: waiting })}</Text>} {t('parked.by_itself')}
    </Banner>
  );
}

// ---- how much counts, and who was paid ---------------------------------------------

function Calculations({ e }: { e: Explanation }): VNode {
  const [newest, ...before] = e.calculations;
  if (!newest) {
    return <Section title={t('order.paid_why')}><Text muted>{e.order.settlement === 'parked' ? t('order.not_computed') : e.pays_from ? tx('order.early', { at: <When at={e.pays_from} /> }) : t('order.nothing_computed')}</Text></Section>;
  }
  return (
    <>
      <Calculated_ calc={newest} names={e.names} />
      {before.length > 0 && <Section title={t('order.before')} note={t('order.before_note')}>
        {before.map((c) => <Details key={c.snapshot_id} summary={tx('order.revision', { at: <When at={c.at} precise />, n: String(c.revision) })}><Calculated_ calc={c} names={e.names} /></Details>)}
      </Section>}
    </>
  );
}

function Calculated_({ calc, names }: { calc: Calculation; names: Names }): VNode {
  const l = calc.ladder;
  if (!l) return <Banner tone="critical" title={t('order.differs')}>{calc.fault}</Banner>;
  return (
    <>
      {!l.counts && <Banner tone="info" title={t('order.no_pay')}>{l.why}</Banner>}
      <Section title={t('order.paid_why')}>
        <Totals l={l} names={names} />
        {l.lines.map((line) => <Line_ key={line.line_id} line={line} l={l} names={names} />)}
      </Section>
    </>
  );
}

function Totals({ l, names }: { l: Calculated; names: Names }): VNode {
  const rows: (readonly [string, C])[] = l.totals.map((total) => [names[total.distributor_id] ? `${names[total.distributor_id]} (${total.distributor_id})` : total.distributor_id, <Money text={total.paid} currency={l.currency} />]);
  if (!isZero(l.breakage)) rows.push([t('order.breakage'), <Money text={l.breakage} currency={l.currency} />]);
  return rows.length > 0 ? <Facts rows={rows} /> : <Text muted>{t('order.nobody')}</Text>;
}

function Line_({ line, l, names }: { line: OrderLine; l: Calculated; names: Names }): VNode {
  const steps: Fall[] = [{ label: t('fall.price'), amount: line.gross, kind: 'start' }, ...line.deductions.map((d) => ({ label: word('fall', d.name.replaceAll(' ', '_')), amount: d.amount, kind: 'take' as const }))];
  if (!line.excluded) steps.push({ label: t('fall.counts', { n: line.quantity_left }), amount: line.net, kind: 'sum' });
  return (
    <LineOfOrder title={line.platform_sku || t('order.line', { id: line.line_id })} note={line.commission_class && t('order.class', { name: line.commission_class })}>
      <Waterfall steps={steps} currency={l.currency} />
      {line.excluded && <Text muted>{t('fall.excluded', { why: line.excluded })}</Text>}
      {!isZero(line.cv) && <Text muted>{t('order.cv', { cv: figure(line.cv) })}</Text>}
      {line.components.map((c) => <Ladder key={c.component_id} title={word('component', c.component_id)} note={t('order.on', { base: baseOf(c, l.currency) })} rungs={c.rungs.flatMap((r) => rungs(r, c, l, names))} />)}
    </LineOfOrder>
  );
}

/** Why somebody was passed over, in the reader's language; what this version does not know is shown as it came. */
function because(reason: string): string {
  const status = /^status (\w+)$/.exec(reason)?.[1];
  const closed = /^rank (.+) does not open level (\d+)$/.exec(reason);
  const below = /^rank (.+) is below (.+), which level (\d+) asks for$/.exec(reason);
  if (status) return t('why.status', { status: word('status', status) });
  if (closed) return t('why.closed', { rank: word('rank', closed[1] ?? ''), level: closed[2] ?? '' });
  if (below) return t('why.below', { rank: word('rank', below[1] ?? ''), wanted: word('rank', below[2] ?? ''), level: below[3] ?? '' });
  return reason === 'own order' ? t('why.own_order') : reason === 'the buyer is a distributor, not a customer' ? t('why.no_customer') : reason;
}

const baseOf = (c: Component, currency: string): string => c.base === 'cv' ? `${figure(c.base_amount)} CV` : money(c.base_amount, currency);

/** 1 CV is worth 1 of the currency in most plans, and a factor of one only lengthens the line. */
const says = (f: { name: string; value: string }): boolean => f.name !== 'cv_to_money' || !/^1(\.0+)? /.test(f.value);

function rungs(r: Rung, c: Component, l: Calculated, names: Names): RungRow[] {
  const place = r.level > 0 ? t('rung.level', { n: String(r.level) }) : t('rung.seller');
  const passed: RungRow[] = r.skipped.map((s) => ({ place, person: <Person id={s.distributor_id} names={names} />, sum: t('rung.passed'), why: because(s.reason) }));
  if (!r.distributor_id) return [...passed, { place, person: t('rung.nobody'), sum: t('rung.ends') }];
  const base = c.base === 'cv' ? `${figure(c.base_amount)} CV` : figure(c.base_amount);
  const sum = [base, ...r.factors.filter(says).map((f) => f.value)].join(' × ');
  const cuts = r.cuts.map((cut) => t('rung.cut', { cap: word('cap', cut.cap_id), money: money(cut.amount, l.currency) })).join(' ');
  return [...passed, {
    place, person: <><Person id={r.distributor_id} names={names} />{r.rank && <> <Text muted>{word('rank', r.rank)}</Text></>}</>,
    sum: <bdi>{`${sum} = ${figure(r.amount)}`}</bdi>, why: [cuts, r.breakage && t('rung.unpaid', { why: because(r.breakage) })].filter(Boolean).join(' ') || undefined, paid: <Money text={r.paid} currency={l.currency} />,
  }];
}

// ---- beside it ------------------------------------------------------------------------

function Attribution({ e }: { e: Explanation }): VNode {
  const l = e.calculations[0]?.ladder;
  const seller = l?.seller_id ?? e.order.distributor_id;
  return (
    <Section title={t('order.attribution')}>
      <Facts rows={[
        [t('orders.seller'), seller ? <Person id={seller} names={e.names} /> : t('orders.company')],
        ...(l?.evidence ? [[t('order.evidence'), <>{word('evidence', l.evidence)} <Id>{l.evidence_value}</Id></>] as const] : []),
        ...(l?.lost.map((lost) => [t('order.lost'), <>{word('evidence', lost.kind)} <Id>{lost.value}</Id>: {lost.why}</>] as const) ?? []),
        ...(l?.buyer_distributor_id ? [[t('order.buyer'), <Person id={l.buyer_distributor_id} names={e.names} />] as const] : []),
        [t('orders.net'), <Money text={e.order.net} currency={e.order.currency} />],
        [t('orders.commission'), <Money text={e.order.earned} currency={e.order.currency} />],
      ]} />
    </Section>
  );
}

const stepText = (step: Step): C => {
  switch (step.what) {
    case 'received': return <>{t('time.received')} <Link href={`/deliveries/${step.delivery_id}`}><bdi>{step.topic}</bdi></Link></>;
    case 'decided': return t('time.decided', { result: word(step.result && step.result in mends ? 'reason' : 'result', step.result ?? '') });
    case 'posted': return t('time.computed', { revision: String(step.revision ?? ''), n: step.postings ?? 0 });
  }
};

function History({ e, steps, facts }: { e: Explanation; steps: Step[]; facts?: OrderFacts }): VNode {
  const items = [{ key: 'placed', at: e.order.order_ts, text: t('time.placed') as C }, ...steps.map((s, i) => ({ key: String(i), at: s.at, text: stepText(s) }))];
  const refunds = facts?.refunds ?? [];
  return (
    <>
      <Section title={t('order.timeline')}><Timeline items={items} /></Section>
      <Section title={t('order.refunds')}>
        {refunds.length === 0 ? <Text muted>{t('order.no_refunds')}</Text> : refunds.map((r) => <Refund key={r.refund_id} r={r} facts={facts as OrderFacts} />)}
      </Section>
    </>
  );
}

function Refund({ r, facts }: { r: OrderFacts['refunds'][number]; facts: OrderFacts }): VNode {
  const sku = (id: string): string => facts.lines.find((l) => l.line_id === id)?.platform_sku || id;
  const rows: (readonly [string, C])[] = r.lines.map((l) => [`${sku(l.line_id)} × ${l.quantity}`, <Money text={l.amount} currency={facts.currency} />]);
  if (r.amount && !isZero(r.amount)) rows.push([t('fall.money_refund'), <Money text={r.amount} currency={facts.currency} />]);
  return <Stack tight><Text strong><When at={r.at} />{r.deleted && ` · ${t('order.refund_deleted')}`}</Text><Facts rows={rows} /></Stack>;
}

function Provenance({ calc }: { calc?: Calculation }): VNode | null {
  const l = calc?.ladder;
  return l ? (
    <Section title={t('order.proof')}>
      <Facts rows={[[t('order.plan'), <Id>{l.plan_hash.slice(0, 12)}</Id>], [t('order.tree'), String(l.tree_version)], [t('order.catalogue'), String(l.catalog_version)], [t('order.engine'), String(l.engine_version)], [t('order.snapshot'), <Id>{calc.snapshot_id.slice(0, 16)}</Id>]]} />
    </Section>
  ) : null;
}

function Postings({ rows, names, more, order }: { rows: Posting[]; names: Names; more: boolean; order: string }): VNode | null {
  if (rows.length === 0) return null;
  return (
    <Section flush title={t('ledger.postings')} note={t('ledger.note')} actions={more ? [{ label: t('ledger.all'), href: `/commissions?show=ledger&order_id=${encodeURIComponent(order)}` }] : []}>
      <Table caption={t('ledger.postings')} head={[{ title: t('ledger.who'), slot: 'primary' }, { title: t('ledger.amount'), numeric: true, slot: 'inline' }, { title: t('ledger.kind'), slot: 'secondary' }, { title: t('ledger.from_to') }, { title: t('ledger.posted') }]}
        rows={rows.map((p) => ({ id: p.event_id, cells: [<bdi>{names[p.distributor_id] ?? p.distributor_id}</bdi>, <Money text={p.amount} currency={p.currency} />, `${word('kind', p.kind)} · ${word('component', p.component_id)}`, <Moved from={p.from} to={p.to} />, <When at={p.posted_at} />] }))} />
    </Section>
  );
}

