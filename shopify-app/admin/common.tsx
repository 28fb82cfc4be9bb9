// What several screens say alike.

import type { ComponentChildren as C, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Badge, Banner, Button, Empty, Field, Line, Link, Loading, Table, Text, Views, toast } from '#ui';
import type { Act, Col, Row, Tone } from '#ui';
import { t, word } from '#text';
import { Id } from '#viz';
import { at, open, type Failure } from './api.ts';
import type { List, Remote } from './data.ts';
import { refine, usePlace } from './route.ts';

/** A failure in words, with what mends it. */
export const Problem = ({ error, again }: { error: Failure; again?: () => void }): VNode => (
  <Banner tone={error.status === 0 ? 'warning' : 'critical'} title={error.status === 0 ? t('error.offline') : error.status === 403 ? t('error.forbidden') : t('error.title')}
    actions={again ? [{ label: t('error.again'), onClick: again }] : []}>
    {error.message}{error.requestId && <> <Text muted>{t('error.request', { id: error.requestId })}</Text></>}
  </Banner>
);

/** Several answers that make one screen: it is drawn when all are there or have failed, so that nothing jumps. */
export const Ready = ({ of, children }: { of: Pick<Remote<unknown>, 'data' | 'error'>[]; children: C }): VNode => (
  of.every((r) => r.data !== undefined || r.error !== undefined) ? <>{children}</> : <Loading label={t('list.loading')} lines={10} />
);

/** What was read; while there is nothing yet, that it is read, and when it cannot be, why. Old data stays, and says so. */
export function Await<T>({ of, lines, children }: { of: Remote<T>; lines?: number; children(data: T): C }): VNode {
  if (of.data === undefined) {
    return of.error ? <Problem error={of.error} again={of.again} /> : <Loading label={t('list.loading')} lines={lines} />;
  }
  return <>{of.error && <Problem error={of.error} again={of.again} />}{children(of.data)}</>;
}

/** A list with its states. */
export function Listed<T>({ of, caption, head, row, empty, chosen, onChoose }: {
  of: List<T>; caption: string; head: Col[]; row(item: T): Row; empty: C; chosen?: ReadonlySet<string>; onChoose?(ids: ReadonlySet<string>): void;
}): VNode {
  return (
    <Await of={of} lines={8}>{(items) => items.length === 0 ? <>{empty}</>
      : <Table caption={caption} head={head} rows={{ length: items.length, at: (i) => { const item = items[i]; return item && row(item); } }} onMore={of.onMore} loading={of.loadingMore} chosen={chosen} onChoose={onChoose} />}</Await>
  );
}

export const Nothing = ({ title, text, actions }: { title: string; text?: C; actions?: Act[] }): VNode => <Empty title={title} actions={actions}>{text}</Empty>;

// ---- people, orders, states -----------------------------------------------------

export const personHref = (id: string): string => `/distributors/${encodeURIComponent(id)}`;
export const orderHref = (orderId: string): string => {
  const cut = orderId.indexOf('/');
  return cut < 0 ? '/orders' : `/orders/${encodeURIComponent(orderId.slice(0, cut))}/${encodeURIComponent(orderId.slice(cut + 1))}`;
};

/** Somebody, by name where it is known. */
export const Person = ({ id, names }: { id: string; names?: Record<string, string> }): VNode => {
  const name = names?.[id];
  return <><Link href={personHref(id)}><bdi>{name ?? id}</bdi></Link>{name && <> <Text muted><Id>{id}</Id></Text></>}</>;
};

const orderTones: Record<string, Tone> = { settled: 'success', parked: 'warning' };
export const Settlement = ({ state }: { state: string }): VNode => <Badge tone={orderTones[state] ?? 'neutral'}>{word('settlement', state)}</Badge>;

const deliveryTones: Record<string, Tone> = { done: 'success', parked: 'warning', waiting: 'info' };
export const DeliveryState = ({ state }: { state: string }): VNode => <Badge tone={deliveryTones[state] ?? 'neutral'}>{word('delivery', state)}</Badge>;

const commissionTones: Record<string, Tone> = { PENDING: 'info', AVAILABLE: 'success', PAID: 'neutral', REVERSED: 'critical' };
export const CommissionState = ({ state }: { state: string }): VNode => <Badge tone={commissionTones[state] ?? 'neutral'}>{word('commission', state)}</Badge>;

const peopleTones: Record<string, Tone> = { active: 'success', inactive: 'neutral', suspended: 'warning', terminated: 'critical' };
export const PersonState = ({ state }: { state: string }): VNode => <Badge tone={peopleTones[state] ?? 'neutral'}>{word('status', state)}</Badge>;

export const platform = (id: string): string => word('platform', id);

// ---- searching and keeping a view ------------------------------------------------

/** A search whose text goes into the address once the typing pauses. */
export function Search({ label, name = 'search' }: { label: string; name?: string }): VNode {
  const { query } = usePlace();
  const kept = query.get(name) ?? '';
  const [text, set] = useState(kept);
  useEffect(() => set(kept), [kept]);
  useEffect(() => {
    if (text === kept) return undefined;
    const later = setTimeout(() => refine({ [name]: text }), 250);
    return () => clearTimeout(later);
  }, [text]);
  return <Field label={label} hideLabel type="search" placeholder={label} value={text} onInput={set} maxLength={100} />;
}

interface SavedView { name: string; query: string }
const viewsPlace = (list: string): string => `upline.views.${list}`;
function savedViews(list: string): SavedView[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(viewsPlace(list)) ?? '[]');
    return Array.isArray(kept) ? kept.filter((v): v is SavedView => typeof v?.name === 'string' && typeof v?.query === 'string').slice(0, 20) : [];
  } catch {
    return [];
  }
}

/** The views of a list: ours, and those that somebody keeps in this browser. */
export function ListViews({ list, label, own }: { list: string; label: string; own: (readonly [query: string, label: string])[] }): VNode {
  const { query } = usePlace();
  const [kept, setKept] = useState(() => savedViews(list));
  const [name, setName] = useState<string>();
  const now = clean(query);
  const all = [...own, ...kept.map((v) => [v.query, v.name] as const)];
  const known = all.some(([q]) => q === now);
  const save = (views: SavedView[]): void => {
    setKept(views);
    try {
      localStorage.setItem(viewsPlace(list), JSON.stringify(views));
    } catch {
      toast(t('list.view_not_kept'));
    }
  };
  const choose = (q: string): void => {
    const next = Object.fromEntries(new URLSearchParams(q));
    refine({ ...Object.fromEntries([...new URLSearchParams(now).keys()].map((k) => [k, ''])), ...next });
  };
  const mine = kept.find((v) => v.query === now);
  return (
    <Line>
      <Views label={label} value={known ? now : '?'} options={all} onInput={choose} />
      {!known && now && name === undefined && <Button label={t('list.view_keep')} onClick={() => setName('')} />}
      {name !== undefined && <Line>
        <Field label={t('list.view_name')} hideLabel placeholder={t('list.view_name')} value={name} onInput={setName} maxLength={40} />
        <Button label={t('save.save')} disabled={!name.trim()} onClick={() => { save([...kept, { name: name.trim(), query: now }]); setName(undefined); }} />
      </Line>}
      {mine && <Button label={t('list.view_drop', { name: mine.name })} onClick={() => { save(kept.filter((v) => v !== mine)); refine(Object.fromEntries([...new URLSearchParams(now).keys()].map((k) => [k, '']))); }} />}
    </Line>
  );
}

/** A query without what App Bridge put into it, in one order. */
function clean(query: URLSearchParams): string {
  const kept = [...query].filter(([name, value]) => value && !['shop', 'host', 'embedded', 'locale', 'id_token', 'hmac', 'session', 'timestamp'].includes(name));
  return new URLSearchParams(kept.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
}

// ---- CSV ------------------------------------------------------------------------

/** The button that takes a list away as a file, with the filters it is shown with. */
export function useExport(name: string, query: Record<string, string | undefined>): Act {
  const [busy, set] = useState(false);
  const run = (): void => {
    set(true);
    open(at(`/api/v1/exports/${name}.csv`, query), { endless: true }).then((answer) => answer.blob()).then((blob) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = `${name}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }).catch((error: Error) => toast(t('export.failed', { why: error.message }))).finally(() => set(false));
  };
  return { label: t('export.csv'), busy, onClick: run };
}
