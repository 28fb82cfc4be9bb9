// The command palette: everything by keyboard. Screens at once; people, orders and SKUs from the server as one types.

import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '#text';
import type { NavItem } from '#ui';
import { ask, at } from './api.ts';
import type { Page } from './data.ts';
import { orderHref, personHref } from './common.tsx';
import { go } from './route.ts';
import type { Distributor, Order } from './types.ts';

interface Hit { href: string; label: string; kind: string }

async function find(text: string, signal: AbortSignal): Promise<Hit[]> {
  const [people, orders] = await Promise.all([
    ask<Page<Distributor>>(at('/api/v1/distributors', { search: text, limit: 5 }), { signal }).catch(() => undefined),
    ask<Page<Order>>(at('/api/v1/orders', { search: text, limit: 5 }), { signal }).catch(() => undefined),
  ]);
  return [
    ...(orders?.data.map((o) => ({ href: orderHref(o.order_id), label: o.name || o.platform_order_id, kind: t('palette.order') })) ?? []),
    ...(people?.data.map((d) => ({ href: personHref(d.distributor_id), label: `${d.name ?? ''} ${d.distributor_id}`.trim(), kind: t('palette.person') })) ?? []),
  ];
}

export function Palette({ open, close, nav }: { open: boolean; close(): void; nav: NavItem[] }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [hits, setHits] = useState<Hit[]>([]);
  const [at_, setAt] = useState(0);
  const id = useId();
  useEffect(() => {
    const el = dialog.current;
    if (open && el && !el.open) { setText(''); setHits([]); setAt(0); el.showModal(); }
    if (!open && el?.open) el.close();
  }, [open]);
  useEffect(() => {
    const stop = new AbortController();
    if (text.trim().length < 2) { setHits([]); return undefined; }
    const later = setTimeout(() => { find(text.trim(), stop.signal).then((h) => { if (!stop.signal.aborted) setHits(h); }, () => undefined); }, 180);
    return () => { clearTimeout(later); stop.abort(); };
  }, [text]);
  const screens = nav.filter((n) => n.label.toLowerCase().includes(text.trim().toLowerCase())).map((n) => ({ href: n.href, label: n.label, kind: t('palette.screen') }));
  const all = [...screens, ...hits];
  const chosen = Math.min(at_, Math.max(all.length - 1, 0));
  const take = (hit?: Hit): void => { if (hit) { close(); go(hit.href); } };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setAt((chosen + (event.key === 'ArrowDown' ? 1 : all.length - 1)) % Math.max(all.length, 1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      take(all[chosen]);
    }
  };
  return (
    <dialog ref={dialog} class="palette" aria-label={t('palette.title')} onClose={close} onClick={(event) => { if (event.target === dialog.current) close(); }}>
      <input type="text" role="combobox" aria-label={t('palette.title')} aria-expanded={all.length > 0} aria-controls={`${id}list`} aria-activedescendant={all.length > 0 ? `${id}${chosen}` : undefined} aria-autocomplete="list"
        placeholder={t('palette.hint')} value={text} maxLength={100} autocomplete="off" spellcheck={false} onInput={(event) => { setText(event.currentTarget.value); setAt(0); }} onKeyDown={key} />
      <ul role="listbox" id={`${id}list`} aria-label={t('palette.title')}>
        {all.map((hit, i) => <li key={hit.href} id={`${id}${i}`} role="option" aria-selected={i === chosen} onClick={() => take(hit)}><bdi>{hit.label}</bdi><span class="muted">{hit.kind}</span></li>)}
      </ul>
      {all.length === 0 && <p class="hint" role="status">{t('palette.none')}</p>}
    </dialog>
  );
}
