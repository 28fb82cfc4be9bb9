import type { VNode } from 'preact';
import { Code, Details, Facts, Page, Section, Text } from '#ui';
import { t } from '#text';
import { ago } from '../../ui/time.ts';
import { Id, When } from '#viz';
import { Await, Nothing, platform } from '../common.tsx';
import { useGet } from '../data.ts';
import type { Page as PageOf } from '../data.ts';
import type { Store } from '../types.ts';

export default function Stores(): VNode {
  const stores = useGet<PageOf<Store>>('/api/v1/stores', 10_000);
  return (
    <Page title={t('nav.stores')} lead={t('stores.lead')} aside={<Connect />}>
      <Await of={stores}>{({ data }) => data.length === 0 ? <Section><Nothing title={t('stores.none')} text={t('stores.none_yet')} /></Section>
        : <>{data.map((s) => <StoreCard key={s.store_id} store={s} />)}</>}</Await>
    </Page>
  );
}

const StoreCard = ({ store: s }: { store: Store }): VNode => (
  <Section title={s.name || s.domain} note={platform(s.platform)} actions={[{ label: t('stores.deliveries'), href: `/deliveries?store_id=${encodeURIComponent(s.store_id)}` }, { label: t('nav.orders'), href: `/orders?store_id=${encodeURIComponent(s.store_id)}` }]}>
    <Facts rows={[
      [t('stores.last_event'), s.last_delivery_at ? <>{ago(s.last_delivery_at)} · <When at={s.last_delivery_at} /></> : t('stores.no_event')],
      [t('stores.domain'), <bdi>{s.domain}</bdi>], [t('stores.currency'), s.currency], [t('stores.id'), <Id>{s.store_id}</Id>],
      [t('stores.test_orders'), s.accept_test_orders ? t('stores.test_count') : t('stores.test_ignored')],
      ...(s.go_live_at ? [[t('stores.go_live'), <When at={s.go_live_at} />] as const] : []),
    ]} />
  </Section>
);

const ways: { id: 'shopify' | 'woocommerce' | 'custom'; command: string }[] = [
  { id: 'shopify', command: 'bin/upline admin store create my-shop.myshopify.com --platform shopify --currency EUR --id my-shop' },
  { id: 'woocommerce', command: 'bin/upline admin store create shop.example.com --platform woocommerce --currency EUR --id my-shop' },
  { id: 'custom', command: 'bin/upline admin store create shop.example.com --platform custom --currency EUR --id my-shop\nbin/upline admin api-key create --store my-shop' },
];

const Connect = (): VNode => (
  <Section title={t('stores.connect')}>
    <Text muted>{t('stores.connect_text')}</Text>
    {ways.map((way) => <Details key={way.id} summary={platform(way.id)}><Text muted>{t(`connect.${way.id}`)}</Text><Code label={t('setup.command')} text={way.command} /></Details>)}
  </Section>
);
