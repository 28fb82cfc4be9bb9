import type { VNode } from 'preact';
import { Button, Cards, Code, Facts, Line, Metric, Page, Section, Stack, Text } from '#ui';
import { t, word } from '#text';
import { count, money } from '../../ui/money.ts';
import { ago, duration } from '../../ui/time.ts';
import { Money, Pipe, Steps } from '#viz';
import { Await, Listed, Nothing, Ready, platform, ready } from '../common.tsx';
import { useGet, useList } from '../data.ts';
import type { Order, Overview as Figures, Reconciled, Setup, Standing } from '../types.ts';
import type { Page as PageOf } from '../data.ts';
import { orderHead, orderRow } from './orders.tsx';
import { Storefront, useEmbed } from './storefront.tsx';

export default function Overview(): VNode {
  const figures = useGet<Figures>('/api/v1/overview');
  const setup = useGet<Setup>('/api/setup');
  const standing = useGet<Standing>('/api/v1/standing');
  const reconciled = useGet<PageOf<Reconciled>>('/api/v1/reconciliation?limit=20');
  const newest = useList<Order>('/api/v1/orders', {}, 10);
  const embed = useEmbed();
  const all = [figures, setup, standing, newest];
  const shown = embed !== undefined && ready(all);
  return (
    <Page title={t('nav.overview')} aside={shown && <>
      <Storefront state={embed} />
      {standing.data && <NeedsYou s={standing.data} />}
      {figures.data && <Stores figures={figures.data} />}
    </>}>
      <Ready of={all}>
        {setup.data && !complete(setup.data) && <Guide setup={setup.data} figures={figures.data} />}
        <Await of={figures}>{(f) => <Figures_ f={f} />}</Await>
        <Await of={standing}>{(s) => <Way s={s} last={reconciled.data?.data.find((r) => r.state === 'done')} />}</Await>
        <Section flush title={t('overview.newest')} actions={[{ label: t('ledger.all'), href: '/orders' }]}>
          <Listed of={{ ...newest, data: newest.data?.slice(0, 8), onMore: undefined }} caption={t('overview.newest')} head={orderHead()} row={(o) => orderRow(o, newest.names)} empty={<Nothing title={t('orders.none')} text={t('orders.none_yet')} />} />
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

const micros = (l: { of: number; p95_us: number }): string => (l.of > 0 ? t('pipe.p95', { time: duration(l.p95_us / 1000) }) : t('pipe.no_time'));

/** The way from a store's message to the ledger, and how well it is served. */
const Way = ({ s, last }: { s: Standing; last?: Reconciled }): VNode => (
  <Section title={t('pipe.title')}>
    <Pipe stages={s.stages.map((stage) => ({ label: t(`pipe.${stage.name}`), value: count(stage.count), note: stage.oldest ? t('pipe.oldest', { ago: ago(stage.oldest) }) : t('overview.nothing_waits') }))} />
    <Facts rows={[
      [t('pipe.ack'), micros(s.ack)], [t('pipe.emit'), micros(s.emit)], [t('pipe.duplicates'), count(s.duplicates)],
      [t('pipe.sealed'), s.last_seal > 0 ? t('pipe.batches', { n: s.last_seal }) : t('pipe.not_reconciled')],
      [t('pipe.reconciled'), last ? t('pipe.delta', { amount: money(last.delta, last.currency), ago: ago(last.finished_at ?? last.started_at) }) : t('pipe.not_reconciled')],
    ]} />
  </Section>
);

function NeedsYou({ s }: { s: Standing }): VNode {
  const reasons = [...new Set(s.waiting.map((w) => w.reason_code))]; // one row each, whatever the currencies
  const sum = (w: Standing['waiting'][number]): string => (w.waiting && w.currency ? money(w.waiting, w.currency) : '');
  return (
    <Section title={t('needs.title')}>
      {s.releasing > 0 && <Text muted>{t('needs.releasing', { n: s.releasing })}</Text>}
      {s.waiting.length === 0 ? <Text muted>{t('needs.nothing')}</Text> : reasons.map((reason) => {
        const all = s.waiting.filter((w) => w.reason_code === reason);
        return (
          <Line spread key={reason}>
            <Stack tight>
              <Text>{word('reason', reason)}: {t('needs.orders', { n: all.reduce((n, w) => n + w.orders, 0) })}</Text>
              <Text muted>{all.map(sum).filter(Boolean).join(' + ')}</Text>
            </Stack>
            {reason === 'unmapped_sku' ? <Button label={t('needs.map')} href="/products" primary /> : <Button label={t('needs.look')} href={`/orders?settlement=parked&reason_code=${encodeURIComponent(reason)}`} />}
          </Line>
        );
      })}
    </Section>
  );
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

const leads: Partial<Record<(typeof order)[number], string>> = { store: '/stores', people: '/distributors/import', mappings: '/products', plan: '/plans', order: '/stores' };
const commands: Partial<Record<(typeof order)[number], string>> = {
  program: 'bin/upline admin program create "My Company" --currency EUR',
};

/** What is still to do; each tick is the state of the server, never a click. From outside, before somebody has signed in, nothing of it can be done. */
export function Guide({ setup, figures, outside }: { setup: Setup; figures?: Figures; outside?: boolean }): VNode {
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
        action: !outside && !setup[id] && leads[id] ? <Button label={t('setup.go')} href={leads[id]} primary={id === next} /> : undefined,
        body: id === next ? <><Text muted>{t(`setup.${id}_text`)}</Text>{commands[id] && !outside && <Code label={t('setup.command')} text={commands[id] ?? ''} />}</> : undefined,
      }))} />
    </Section>
  );
}

