// What a merchant may grant the app besides. Shopify asks them itself, in a dialog of its own, and tells the server.

import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Check, Details, Stack, Text, toast } from '#ui';
import { t, word } from '#text';
import { embedded } from '../api.ts';

interface Answer { detail: { granted: readonly string[] } }
/** The part of App Bridge that asks for scopes (`scopes`, @shopify/app-bridge-types 0.7). */
interface Scopes { config?: { shop?: string }; scopes?: { request(scopes: string[]): Promise<Answer>; revoke(scopes: string[]): Promise<Answer> } }
const bridge = (): Scopes | undefined => (globalThis as { shopify?: Scopes }).shopify;

/** Only inside the shop's own admin can its merchant be asked. */
const asks = (domain: string): Scopes['scopes'] => {
  const shop = bridge()?.config?.shop ?? new URLSearchParams(location.search).get('shop');
  return embedded() && shop === domain ? bridge()?.scopes : undefined;
};

export function Optional({ of, domain }: { of: Record<string, boolean>; domain: string }): VNode {
  // Shopify's own answer counts until the server has heard of it.
  const [told, setTold] = useState<readonly string[]>();
  const scopes = asks(domain);
  const change = (scope: string, on: boolean): void => {
    (on ? scopes?.request([scope]) : scopes?.revoke([scope]))?.then((a) => setTold(a.detail.granted), (e: Error) => toast(e.message));
  };
  return (
    <Details summary={t('stores.optional')}><Stack>
      <Text muted>{t(scopes ? 'stores.optional_text' : 'stores.optional_where')}</Text>
      {Object.entries(of).map(([scope, granted]) => {
        const on = told?.includes(scope) ?? granted;
        return scopes ? <Check key={scope} label={word('scope', scope)} checked={on} onInput={(to) => change(scope, to)} />
          : <Text key={scope}>{word('scope', scope)}: {t(on ? 'stores.granted' : 'stores.not_granted')}</Text>;
      })}
    </Stack></Details>
  );
}
