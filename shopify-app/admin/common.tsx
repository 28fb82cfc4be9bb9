// What several screens say alike.

import type { ComponentChildren as C, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Badge, Banner, Button, Check, Choice, Empty, Field, Form, Line, Link, Loading, Table, Text, Views, toast } from '#ui';
import type { Act, Col, Row, Tone } from '#ui';
import { t, word } from '#text';
import { dayBegins } from '../ui/time.ts';
import { Id } from '#viz';
import { at, open, type Failure } from './api.ts';
import { useGet, type List, type Remote } from './data.ts';
import type { Overview } from './types.ts';
import { refine, usePlace } from './route.ts';
import { may } from './session.ts';
import { mayDrop, useViews } from './views.ts';

/** A failure in words, with what mends it. */
export const Problem = ({ error, again }: { error: Failure; again?: () => void }): VNode => (
  <Banner tone={error.status === 0 ? 'warning' : 'critical'} title={error.status === 0 ? t('error.offline') : error.status === 403 ? t('error.forbidden') : t('error.title')}
    actions={again ? [{ label: t('error.again'), onClick: again }] : []}>
    {error.message}{error.requestId && <> <Text muted>{t('error.request', { id: error.requestId })}</Text></>}
  </Banner>
);

/** Whether there is something to show of each: what was read, or why it cannot be. */
export const ready = (of: Pick<Remote<unknown>, 'data' | 'error'>[]): boolean => of.every((r) => r.data !== undefined || r.error !== undefined);

/** Several answers that make one screen: it is drawn when all are there or have failed, so that nothing jumps. */
export const Ready = ({ of, children }: { of: Pick<Remote<unknown>, 'data' | 'error'>[]; children: C }): VNode => (
  ready(of) ? <>{children}</> : <Loading label={t('list.loading')} lines={10} />
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

/** A name as somebody says it, or the id of who has none. */
export const named = (id: string, names?: Record<string, string>): VNode => <bdi>{names?.[id] ?? id}</bdi>;

/** What a store is called. */
export function useStoreName(id: string | undefined): string {
  const store = useGet<Overview>('/api/v1/overview').data?.stores.find((s) => s.store_id === id);
  return store?.name || store?.domain || (id ?? '');
}

/** An account of the ledger in words; whose it is is said beside it. */
function account(id: string): string {
  const [kind, ...rest] = id.split(':');
  return kind === 'payout' ? `${t('book.payout')} ${rest.join(':')}` : word('book', rest[rest.length - 1] ?? id);
}

/** From which account of the ledger to which. */
export const Moved = ({ from, to }: { from: string; to: string }): VNode => <>{account(from)} → {account(to)}</>;

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

/** The views of a list: ours, those of whoever looks, and those that somebody shared with the company. */
export function ListViews({ list, label, own }: { list: string; label: string; own: (readonly [query: string, label: string])[] }): VNode {
  const { query } = usePlace();
  const { views, keep, drop } = useViews(list);
  const [draft, setDraft] = useState<{ name: string; shared: boolean }>();
  const now = clean(query);
  const all = [...own, ...views.map((v) => [v.query, v.name] as const)];
  const known = all.some(([q]) => q === now);
  const choose = (q: string): void => refine({ ...Object.fromEntries([...new URLSearchParams(now).keys()].map((k) => [k, ''])), ...Object.fromEntries(new URLSearchParams(q)) });
  const chosen = views.find((v) => v.query === now && v.mine) ?? views.find((v) => v.query === now);
  const name = draft?.name.trim() ?? '';
  const save = (): void => { void keep({ list, name, query: now, shared: draft?.shared ?? false, mine: true }).then((done) => { if (done) setDraft(undefined); }); };
  return (
    <Line>
      <Views label={label} value={known ? now : '?'} options={all} onInput={choose} />
      {!known && now && !draft && <Button label={t('list.view_keep')} onClick={() => setDraft({ name: '', shared: false })} />}
      {draft && <Form onSubmit={() => { if (name) save(); }}><Line>
        <Field label={t('list.view_name')} hideLabel placeholder={t('list.view_name')} value={draft.name} onInput={(v) => setDraft({ ...draft, name: v })} maxLength={40} />
        {may('views.share') && <Check label={t('list.view_share')} checked={draft.shared} onInput={(shared) => setDraft({ ...draft, shared })} />}
        <Button label={t('save.save')} primary submit disabled={!name} /><Button label={t('save.cancel')} onClick={() => setDraft(undefined)} />
      </Line></Form>}
      {chosen?.mine && may('views.share') && chosen.view_id && <Button label={chosen.shared ? t('list.view_unshare') : t('list.view_share')} onClick={() => void keep({ ...chosen, shared: !chosen.shared })} />}
      {chosen && mayDrop(chosen) && <Button label={t('list.view_drop', { name: chosen.name })} onClick={() => void drop(chosen).then((done) => { if (done) choose(''); })} />}
    </Line>
  );
}

/** The days of a list, as the API asks for them: both count, in the program's time zone. */
export const between = (query: URLSearchParams): { from: string; to: string } => ({ from: dayBegins(query.get('from') ?? ''), to: dayBegins(query.get('to') ?? '', 1) });

/** The first and the last day of a list. */
export function Between(): VNode {
  const { query } = usePlace();
  const ends = [['from', t('list.from')], ['to', t('list.to')]] as const;
  return <Line>{ends.map(([name, title]) => <Field key={name} label={title} type="date" value={query.get(name) ?? ''} onInput={(v) => refine({ [name]: v })} />)}</Line>;
}

/** The order of a list; the first is how it comes by itself. */
export function Sorted({ options }: { options: (readonly [sort: string, label: string])[] }): VNode {
  const { query } = usePlace();
  return <Choice label={t('list.sort')} hideLabel value={query.get('sort') ?? ''} options={options} onInput={(sort) => refine({ sort })} />;
}

/** A query without what App Bridge put into it, in one order. */
function clean(query: URLSearchParams): string {
  const kept = [...query].filter(([name, value]) => value && !['shop', 'host', 'embedded', 'locale', 'id_token', 'hmac', 'session', 'timestamp'].includes(name));
  return new URLSearchParams(kept.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
}

// ---- CSV ------------------------------------------------------------------------

/** The button that takes a list away as a file, with the filters it is shown with. */
export function useExport(name: string, query: Record<string, string | undefined>, kind: 'csv' | 'zip' = 'csv'): Act {
  const [busy, set] = useState(false);
  const run = (): void => {
    set(true);
    open(at(`/api/v1/exports/${name}.${kind}`, query), { endless: true }).then((answer) => answer.blob()).then((blob) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = kind === 'zip' ? 'upline.zip' : `${name}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }).catch((error: Error) => toast(t('export.failed', { why: error.message }))).finally(() => set(false));
  };
  return { label: t('export.csv'), busy, onClick: run };
}
