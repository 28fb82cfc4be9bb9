// The merchant's screens: who looks, what they see, and where they are.

import { render, type VNode } from 'preact';
import { QueryClientProvider } from '@tanstack/preact-query';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { Banner, Button, Dialog, Loading, Page, Shell, Text } from '#ui';
import { t } from '#text';
import { useZone, when, zoneName } from '../ui/time.ts';
import { embedded, key, onSignedOut } from './api.ts';
import { Nothing, Problem } from './common.tsx';
import { client, stale, takeEarly, useGet, type Page as PageOf, type Remote } from './data.ts';
import { onLanguage, startLanguage } from './language.ts';
import { startLive } from './live.ts';
import { Palette } from './palette.tsx';
import { match } from './match.ts';
import { startRouting, usePlace } from './route.ts';
import Orders from './screens/orders.tsx';
import Overview from './screens/overview.tsx';
import SignIn, { OwnerSetup, PasswordForm, Reset } from './screens/signin.tsx';
import { SESSION, useSession, whoLooks, type Session } from './session.ts';
import type { Overview as Figures } from './types.ts';

/** A screen, loaded when somebody looks at it, or before that when there is nothing else to do. */
interface Later<P> { (p: P): VNode; load(): Promise<void> }
const everyScreen: Later<never>[] = [];
function later<P extends object>(load: () => Promise<(p: P) => VNode>): Later<P> {
  let loaded: ((p: P) => VNode) | undefined;
  const Screen = (p: P): VNode => {
    const [times, redraw] = useState(0);
    const [failed, fail] = useState(false);
    const missing = loaded === undefined; // when this was drawn; it may have come since
    useEffect(() => {
      if (missing) Screen.load().then(() => redraw((n) => n + 1), () => fail(true));
    }, []);
    useEffect(() => { if (times > 0) focusHeading(); }, [times]);
    if (loaded) {
      const Loaded = loaded;
      return <Loaded {...p} />;
    }
    return failed ? <Page title="Upline"><Banner tone="warning" title={t('error.offline')} actions={[{ label: t('error.again'), onClick: () => location.reload() }]} /></Page> : <Loading label={t('list.loading')} lines={6} />;
  };
  Screen.load = async (): Promise<void> => { loaded = await load(); };
  everyScreen.push(Screen);
  return Screen;
}

const OrderScreen = later<{ id: string }>(async () => (await import('./screens/order.tsx')).default);
const People = later(async () => (await import('./screens/people.tsx')).People);
const PersonScreen = later<{ id: string }>(async () => (await import('./screens/people.tsx')).PersonScreen);
const Products = later(async () => (await import('./screens/products.tsx')).default);
const RulesScreen = later(async () => (await import('./screens/rules.tsx')).default);
const Commissions = later(async () => (await import('./screens/money.tsx')).default);
const Deliveries = later(async () => (await import('./screens/deliveries.tsx')).Deliveries);
const DeliveryScreen = later<{ id: string }>(async () => (await import('./screens/deliveries.tsx')).DeliveryScreen);
const Audit = later(async () => (await import('./screens/audit.tsx')).default);
const Settings = later(async () => (await import('./screens/settings.tsx')).default);
const Stores = later(async () => (await import('./screens/stores.tsx')).default);
const ImportStart = later(async () => (await import('./screens/import.tsx')).ImportStart);
const ImportScreen = later<{ id: string }>(async () => (await import('./screens/import.tsx')).ImportScreen);
const Webhooks = later(async () => (await import('./screens/webhooks.tsx')).Webhooks);
const WebhookScreen = later<{ id: string }>(async () => (await import('./screens/webhooks.tsx')).WebhookScreen);
const Plans = later(async () => (await import('./screens/plans.tsx')).default);
const Join = later(async () => (await import('./screens/members.tsx')).Join);

/** Loads the screens that nobody looked at yet, one after the other, whenever the browser has nothing to do. */
function loadTheRest(): void {
  const idle = globalThis.requestIdleCallback ?? ((f: () => void) => setTimeout(f, 200));
  const [next, ...rest] = everyScreen.splice(0);
  if (!next) return;
  everyScreen.push(...rest);
  idle(() => { next.load().then(loadTheRest, () => undefined); });
}

const routes: [string, (parts: Record<string, string>) => VNode][] = [
  ['/', () => <Overview />], ['/orders', () => <Orders />], ['/orders/:store/:order', (p) => <OrderScreen key={`${p.store}/${p.order}`} id={`${p.store}/${p.order}`} />],
  ['/distributors', () => <People />], ['/distributors/import', () => <ImportStart />], ['/distributors/import/:id', (p) => <ImportScreen key={p.id} id={p.id ?? ''} />], ['/distributors/:id', (p) => <PersonScreen key={p.id} id={p.id ?? ''} />], ['/products', () => <Products />], ['/products/rules', () => <RulesScreen />],
  ['/commissions', () => <Commissions />], ['/deliveries', () => <Deliveries />], ['/deliveries/:id', (p) => <DeliveryScreen key={p.id} id={p.id ?? ''} />],
  ['/stores', () => <Stores />], ['/settings', () => <Settings />], ['/settings/webhooks', () => <Webhooks />], ['/settings/webhooks/:id', (p) => <WebhookScreen key={p.id} id={p.id ?? ''} />], ['/plans', () => <Plans />], ['/sign-in', () => <Overview />], ['/audit', () => <Audit />],
];

/** Screens for who is not signed in; their links carry a code. */
const open: Record<string, () => VNode> = { '/setup': () => <OwnerSetup />, '/reset': () => <Reset />, '/join': () => <Join /> };

function screen(path: string): VNode {
  for (const [pattern, draw] of routes) {
    const parts = match(pattern, path);
    if (parts) return draw(parts);
  }
  return <Page title={t('lost.title')}><Nothing title={t('lost.title')} text={t('lost.text')} actions={[{ label: t('nav.overview'), href: '/' }]} /></Page>;
}

const navigation = (figures?: Figures) => [
  { href: '/', label: t('nav.overview') }, { href: '/orders', label: t('nav.orders'), waiting: figures?.parked_orders ?? 0 }, { href: '/distributors', label: t('nav.distributors') },
  { href: '/products', label: t('nav.products') }, { href: '/plans', label: t('nav.plans') }, { href: '/commissions', label: t('nav.commissions') }, { href: '/deliveries', label: t('nav.deliveries') },
  { href: '/stores', label: t('nav.stores') }, { href: '/settings', label: t('nav.settings') },
];

/** How the company dresses its pages; inside Shopify's admin they look like Shopify's. It comes after the screen, and moves nothing. */
function useBrand(known: boolean): { name: string; logo?: string } | undefined {
  const kept = useGet<PageOf<{ name: string; value: { name?: string; accent?: string; logo_url?: string } }>>(known && !embedded() ? '/api/v1/settings' : '').data?.data.find((s) => s.name === 'branding')?.value;
  const accent = /^#[0-9a-f]{6}$/i.test(kept?.accent ?? '') ? kept?.accent ?? '' : '';
  useLayoutEffect(() => { if (accent) document.documentElement.style.setProperty('--brand', accent); }, [accent]);
  if (!kept) return undefined;
  return { name: kept.name ?? '', logo: /^data:image\/(png|jpeg|webp);base64,/.test(kept.logo_url ?? '') ? kept.logo_url : undefined };
}

/** Tells when the network is gone, and reads again when it is back. */
function useOnline(): boolean {
  const [on, set] = useState(navigator.onLine);
  useEffect(() => {
    const changed = (): void => {
      set(navigator.onLine);
      if (navigator.onLine) void stale();
    };
    addEventListener('online', changed);
    addEventListener('offline', changed);
    return () => {
      removeEventListener('online', changed);
      removeEventListener('offline', changed);
    };
  }, []);
  return on;
}

/** Moves the focus to the new screen's heading, as a new page would. */
function focusHeading(): void {
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
}
function useFocus(path: string): void {
  useEffect(focusHeading, [path]);
}

function App(): VNode {
  const { path } = usePlace();
  const [speaks, redraw] = useState(0);
  const [signedOut, setSignedOut] = useState(false);
  const [palette, setPalette] = useState(false);
  const session = useGet<Session>(SESSION);
  useSession(session.data);
  const figures = useGet<Figures>(session.data ? '/api/v1/overview' : '');
  const brand = useBrand(session.data !== undefined);
  const online = useOnline();
  useFocus(path);
  useEffect(() => {
    onLanguage(() => redraw((n) => n + 1));
    onSignedOut(() => setSignedOut(whoLooks() !== '')); // a stranger is shown the way in instead
    const pressed = (event: KeyboardEvent): void => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette(true);
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  if (figures.data) useZone(figures.data.program.time_zone);
  const back = (): void => { setSignedOut(false); void stale(); startLive(); };
  const known = session.data !== undefined;
  const stranger = session.error?.status === 401 && !known;
  const nav = stranger ? [] : navigation(figures.data);
  const door = open[path];
  // The screen redraws itself; what is drawn around it does not redraw it, but the time zone and the language do.
  const shown = useMemo(() => (known ? screen(path) : undefined), [path, known, speaks, zoneName()]);
  return (
    <Shell company={brand?.name || (figures.data?.program.name ?? '')} logo={brand?.logo} nav={nav} at={`/${path.split('/')[1] ?? ''}`} tools={!stranger ? <Button label={t('palette.open')} onClick={() => setPalette(true)} /> : undefined}>
      {figures.data?.program.closed_at && <Banner tone="info" title={t('close.banner', { when: when(figures.data.program.closed_at, 'day') })}>{t('close.banner_text')}</Banner>}
      {!online && <Banner tone="warning" title={t('error.offline')}>{t('error.offline_text')}</Banner>}
      {door ? door() : shown ?? <Stranger session={session} done={back} />}
      <Dialog open={signedOut && known && !door} title={t('sign_in.again')} onClose={() => setSignedOut(false)}><Text>{t('sign_in.again_text')}</Text><PasswordForm done={back} /></Dialog>
      <Palette open={palette} close={() => setPalette(false)} nav={nav} />
    </Shell>
  );
}

/** While it is not known who looks: that it is asked, that there is no answer, or the way in. */
function Stranger({ session, done }: { session: Remote<Session>; done(): void }): VNode {
  if (!session.error) return <Loading label={t('list.loading')} lines={6} />;
  if (session.error.status !== 401) return <Page title="Upline"><Problem error={session.error} again={session.again} /></Page>;
  return <Page title={t('sign_in.welcome')} lead={t('sign_in.lead')}><SignIn done={done} /></Page>;
}

/** The demo's link carries a key behind the #, where no server and no log sees it. */
function takeKey(): void {
  const found = new URLSearchParams(location.hash.slice(1)).get('key');
  if (found && !embedded()) {
    key.set(found);
    history.replaceState(null, '', location.pathname + location.search);
  }
}

/** So long a first look waits for answers and parts that are on their way, rather than to draw that they are. */
const EARLY_MS = 100;

takeKey();
startRouting();
const part = (screen(location.pathname).type as Partial<Later<unknown>>).load?.().catch(() => undefined); // while it is asked who looks
void Promise.all([startLanguage(), takeEarly(EARLY_MS), Promise.race([part, new Promise((r) => setTimeout(r, EARLY_MS))])]).then(() => {
  const home = document.getElementById('app');
  if (home) render(<QueryClientProvider client={client}><App /></QueryClientProvider>, home);
  startLive();
  addEventListener('load', () => setTimeout(loadTheRest, 3000));
});
