import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Banner, Choice, Code, Dialog, Facts, Line, Link, Page, Section, Stack, Text, toast } from '#ui';
import { t, word } from '#text';
import { count } from '../../ui/money.ts';
import { span } from '../../ui/time.ts';
import { Id, Timeline, When } from '#viz';
import { Await, Between, DeliveryState, ListViews, Listed, Nothing, Problem, Search, between, orderHref, platform, useStoreName } from '../common.tsx';
import { Failure, post } from '../api.ts';
import { stale, useGet, useList } from '../data.ts';
import { backTo, refine, usePlace } from '../route.ts';
import { may } from '../session.ts';
import type { Delivery, Overview, Recheck } from '../types.ts';

export function Deliveries(): VNode {
  const { query } = usePlace();
  const filter = { status: query.get('status') ?? '', store_id: query.get('store_id') ?? '', platform_delivery_id: query.get('platform_delivery_id') ?? '', order_id: query.get('order_id') ?? '', ...between(query) };
  const list = useList<Delivery>('/api/v1/deliveries', filter);
  const stores = useGet<Overview>('/api/v1/overview').data?.stores ?? [];
  return (
    <Page title={t('nav.deliveries')} lead={t('delivery.lead')}>
      <Section flush>
        <Stack>
          <ListViews list="deliveries" label={t('delivery.which')} own={[['', t('orders.all')], ['status=waiting', t('delivery.waiting')], ['status=parked', t('delivery.parked')], ['status=done', t('delivery.done')]]} />
          <Line>
            <Choice label={t('orders.store')} hideLabel value={filter.store_id} onInput={(v) => refine({ store_id: v })} options={[['', t('orders.every_store')], ...stores.map((s) => [s.store_id, s.name || s.domain] as const)]} />
            <Search label={t('delivery.find')} name="platform_delivery_id" /><Search label={t('ledger.order_id')} name="order_id" /><Between />
          </Line>
        </Stack>
        <Listed of={list} caption={t('nav.deliveries')}
          head={[{ title: t('delivery.topic'), slot: 'primary' }, { title: t('delivery.state'), slot: 'inline' }, { title: t('delivery.received'), slot: 'secondary' }, { title: t('delivery.took'), numeric: true }, { title: t('delivery.order') }, { title: t('delivery.result') }]}
          row={(d) => ({ id: d.delivery_id, href: `/deliveries/${d.delivery_id}`, cells: [<bdi>{d.topic}</bdi>, <DeliveryState state={d.status} />, <><When at={d.received_at} precise /> · {platform(d.platform)}</>, d.settled_at ? span(d.received_at, d.settled_at) : '–',
            d.order_id ? <Link href={orderHref(d.order_id)}><bdi>{d.order_id}</bdi></Link> : '–', d.result ? word(d.status === 'parked' ? 'reason' : 'result', d.result) : '–'] })}
          empty={Object.values(filter).some(Boolean) ? <Nothing title={t('delivery.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/deliveries' }]} />
            : <Nothing title={t('delivery.none')} text={t('delivery.none_yet')} actions={[{ label: t('nav.stores'), href: '/stores' }]} />} />
      </Section>
    </Page>
  );
}

export function DeliveryScreen({ id }: { id: string }): VNode {
  const path = `/api/v1/deliveries/${encodeURIComponent(id)}`;
  const delivery = useGet<Delivery>(path);
  const d = delivery.data;
  const store = useStoreName(d?.store_id);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Failure>();
  const replay = (): void => {
    setBusy(true);
    post(`${path}/replay`, {}).then(() => {
      setAsking(false);
      toast(t('delivery.replayed'));
      setTimeout(() => void stale(), 800);
    }, (e: unknown) => setError(e instanceof Failure ? e : undefined)).finally(() => setBusy(false));
  };
  return (
    <Page title={d ? d.topic : t('delivery.one')} back={{ label: t('nav.deliveries'), href: backTo('/deliveries') }} badge={d && [word('delivery', d.status), d.status === 'done' ? 'success' : d.status === 'parked' ? 'warning' : 'info']}
      lead={d ? <><When at={d.received_at} precise /> · {platform(d.platform)} · <bdi>{store}</bdi></> : null}
      actions={may('orders.replay') ? [{ label: t('delivery.replay'), onClick: () => setAsking(true), disabled: !d || d.status === 'waiting' }] : []}
      aside={d && <Section title={t('delivery.stages')}><Timeline items={[{ key: 'in', at: d.received_at, text: t('delivery.on_disk') }, ...(d.settled_at ? [{ key: 'out', at: d.settled_at, text: t('delivery.settled_after', { span: span(d.received_at, d.settled_at) }) }] : [])]} /></Section>}>
      <Await of={delivery}>{(x) => <>
        {x.reason && <Banner tone={x.status === 'parked' ? 'warning' : 'info'} title={word('reason', x.result ?? '')}>{x.reason}</Banner>}
        <Section title={t('delivery.facts')}>
          <Facts rows={[
            [t('delivery.order'), x.order_id ? <Link href={orderHref(x.order_id)}><bdi>{x.order_id}</bdi></Link> : '–'],
            [t('delivery.result'), x.result ? word(x.status === 'parked' ? 'reason' : 'result', x.result) : '–'], [t('delivery.attempts'), count(x.attempt + 1)],
            [t('delivery.their_id'), <Id>{x.platform_delivery_id}</Id>], [t('delivery.our_id'), <Id>{x.delivery_id}</Id>],
            [t('delivery.body'), t('delivery.bytes', { n: x.body_bytes })], [t('delivery.hash'), <Id>{x.body_sha256}</Id>],
          ]} />
        </Section>
        {may('bodies.read') && <Body path={path} />}
      </>}</Await>
      <Dialog open={asking} title={t('delivery.replay')} onClose={() => setAsking(false)} actions={[{ label: t('save.cancel'), onClick: () => setAsking(false) }, { label: t('delivery.replay'), primary: true, busy, onClick: replay }]}>
        {error && <Problem error={error} />}
        {asking && d && <WillChange d={d} />}
      </Dialog>
    </Page>
  );
}

/** What processing it once more would write, asked of the order itself. */
function WillChange({ d }: { d: Delivery }): VNode {
  const [r, set] = useState<Recheck>();
  const [asked, setAsked] = useState(false);
  if (d.order_id && !asked) {
    setAsked(true);
    post<Recheck>(`${orderHref(d.order_id).replace('/orders/', '/api/v1/orders/')}/recheck`, {}).then(set, () => undefined);
  }
  return (
    <>
      {r && <Banner tone={r.preview.will_post === 0 ? 'success' : 'info'} title={t('delivery.will_change', { n: r.preview.will_post })}>{r.preview.reason}</Banner>}
      <Text>{d.status === 'done' ? t('delivery.changes_nothing') : t('delivery.may_settle')}</Text>
    </>
  );
}

interface DeliveryBody { headers: Record<string, string>; text: string; bytes: number }

/** The message as it came; who looks is written down. */
function Body({ path }: { path: string }): VNode {
  const [shown, show] = useState(false);
  const body = useGet<DeliveryBody>(shown ? `${path}/body` : '');
  return (
    <Section title={t('delivery.body')} actions={shown ? [] : [{ label: t('delivery.show_body'), onClick: () => show(true) }]}>
      <Text muted>{t('delivery.body_note')}</Text>
      {shown && <Await of={body}>{(b) => <>
        <Facts rows={Object.entries(b.headers).map(([name, value]) => [name, <Id>{value}</Id>] as const)} />
        <Code label={t('delivery.body')} text={b.text ? pretty(b.text) : t('delivery.no_text')} />
      </>}</Await>}
    </Section>
  );
}

/** JSON is set out without being read: a reader of JSON would round its large numbers. */
function pretty(text: string): string {
  let depth = 0, inside = false, out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '"' && text[i - 1] !== '\\') inside = !inside;
    if (inside || !/[{}\[\],:\s]/.test(c)) out += c;
    else if (c === '{' || c === '[') out += `${c}\n${'  '.repeat(++depth)}`;
    else if (c === '}' || c === ']') out += `\n${'  '.repeat(depth = Math.max(depth - 1, 0))}${c}`;
    else if (c === ',') out += `,\n${'  '.repeat(depth)}`;
    else if (c === ':') out += ': ';
  }
  return out;
}
