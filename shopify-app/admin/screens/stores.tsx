import type { VNode } from 'preact';
import { Badge, Banner, Button, Check, Choice, Code, Details, Facts, Field, Form, Line, Page, Section, Stack, Text, toast } from '#ui';
import { useEffect, useState } from 'preact/hooks';
import type { Tone } from '#ui';
import { t, word } from '#text';
import { ago, dayOf, duration, today } from '../../ui/time.ts';
import { Id, When } from '#viz';
import { Await, Nothing, Problem, Ready, platform } from '../common.tsx';
import { ask, post } from '../api.ts';
import { stale, useGet } from '../data.ts';
import type { Page as PageOf } from '../data.ts';
import { may } from '../session.ts';
import type { Setup, Store } from '../types.ts';
import { currencies, useSubmit } from './signin.tsx';
import { Optional } from './scopes.tsx';

export default function Stores(): VNode {
  const stores = useGet<PageOf<Store>>('/api/v1/stores', 10_000);
  const setup = useGet<Setup>('/api/setup');
  const known = setup.data !== undefined || setup.error !== undefined;
  return (
    <Page title={t('nav.stores')} lead={t('stores.lead')} aside={stores.data && known && <Connect setup={setup.data} />}>
      <Ready of={[stores, setup]}><Await of={stores}>{({ data }) => data.length === 0 ? <Section><Nothing title={t('stores.none')} text={t('stores.none_yet')} /></Section>
        : <>{data.map((s) => <StoreCard key={s.store_id} store={s} />)}</>}</Await></Ready>
    </Page>
  );
}

interface Tested { at: string; checks: { name: string; state: 'good' | 'bad' | 'unknown'; code: string; value?: string }[] }
const checkTones: Record<string, Tone> = { good: 'success', bad: 'critical', unknown: 'neutral' };

/** What was found when the store was tested, in words; an instant is told as one, a duration as one. */
const Checks = ({ of }: { of: Tested }): VNode => (
  <Stack tight>
    <Text muted>{t('check.now')} · <When at={of.at} precise /></Text>
    {of.checks.map((c) => <Line key={c.name}><Text strong>{word('check', c.name)}</Text><Badge tone={checkTones[c.state] ?? 'neutral'}>{word('check_code', c.code)}</Badge>{c.value && <Text muted>{/^\d+$/.test(c.value) ? duration(Number(c.value) / 1000) : <When at={c.value} />}</Text>}</Line>)}
  </Stack>
);

/** What became of a connection; only Shopify's is mended by opening the app there, any other by connecting once more. */
const connectionWord = (s: Store): string => s.connection === 'needs_reauth' && s.platform !== 'shopify' ? word('check_code', 'needs_reauth') : word('connection', s.connection ?? '');

const connections: Record<string, Tone> = { connected: 'success', needs_reauth: 'critical', uninstalled: 'warning' };

function StoreCard({ store: s }: { store: Store }): VNode {
  const [secret, setSecret] = useState('');
  const [tested, setTested] = useState<Tested>();
  const test = (): void => { post<Tested>(`/api/v1/stores/${encodeURIComponent(s.store_id)}/test`, {}).then(setTested, (e: Error) => toast(e.message)); };
  const change = (body: unknown): void => { ask(`/api/v1/stores/${encodeURIComponent(s.store_id)}`, { method: 'PATCH', body }).then(() => stale(), (e: Error) => { toast(e.message); void stale(); }); };
  const rotate = (): void => { post<{ signing_secret: string }>(`/api/v1/stores/${encodeURIComponent(s.store_id)}/rotate-secret`, {}).then((r) => setSecret(r.signing_secret), (e: Error) => toast(e.message)); };
  return (
    <Section title={s.name || s.domain} note={platform(s.platform)} actions={[...(may('stores.manage') ? [{ label: t('stores.test'), onClick: test }] : []), { label: t('stores.deliveries'), href: `/deliveries?store_id=${encodeURIComponent(s.store_id)}` }, { label: t('nav.orders'), href: `/orders?store_id=${encodeURIComponent(s.store_id)}` }]}>
      {s.connection && s.connection !== 'connected' && <Banner tone={connections[s.connection] ?? 'warning'} title={connectionWord(s)}>{s.connection_reason}</Banner>}
      {s.missing_scopes && <Banner tone="warning" title={t('stores.missing_scopes', { scopes: s.missing_scopes.join(', ') })}>{t('stores.missing_scopes_text')}</Banner>}
      {s.optional_scopes && may('stores.manage') && <Optional of={s.optional_scopes} domain={s.domain} />}
      <Facts rows={[
        [t('stores.last_event'), s.last_delivery_at ? <>{ago(s.last_delivery_at)} · <When at={s.last_delivery_at} /></> : t('stores.no_event')],
        [t('stores.domain'), <bdi>{s.domain}</bdi>], [t('stores.currency'), s.currency], [t('stores.id'), <Id>{s.store_id}</Id>],
        ...(s.connection ? [[t('stores.connection'), connectionWord(s)] as const] : []),
        [t('stores.test_orders'), s.accept_test_orders ? t('stores.test_count') : t('stores.test_ignored')],
        ...(s.go_live_at ? [[t('stores.go_live'), <When at={s.go_live_at} />] as const] : []),
      ]} />
      {tested && <Checks of={tested} />}
      {secret && <><Banner tone="warning" title={t('stores.secret_once')} /><Code label={t('stores.secret')} text={secret} named /></>}
      {may('stores.manage') && <Details summary={t('stores.change')}><Stack>
        <PaysFrom key={s.go_live_at} store={s} />
        <Check label={t('stores.accept_tests')} checked={s.accept_test_orders} onInput={(on) => change({ accept_test_orders: on })} />
        <Line><Button label={t('stores.rotate')} onClick={rotate} /><Text muted>{t('stores.rotate_text')}</Text></Line>
      </Stack></Details>}
    </Section>
  );
}

/** The day from which a store pays, to be corrected. */
function PaysFrom({ store }: { store: Store }): VNode {
  const was = store.go_live_at ? dayOf(store.go_live_at) : '';
  const [day, setDay] = useState(was);
  const s = useSubmit();
  const save = (): void => s.run(async () => {
    await ask(`/api/v1/stores/${encodeURIComponent(store.store_id)}`, { method: 'PATCH', body: { go_live_at: day } });
    toast(t('branding.saved'));
    void stale();
  });
  return (
    <Form onSubmit={save}>
      {s.error && !s.at('go_live_at') && <Problem error={s.error} />}
      <Field label={t('stores.go_live')} type="date" value={day} onInput={setDay} help={t('stores.go_live_later')} error={s.at('go_live_at')} />
      <Line><Button label={t('save.save')} submit busy={s.busy} disabled={day === was} /></Line>
    </Form>
  );
}

const ways = ['shopify', 'woocommerce', 'magento', 'custom'] as const;

/** Makes a store known here; the answer's secret is what its messages are signed with. */
function Connect({ setup }: { setup?: Setup }): VNode {
  const [f, set] = useState({ platform: 'shopify' as (typeof ways)[number], domain: '', name: '', currency: 'EUR' });
  const [made, setMade] = useState<{ store_id: string; signing_secret: string }>();
  const [under, setUnder] = useState<Connecting>();
  const [api, setApi] = useState('');
  const [from, setFrom] = useState(today()); // what was sold before is mostly paid already, by whatever paid before us
  const s = useSubmit();
  const submit = (): void => s.run(async () => {
    if (f.platform === 'magento') {
      setUnder(await post<Connecting>('/api/v1/connections', { site: f.domain.trim(), currency: f.currency, name: f.name.trim(), role: 'viewer', go_live_at: from, ...(api.trim() ? { api_base: api.trim() } : {}) }));
      void stale();
      return;
    }
    setMade(await post('/api/v1/stores', { platform: f.platform, domain: f.domain.trim(), currency: f.currency, go_live_at: from, ...(f.name.trim() ? { name: f.name.trim() } : {}) }));
    void stale();
  });
  if (!may('stores.manage')) return <></>;
  return (
    <Section title={t('stores.connect')}>
      {under ? <Handshake begun={under} again={() => setUnder(undefined)} /> : made ? <>
        <Banner tone="success" title={t('stores.made')}>{t('stores.secret_once')}</Banner>
        <Code named label={t('stores.id')} text={made.store_id} /><Code named label={t('stores.secret')} text={made.signing_secret} />
        <Next of={f.platform} id={made.store_id} currency={f.currency} />
        <Line>{f.platform === 'custom' && may('keys.manage') && <Button label={t('keys.make')} href="/settings" primary />}<Button label={t('stores.another')} onClick={() => setMade(undefined)} /></Line>
      </> : <Form onSubmit={submit}>
        {s.error && !s.at('domain') && !s.at('site') && !s.at('api_base') && !s.at('currency') && !s.at('go_live_at') && <Problem error={s.error} />}
        <Choice label={t('sku.platform')} value={f.platform} options={ways.map((w) => [w, platform(w)] as const)} onInput={(v) => set({ ...f, platform: v as (typeof ways)[number] })} help={t(`connect.${f.platform}`)} />
        {f.platform === 'shopify' && setup && !setup.shopify && <Banner tone="warning" title={t('connect.shopify_off')}>{t('connect.shopify_off_text')}</Banner>}
        {f.platform === 'woocommerce' && <Code named label={t('magento.server')} text={location.origin} />}
        <Field label={t('stores.domain')} value={f.domain} onInput={(v) => set({ ...f, domain: v })} placeholder={f.platform === 'shopify' ? 'my-shop.myshopify.com' : 'shop.example.com'} error={s.at('domain') ?? s.at('site')} required />
        {f.platform === 'magento' && <Field label={t('magento.api_base')} value={api} onInput={setApi} help={t('magento.api_help')} error={s.at('api_base')} />}
        <Field label={t('settings.name')} value={f.name} onInput={(v) => set({ ...f, name: v })} />
        <Choice label={t('stores.currency')} value={f.currency} options={currencies()} onInput={(v) => set({ ...f, currency: v })} error={s.at('currency')} />
        <Field label={t('stores.go_live')} type="date" value={from} onInput={setFrom} help={t('stores.go_live_text')} error={s.at('go_live_at')} />
        <Line><Button label={t('stores.connect')} primary submit busy={s.busy} disabled={!f.domain.trim()} /></Line>
      </Form>}
    </Section>
  );
}

/** What is done next, at the shop, with a store that was just made. */
function Next({ of, id, currency }: { of: (typeof ways)[number]; id: string; currency: string }): VNode {
  if (of === 'custom') return <><Text muted>{t('connect.custom')}</Text><Code named label={t('connect.sample')} text={sample(currency)} /></>;
  const path = of === 'shopify' ? '/webhooks/shopify' : `/webhooks/${of}/${encodeURIComponent(id)}`;
  return <><Code named label={t('connect.hooks')} text={location.origin + path} />{of === 'shopify' && <Text muted>{t('connect.shopify')}</Text>}</>;
}

/** An order as a till sends it. */
const sample = (currency: string): string => `curl ${location.origin}/api/mlm/orders \\
  -H 'Authorization: Bearer API_KEY' \\
  -H 'Content-Type: application/json' \\
  -d '{"platform_order_id": "A-1", "currency": "${currency}", "total": "100.00",
       "items": [{"platform_sku": "TEA", "qty": 1, "unit_price": "100.00"}],
       "distributor_ref": "DISTRIBUTOR_CODE"}'`;

interface Connecting {
  connection_id: string; store_id: string; site: string; state: 'waiting' | 'keys' | 'module' | 'connected' | 'failed' | 'expired';
  fault: string; remark: string; expires_at: string; code?: string; server_url?: string; warning?: string;
}

const steps: Record<Connecting['state'], Tone> = { waiting: 'info', keys: 'info', module: 'info', connected: 'success', failed: 'critical', expired: 'warning' };

/** What to paste into Magento, and how far it is. */
function Handshake({ begun, again }: { begun: Connecting; again: () => void }): VNode {
  const followed = useGet<Connecting>(`/api/v1/connections/${begun.connection_id}`, 2_000);
  const now = followed.data ?? begun;
  const over = now.state === 'connected' || now.state === 'failed' || now.state === 'expired';
  useEffect(() => { if (now.state === 'connected') void stale(); }, [now.state]);
  return <>
    <Banner tone={steps[now.state]} title={t(`magento.${now.state}`)}>{now.fault || now.remark}</Banner>
    {!over && begun.warning && <Banner tone="warning" title={t('magento.unreachable')}>{begun.warning}</Banner>}
    {now.state === 'waiting' && <>
      <Text muted>{t('magento.paste')}</Text>
      <Code named label={t('magento.server')} text={begun.server_url ?? ''} /><Code named label={t('magento.code')} text={begun.code ?? ''} />
    </>}
    <Line><Button label={t(over && now.state !== 'connected' ? 'magento.again' : 'stores.another')} onClick={again} /></Line>
  </>;
}
