// What Shopify says of our theme extension: whether the app embed, which notes by whose link a visitor came, is switched on.
// Shopify asks every app with an embed to show this on its first screen (Built for Shopify 4.2.3).

import type { VNode } from 'preact';
import { useQuery } from '@tanstack/preact-query';
import { Badge, Button, Line, Section, Text } from '#ui';
import type { Tone } from '#ui';
import { t } from '#text';
import { embedded } from '../api.ts';
import { client } from '../data.ts';

/** The part of App Bridge that tells of extensions (`app.extensions()`, @shopify/app-bridge-types 0.7). */
interface Extensions {
  config?: { apiKey?: string; shop?: string };
  app?: { extensions?(): Promise<readonly { type: string; activations: readonly { handle?: string; status?: string; activations?: readonly unknown[] }[] }[]> };
}
const bridge = (): Extensions | undefined => (globalThis as { shopify?: Extensions }).shopify;

/** The embed's file in the theme extension, without its ending. */
const EMBED = 'upline';

/** on, off, unsupported (a theme without app embeds), missing (the extension is not deployed), or unknown: Shopify did not say. */
type EmbedState = 'on' | 'off' | 'unsupported' | 'missing' | 'unknown';

/** How long Shopify may take; the rest of the page does not wait longer. */
const PATIENCE_MS = 3000;

async function embedState(): Promise<EmbedState> {
  const app = bridge()?.app;
  if (!app?.extensions) return 'unknown';
  try {
    const late = new Promise<never>((_, reject) => { setTimeout(() => reject(new Error('no answer')), PATIENCE_MS); });
    const embed = (await Promise.race([app.extensions(), late])).filter((e) => e.type === 'theme_app_extension').flatMap((e) => e.activations).find((a) => a.handle === EMBED);
    if (!embed) return 'missing';
    return embed.status === 'active' ? 'on' : embed.status === 'available' ? 'off' : 'unsupported';
  } catch {
    return 'unknown';
  }
}

/** The theme editor with the embed at hand; Shopify's own address for it. */
const editor = (): string => {
  const shop = bridge()?.config?.shop ?? new URLSearchParams(location.search).get('shop') ?? '';
  const key = bridge()?.config?.apiKey ?? document.querySelector<HTMLMetaElement>('meta[name="shopify-api-key"]')?.content ?? '';
  return `https://${shop}/admin/themes/current/editor?context=apps&activateAppId=${encodeURIComponent(`${key}/${EMBED}`)}`;
};

/** The state of the embed, asked again when the merchant comes back from the theme editor; undefined while it is asked. */
export function useEmbed(): EmbedState | undefined {
  const inside = embedded();
  const q = useQuery({ queryKey: ['embed'], enabled: inside, queryFn: () => embedState(), refetchOnWindowFocus: 'always' }, client);
  return inside ? q.data : 'unknown';
}

const tones: Record<EmbedState, Tone> = { on: 'success', off: 'warning', unsupported: 'neutral', missing: 'warning', unknown: 'neutral' };

/** Nothing where Shopify does not say, as outside its admin. */
export function Storefront({ state }: { state: EmbedState | undefined }): VNode | null {
  if (state === undefined || state === 'unknown') return null;
  return (
    <Section title={t('embed.title')}>
      <Line spread><Text>{t('embed.name')}</Text><Badge tone={tones[state]}>{t(`embed.${state}`)}</Badge></Line>
      <Text muted>{t(`embed.${state}_text`)}</Text>
      {state === 'off' && <Line><Button label={t('embed.switch_on')} primary onClick={() => { open(editor(), '_top'); }} /></Line>}
    </Section>
  );
}
