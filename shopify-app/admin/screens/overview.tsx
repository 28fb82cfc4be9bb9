import type { VNode } from 'preact';
import { Button, Cards, Code, Facts, Line, Metric, Page, Section, Stack, Text } from '#ui';
import { t, word } from '#text';
import { count, money } from '../../ui/money.ts';
import { ago, span } from '../../ui/time.ts';
import { Money, Pipe, Steps } from '#viz';
import { Await, Listed, Nothing, Ready, platform } from '../common.tsx';
import { useGet, useList } from '../data.ts';
import type { Page as PageOf } from '../data.ts';
import type { Delivery, Order, Overview as Figures, Setup, Unmapped } from '../types.ts';
import { orderHead, orderRow } from './orders.tsx';

export default function Overview(): VNode {
  const figures = useGet<Figures>('/api/v1/overview', 10_000);
  const setup = useGet<Setup>('/api/setup', 10_000);
  const parked = useList<Order>('/api/v1/orders', { settlement: 'parked' });
  const unmapped = useGet<PageOf<Unmapped>>('/api/v1/mappings/unmapped');
  const newest = useList<Order>('/api/v1/orders', {}, 10);
  const done = useList<Delivery>('/api/v1/deliveries', { status: 'done' }, 20);
  const waiting = useList<Delivery>('/api/v1/deliveries', { status: 'waiting' }, 20);
  const all = [figures, setup, parked, unmapped, newest, done, waiting];
  const ready = all.every((r) => r.data !== undefined || r.error !== undefined);
  return (
    <Page title={t('nav.overview')} aside={ready && <>
      <NeedsYou parked={parked.data} more={parked.onMore !== undefined} unmapped={unmapped.data?.data} />
      {figures.data && <Stores figures={figures.data} />}
    </>}>
      <Ready of={all}>
        {setup.data && !complete(setup.data) && <Guide setup={setup.data} figures={figures.data} />}
        <Await of={figures}>{(f) => <Stack>
          <Figures_ f={f} />
          <Pipeline f={f} newest={done.data?.[0]} waiting={waiting.data} />
        </Stack>}</Await>
        <Section flush title={t('overview.newest')} actions={[{ label: t('ledger.all'), href: '/orders' }]}>
          <Listed of={{ ...newest, data: newest.data?.slice(0, 8), onMore: undefined }} caption={t('overview.newest')} head={orderHead()} row={orderRow} empty={<Nothing title={t('orders.none')} text={t('orders.none_yet')} />} />
        </Section>
      </Ready>
    </Page>
  );
}

/** The books' own currency first. */
const byCurrency = (f: Figures): [string, string][] => Object.entries(f.earned ?? {}).sort(([a], [b]) => (a === f.program.currency ? -1 : b === f.program.currency ? 1 : a < b ? -1 : 1));

const Figures_ = ({ f }: { f: Figures }): VNode => (
  <Cards>
    {byCurrency(f).map(([currency, sum]) => <Metric key={currency} label={t('overview.earned')} value={<Money text={sum} currency={currency} />} note={t('overview.earned_note')} href="/commissions" />)}
    <Metric label={t('nav.orders')} value={count(f.orders)} href="/orders" note={t('overview.orders_note', { n: f.deliveries })} />
    <Metric label={t('overview.parked')} value={count(f.parked_orders)} href="/orders?settlement=parked" tone={f.parked_orders > 0 ? 'warning' : 'success'} note={f.parked_orders > 0 ? t('overview.parked_note') : t('overview.nothing_waits')} />
    <Metric label={t('nav.distributors')} value={count(f.distributors)} href="/distributors" />
  </Cards>
);

function Pipeline({ f, newest, waiting }: { f: Figures; newest?: Delivery; waiting?: Delivery[] }): VNode {
  const oldest = waiting?.at(-1);
  return (
    <Section title={t('pipe.title')}>
      <Pipe stages={[
        { label: t('pipe.received'), value: count(f.deliveries), note: newest ? ago(newest.received_at) : '' },
        { label: t('pipe.mapped'), value: count(f.orders - f.parked_orders), note: t('pipe.skus', { n: f.mapped_skus }) },
        { label: t('pipe.posted'), value: newest?.settled_at ? span(newest.received_at, newest.settled_at) : '–', note: t('pipe.newest') },
        { label: t('pipe.sealed'), value: count(f.last_batch), note: t('pipe.batches') },
        { label: t('pipe.waiting'), value: waiting ? count(waiting.length) : '–', note: oldest ? t('pipe.oldest', { ago: ago(oldest.received_at) }) : t('overview.nothing_waits') },
      ]} />
    </Section>
  );
}

function NeedsYou({ parked, more, unmapped }: { parked?: Order[]; more: boolean; unmapped?: Unmapped[] }): VNode {
  const rows: VNode[] = [];
  if (unmapped && unmapped.length > 0) {
    const first = unmapped[0] as Unmapped;
    rows.push(<Line spread><Text>{t('needs.skus', { n: unmapped.length, money: money(first.waiting, first.currency) })}</Text><Button label={t('needs.map')} href="/products" primary /></Line>);
  }
  const others = parked?.filter((o) => o.reason_code !== 'unmapped_sku') ?? [];
  for (const code of [...new Set(others.map((o) => o.reason_code ?? ''))]) {
    const n = others.filter((o) => o.reason_code === code).length;
    rows.push(<Line spread><Text>{word('reason', code)}: {t('needs.orders', { n })}{more ? '+' : ''}</Text><Button label={t('needs.look')} href={`/orders?settlement=parked&reason_code=${encodeURIComponent(code)}`} /></Line>);
  }
  return <Section title={t('needs.title')}>{rows.length > 0 ? rows : <Text muted>{parked && unmapped ? t('needs.nothing') : t('list.loading')}</Text>}</Section>;
}

function Stores({ figures }: { figures: Figures }): VNode {
  return (
    <Section title={t('nav.stores')} actions={[{ label: t('ledger.all'), href: '/stores' }]}>
      {(figures.stores ?? []).length === 0 ? <Text muted>{t('stores.none_yet')}</Text>
        : <Facts rows={(figures.stores ?? []).slice(0, 6).map((s) => [s.name || s.domain, <>{platform(s.platform)} · {s.last_delivery_at ? ago(s.last_delivery_at) : t('stores.no_event')}</>] as const)} />}
    </Section>
  );
}

// ---- the guide ----------------------------------------------------------------------

const order = ['program', 'store', 'people', 'mappings', 'plan', 'order'] as const;
export const complete = (s: Setup): boolean => order.every((id) => s[id]);

const leads: Partial<Record<(typeof order)[number], string>> = { store: '/stores', people: '/distributors/import', mappings: '/products', order: '/stores' };
const commands: Partial<Record<(typeof order)[number], string>> = {
  program: 'bin/upline admin program create "My Company" --currency EUR', plan: 'bin/upline plan publish server/planfile/plans/retail-unilevel.yaml',
};

/** What is still to do; each tick is the state of the server, never a click. */
export function Guide({ setup, figures }: { setup: Setup; figures?: Figures }): VNode {
  const done = order.filter((id) => setup[id]).length;
  const next = order.find((id) => !setup[id]);
  const notes: Partial<Record<string, string>> = figures ? {
    store: (figures.stores ?? []).length > 0 ? t('setup.stores', { n: (figures.stores ?? []).length }) : '', people: figures.distributors > 0 ? t('setup.people_n', { n: figures.distributors }) : '',
    mappings: figures.mapped_skus > 0 ? t('setup.skus', { n: figures.mapped_skus }) : '', order: figures.orders > 0 ? t('setup.orders', { n: figures.orders }) : '',
  } : {};
  return (
    <Section title={t('setup.title')} note={t('setup.count', { done: String(done), all: String(order.length) })}>
      <Steps steps={order.map((id) => ({
        id, done: setup[id], title: t(`setup.${id}`), note: notes[id],
        action: !setup[id] && leads[id] ? <Button label={t('setup.go')} href={leads[id]} primary={id === next} /> : undefined,
        body: id === next ? <><Text muted>{t(`setup.${id}_text`)}</Text>{commands[id] && <Code label={t('setup.command')} text={commands[id] ?? ''} />}</> : undefined,
      }))} />
    </Section>
  );
}

