import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Banner, Button, Choice, Dialog, Field, Form, Line, Page, Section, Stack, Text, toast } from '#ui';
import { t, word } from '#text';
import { figure } from '../../ui/money.ts';
import { Id, Money, When } from '#viz';
import { Await, Listed, Nothing, Problem, Ready, Search, platform, useExport } from '../common.tsx';
import { Failure, ask, at, post } from '../api.ts';
import { stale, useGet, useList } from '../data.ts';
import type { List, Page as PageOf } from '../data.ts';
import { usePlace } from '../route.ts';
import Rule from './rule.tsx';
import type { Changed, Mapping, Order, Unmapped } from '../types.ts';

const idOf = (u: { platform: string; platform_sku: string; currency?: string }): string => `${u.platform}/${u.platform_sku}/${u.currency ?? ''}`;

export default function Products(): VNode {
  const { query } = usePlace();
  const filter = { search: query.get('search') ?? '' };
  const waiting = useGet<PageOf<Unmapped>>('/api/v1/mappings/unmapped');
  const list = useList<Mapping>('/api/v1/mappings', filter);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const [edit, setEdit] = useState<Draft>();
  const [ruling, setRuling] = useState(false);
  const [released, setReleased] = useState(0);
  const csv = useExport('mappings', filter);
  const rows = waiting.data?.data ?? [];
  const classes = [...new Set(list.data?.map((m) => m.commission_class).filter(Boolean))].sort();
  const mapChosen = (): void => {
    const skus = rows.filter((u) => chosen.has(idOf(u)));
    setEdit({ skus: dedupe(skus), commission_class: '', name: '', cv: '', qv: '' });
  };
  const inbox: List<Unmapped> = { ...waiting, data: waiting.data?.data, loadingMore: false };
  return (
    <Page title={t('nav.products')} actions={[csv, { label: t('rules.open'), href: '/products/rules' }, { label: t('rule.title'), disabled: rows.length === 0, onClick: () => setRuling(true) }, { label: t('sku.add'), onClick: () => setEdit({ skus: [], commission_class: '', name: '', cv: '', qv: '' }) }]}>
      {ruling && <Rule close={() => setRuling(false)} done={(c) => { setRuling(false); setReleased(c.released); void stale(); }} />}
      {released > 0 && <Released n={released} done={() => setReleased(0)} />}
      <Ready of={[waiting, list]}>
      <Section flush title={t('sku.unmapped')} note={rows.length > 0 ? t('sku.unmapped_note') : undefined}
        actions={rows.length > 0 ? [{ label: t('sku.map_chosen', { n: chosen.size }), primary: true, disabled: chosen.size === 0, onClick: mapChosen }] : []}>
        <Listed of={inbox} caption={t('sku.unmapped')} chosen={chosen} onChoose={choose}
          head={[{ title: t('sku.sku'), slot: 'primary' }, { title: t('sku.waiting'), numeric: true, slot: 'inline' }, { title: t('sku.platform'), slot: 'secondary' }, { title: t('sku.orders'), numeric: true }]}
          row={(u) => ({ id: idOf(u), cells: [<bdi>{u.platform_sku}</bdi>, <Money text={u.waiting} currency={u.currency} />, platform(u.platform), String(u.orders)] })}
          empty={<Nothing title={t('sku.all_mapped')} text={t('sku.all_mapped_text')} />} />
      </Section>
      <Section flush title={t('sku.mapped')}>
        <Search label={t('sku.search')} />
        <Listed of={list} caption={t('sku.mapped')}
          head={[{ title: t('sku.sku'), slot: 'primary' }, { title: t('sku.class'), slot: 'inline' }, { title: t('sku.name'), slot: 'secondary' }, { title: t('sku.platform') }, { title: 'CV', numeric: true }, { title: 'QV', numeric: true }, { title: t('sku.from') }, { title: t('rules.actions'), acts: true }]}
          row={(m) => ({ id: `${idOf(m)}${m.country ?? ''}@${m.version}`, cells: [<bdi>{m.platform_sku}</bdi>, m.commission_class ? <bdi>{m.commission_class}</bdi> : t('sku.ended'), <bdi>{m.name ?? m.sku_id}</bdi>, platform(m.platform), volume(m.cv_per_unit, m.cv_of_net), volume(m.qv_per_unit, m.qv_of_net), <When at={m.valid_from} day />,
            <Button label={t('sku.edit')} onClick={() => setEdit(draftOf(m))} />] })}
          empty={filter.search ? <Nothing title={t('sku.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/products' }]} /> : <Nothing title={t('sku.none')} text={t('sku.none_yet')} />} />
      </Section>
      </Ready>
      {edit && <Editor draft={edit} classes={classes} close={() => setEdit(undefined)} done={(changed) => { setEdit(undefined); choose(new Set()); setReleased(changed.released); toast(t('sku.saved', { n: changed.added + changed.changed })); void stale(); }} />}
    </Page>
  );
}

const volume = (unit?: string, share?: string): string => (unit ? figure(unit) : share ?? '');
const dedupe = (skus: Unmapped[]): Sku[] => [...new Map(skus.map((u) => [`${u.platform}/${u.platform_sku}`, { platform: u.platform, platform_sku: u.platform_sku }])).values()];

interface Sku { platform: string; platform_sku: string }
interface Draft { skus: Sku[]; commission_class: string; name: string; cv: string; qv: string; was?: Mapping }

const draftOf = (m: Mapping): Draft => ({ skus: [{ platform: m.platform, platform_sku: m.platform_sku }], commission_class: m.commission_class, name: m.name ?? '', cv: m.cv_per_unit ?? m.cv_of_net ?? '', qv: m.qv_per_unit ?? m.qv_of_net ?? '', was: m });

/** A volume is points per unit, or a share of net. */
const asVolume = (name: 'cv' | 'qv', text: string): Record<string, string> => {
  const value = text.trim();
  return value === '' ? {} : { [value.endsWith('%') ? `${name}_of_net` : `${name}_per_unit`]: value };
};

function specs(d: Draft): Record<string, string>[] {
  return d.skus.map((sku) => ({
    ...sku, commission_class: d.commission_class.trim(), ...(d.name.trim() ? { name: d.name.trim() } : {}), ...(d.was?.category ? { category: d.was.category } : {}),
    ...(d.was?.sku_id ? { sku_id: d.was.sku_id } : {}), ...(d.was?.country ? { country: d.was.country } : {}), ...asVolume('cv', d.cv), ...asVolume('qv', d.qv),
  }));
}

/** What of the mapping is held against what somebody else may have saved meanwhile. */
const held = (m?: Mapping): string => JSON.stringify(m && [m.commission_class, m.name, m.cv_per_unit, m.cv_of_net, m.qv_per_unit, m.qv_of_net, m.valid_from]);

/** The mapping as it now is. Null: there is none. */
async function current(was: Mapping): Promise<Mapping | null> {
  const found = await ask<PageOf<Mapping>>(at('/api/v1/mappings', { search: was.platform_sku, limit: 200 }));
  return found.data.filter((m) => m.platform === was.platform && m.platform_sku === was.platform_sku && (m.country ?? '') === (was.country ?? '')).sort((a, b) => (a.valid_from < b.valid_from ? 1 : -1))[0] ?? null;
}

function Editor({ draft, classes: used, close, done }: { draft: Draft; classes: string[]; close(): void; done(changed: Changed): void }): VNode {
  const [d, set] = useState(draft);
  const plans = useGet<PageOf<{ running: boolean; classes: string[] }>>('/api/v1/plans').data?.data;
  const classes = [...new Set([...used, ...(plans?.find((p) => p.running)?.classes ?? [])])].sort(); // in use, or named by the plan
  const [one, setOne] = useState<Sku>({ platform: 'shopify', platform_sku: '' });
  const [preview, setPreview] = useState<Changed>();
  const [error, setError] = useState<Failure>();
  const [theirs, setTheirs] = useState<Mapping>();
  const [busy, setBusy] = useState(false);
  const full: Draft = draft.skus.length > 0 ? d : { ...d, skus: one.platform_sku.trim() ? [{ ...one, platform_sku: one.platform_sku.trim() }] : [] };
  const ready = full.skus.length > 0 && full.commission_class.trim() !== '';
  const body = { data: specs(full) };
  useEffect(() => { // says what saving would do, once the typing pauses
    setPreview(undefined);
    if (!ready) return undefined;
    const stop = new AbortController();
    const later = setTimeout(() => {
      post<Changed>('/api/v1/mappings?dry_run=true', body, { signal: stop.signal }).then((c) => { setPreview(c); setError(undefined); }, (e: unknown) => { if (e instanceof Failure) setError(e); });
    }, 400);
    return () => { clearTimeout(later); stop.abort(); };
  }, [JSON.stringify(body), ready]);
  const save = async (over = false): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      if (draft.was && !over) {
        const now = await current(draft.was);
        if (now && held(now) !== held(draft.was)) {
          setTheirs(now);
          return;
        }
      }
      done(await post<Changed>('/api/v1/mappings', body));
    } catch (e) {
      setError(e instanceof Failure ? e : new Failure(0, null));
    } finally {
      setBusy(false);
    }
  };
  const field = (name: string): string | undefined => (error?.field.includes(name) ? error.message : undefined);
  return (
    <Dialog open title={full.was ? t('sku.edit_title', { sku: full.was.platform_sku }) : t('sku.map_title', { n: Math.max(full.skus.length, 1) })} onClose={close}
      actions={[{ label: t('save.cancel'), onClick: close }, { label: t('sku.save'), primary: true, busy, disabled: !ready, onClick: () => void save() }]}>
      <Form onSubmit={() => { if (ready) void save(); }}>
        {theirs && <Conflict theirs={theirs} take={() => { set(draftOf(theirs)); setTheirs(undefined); draft.was = theirs; }} mine={() => { setTheirs(undefined); void save(true); }} />}
        {error && !field('commission_class') && !field('cv_') && !field('qv_') && <Problem error={error} />}
        {draft.skus.length > 0 ? <Text muted><Id>{draft.skus.slice(0, 12).map((s) => s.platform_sku).join(', ')}{draft.skus.length > 12 ? ' …' : ''}</Id></Text>
          : <Line><Field label={t('sku.sku')} value={one.platform_sku} onInput={(v) => setOne({ ...one, platform_sku: v })} maxLength={255} required />
            <Choice label={t('sku.platform')} value={one.platform} onInput={(v) => setOne({ ...one, platform: v })} options={['shopify', 'woocommerce', 'magento', 'custom'].map((p) => [p, word('platform', p)] as const)} /></Line>}
        <Field label={t('sku.class')} value={d.commission_class} onInput={(v) => set({ ...d, commission_class: v })} help={classes.length > 0 ? t('sku.class_known', { list: classes.join(', ') }) : t('sku.class_help')} error={field('commission_class')} required />
        {classes.length > 0 && <Line>{classes.slice(0, 8).map((c) => <Button key={c} label={c} onClick={() => set({ ...d, commission_class: c })} />)}</Line>}
        {full.skus.length < 2 && <Field label={t('sku.name')} value={d.name} onInput={(v) => set({ ...d, name: v })} />}
        <Line>
          <Field label={t('sku.cv')} value={d.cv} onInput={(v) => set({ ...d, cv: v })} placeholder="100%" help={t('sku.volume_help')} error={field('cv_')} />
          <Field label={t('sku.qv')} value={d.qv} onInput={(v) => set({ ...d, qv: v })} placeholder="100%" error={field('qv_')} />
        </Line>
        {preview && <Banner tone="info" title={t('sku.preview', { n: preview.added + preview.changed })}>{preview.released > 0 ? t('sku.preview_release', { n: preview.released }) : t('sku.preview_none')}</Banner>}
      </Form>
    </Dialog>
  );
}

/** Somebody else has changed the same mapping while this one was open. */
const Conflict = ({ theirs, take, mine }: { theirs: Mapping; take(): void; mine(): void }): VNode => (
  <Banner tone="warning" title={t('sku.conflict')} actions={[{ label: t('sku.take_theirs'), onClick: take }, { label: t('sku.keep_mine'), onClick: mine }]}>
    {t('sku.conflict_now', { class: theirs.commission_class || t('sku.ended'), cv: volume(theirs.cv_per_unit, theirs.cv_of_net) || '–', qv: volume(theirs.qv_per_unit, theirs.qv_of_net) || '–' })}
  </Banner>
);

/** The orders that were released settle by themselves; this says how far they are. */
function Released({ n, done }: { n: number; done(): void }): VNode {
  const left = useGet<PageOf<Order>>('/api/v1/orders?settlement=parked&reason_code=unmapped_sku&limit=1', 1500);
  useEffect(() => {
    const later = setTimeout(() => void stale(), 2500);
    return () => clearTimeout(later);
  }, [n]);
  return (
    <Stack>
      <Banner tone="success" title={t('sku.released', { n })} actions={[{ label: t('sku.see_orders'), href: '/orders?settlement=settled' }, { label: t('dialog.close'), onClick: done }]}>
        <Await of={left} lines={1}>{(page) => (page.data.length === 0 ? t('sku.none_left') : t('sku.some_left'))}</Await>
      </Banner>
    </Stack>
  );
}
