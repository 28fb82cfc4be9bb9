import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Badge, Banner, Button, Choice, Dialog, Field, Form, Line, Page, Section, Stack, Text, toast } from '#ui';
import { t, word } from '#text';
import { count } from '../../ui/money.ts';
import { Id } from '#viz';
import { Listed, Nothing, Problem, platform } from '../common.tsx';
import { Failure, ask } from '../api.ts';
import { client, stale, useGet } from '../data.ts';
import type { List } from '../data.ts';
import { may } from '../session.ts';
import type { Changed } from '../types.ts';
import { Alike, useAlike } from './rule.tsx';
import { useSubmit } from './signin.tsx';

interface Said { rule_id?: string; platform: string; prefix: string; suffix: string; contains: string; commission_class: string; category: string; cv_per_unit: string; cv_of_net: string; qv_per_unit: string; qv_of_net: string }
interface Kept extends Said { rule_id: string; fits: number; skus: { platform: string; platform_sku: string }[]; covered_by?: string }
interface Rules { version: number; rules: Kept[]; conflicts: { platform: string; platform_sku: string; rule_ids: string[] }[]; changed: Changed }

const api = '/api/v1/mappings/rules';
const blank: Said = { platform: '', prefix: '', suffix: '', contains: '', commission_class: '', category: '', cv_per_unit: '', cv_of_net: '', qv_per_unit: '', qv_of_net: '' };
const said = ({ rule_id, platform, prefix, suffix, contains, commission_class, category, cv_per_unit, cv_of_net, qv_per_unit, qv_of_net }: Said): Said => (
  { rule_id, platform, prefix, suffix, contains, commission_class, category, cv_per_unit, cv_of_net, qv_per_unit, qv_of_net });
const put = (rules: Said[], seen: number, more: { signal?: AbortSignal; dry?: boolean } = {}): Promise<Rules> => ask<Rules>(`${api}${more.dry ? '?dry_run=true' : ''}`, {
  method: 'PUT', body: { rules: rules.map(said) }, headers: seen > 0 ? { 'If-Match': `"${seen}"` } : {}, signal: more.signal,
});

/** What a rule looks for, in words. */
const looks = (r: Said): string => [
  r.prefix && t('rules.begins', { text: r.prefix }), r.contains && t('rules.has', { text: r.contains }), r.suffix && t('rules.ends', { text: r.suffix }), r.platform && t('rules.on', { platform: platform(r.platform) }),
].filter(Boolean).join(', ');
const volumes = (r: Said): string => `${r.cv_per_unit || r.cv_of_net || '100%'} / ${r.qv_per_unit || r.qv_of_net || '100%'}`;

export default function RulesScreen(): VNode {
  const read = useGet<Rules>(api);
  const now = read.data;
  const [edit, setEdit] = useState<number>(); // place in the list; its length for a new one
  const [undo, setUndo] = useState<{ rule: Said; place: number }>(); // what was removed last
  const s = useSubmit();
  const change = may('catalogue.write');
  const rules = now?.rules ?? [];
  const keep = (list: Said[], then?: () => void): void => s.run(async () => {
    client.setQueryData([api], await put(list, now?.version ?? 0));
    then?.();
    void stale();
  });
  const remove = (place: number): void => {
    const rule = rules[place];
    if (rule) keep(rules.filter((_, i) => i !== place), () => setUndo({ rule, place }));
  };
  const restore = ({ rule, place }: { rule: Said; place: number }): void => keep([...rules.slice(0, place), rule, ...rules.slice(place)], () => setUndo(undefined));
  const move = (place: number, by: number): void => {
    const list = [...rules];
    const [one] = list.splice(place, 1);
    if (one) list.splice(place + by, 0, one);
    keep(list);
  };
  const list: List<Kept> = { ...read, data: now?.rules, loadingMore: false };
  const add = change ? [{ label: t('rules.add'), primary: true, onClick: () => setEdit(rules.length) }] : [];
  return (
    <Page title={t('rules.title')} lead={t('rules.lead')} back={{ label: t('nav.products'), href: '/products' }} actions={now ? add : []}>
      {s.error && <Refused error={s.error} reload={() => { s.run(async () => undefined); read.again(); }} />}
      {undo && <Banner tone="info" title={t('rules.removed')} actions={[{ label: t('rules.undo'), onClick: () => restore(undo) }, { label: t('dialog.close'), onClick: () => setUndo(undefined) }]} />}
      {now && <Conflicts of={now} />}
      <Section flush title={t('rules.title')}>
        <Listed of={list} caption={t('rules.title')}
          head={[{ title: t('rules.looks'), slot: 'primary' }, { title: t('sku.class'), slot: 'inline' }, { title: 'CV / QV', numeric: true }, { title: t('rules.fits_col'), numeric: true }, ...(change ? [{ title: t('rules.actions'), acts: true }] : [])]}
          row={(r) => {
            const place = rules.findIndex((x) => x.rule_id === r.rule_id);
            const over = rules.findIndex((x) => x.rule_id === r.covered_by);
            return { id: r.rule_id, cells: [
              <Stack tight><Text><Text muted>{`${place + 1}.`}</Text> <bdi>{looks(r)}</bdi></Text>{over >= 0 && <Badge tone="warning">{t('rules.covered', { n: over + 1 })}</Badge>}</Stack>,
              <bdi>{r.commission_class}</bdi>, <bdi>{volumes(r)}</bdi>, count(r.fits),
              ...(change ? [<Line><Button arrow="up" label={t('rules.up')} disabled={place <= 0 || s.busy} onClick={() => move(place, -1)} /><Button arrow="down" label={t('rules.down')} disabled={place === rules.length - 1 || s.busy} onClick={() => move(place, 1)} /><Button label={t('rules.edit')} onClick={() => setEdit(place)} /><Button label={t('rules.remove')} danger disabled={s.busy} onClick={() => remove(place)} /></Line>] : []),
            ] };
          }}
          empty={<Nothing title={t('rules.none')} text={t('rules.none_text')} actions={add.map((a) => ({ ...a, primary: false }))} />} />
      </Section>
      {edit !== undefined && now && <Editor now={now} place={edit} close={() => setEdit(undefined)} done={(saved) => { setEdit(undefined); client.setQueryData([api], saved); toast(t('rules.saved')); void stale(); }} />}
    </Page>
  );
}

/** Somebody else was faster, or the server says no. */
const Refused = ({ error, reload }: { error: Failure; reload(): void }): VNode => error.status === 409
  ? <Banner tone="warning" title={t('rules.stale')} actions={[{ label: t('rules.reload'), onClick: reload }]}>{t('rules.stale_text')}</Banner>
  : <Problem error={error} />;

/** SKUs that wait and that several rules would map differently. */
function Conflicts({ of }: { of: Rules }): VNode | null {
  if (of.conflicts.length === 0) return null;
  const number = (id: string): number => of.rules.findIndex((r) => r.rule_id === id) + 1;
  return (
    <Banner tone="warning" title={t('rules.conflict', { n: of.conflicts.length })}>
      <Stack tight>{of.conflicts.slice(0, 5).map((c) => <Text key={`${c.platform}/${c.platform_sku}`}><bdi>{t('rules.conflict_one', { sku: c.platform_sku, first: number(c.rule_ids[0] ?? ''), others: c.rule_ids.slice(1).map(number).join(', ') })}</bdi></Text>)}</Stack>
    </Banner>
  );
}

type Volume = 'cv' | 'qv';
const volumeOf = (r: Said, v: Volume): string => r[`${v}_per_unit`] || r[`${v}_of_net`];
const withVolume = (r: Said, v: Volume, text: string): Said => ({ ...r, [`${v}_per_unit`]: text.trim().endsWith('%') ? '' : text, [`${v}_of_net`]: text.trim().endsWith('%') ? text.trim() : '' });

/** One rule of the list, with what the whole list would then do. */
function Editor({ now, place, close, done }: { now: Rules; place: number; close(): void; done(saved: Rules): void }): VNode {
  const [seen, setSeen] = useState(now);
  const [f, set] = useState<Said>(now.rules[place] ?? blank);
  const [would, setWould] = useState<Rules>();
  const [refused, refuse] = useState<Failure>();
  const s = useSubmit();
  const { rule_id: _, ...alone } = f;
  const ready = (f.prefix || f.suffix || f.contains) !== '' && f.commission_class.trim() !== '';
  const mine: Said = { ...f, commission_class: f.commission_class.trim() };
  // Where somebody else has changed the list meanwhile, the same rule is changed in theirs, and a new one comes last.
  const at = f.rule_id ? seen.rules.findIndex((r) => r.rule_id === f.rule_id) : -1;
  const all: Said[] = at >= 0 ? seen.rules.map((r, i) => (i === at ? mine : r)) : [...seen.rules, mine];
  const index = at >= 0 ? at : seen.rules.length;
  useEffect(() => {
    setWould(undefined);
    refuse(undefined);
    if (!ready) return undefined;
    const stop = new AbortController();
    const later = setTimeout(() => { put(all, seen.version, { signal: stop.signal, dry: true }).then(setWould, (e: unknown) => { if (e instanceof Failure) refuse(e); }); }, 400);
    return () => { clearTimeout(later); stop.abort(); };
  }, [JSON.stringify(all), ready]);
  const save = (): void => s.run(async () => done(await put(all, seen.version)));
  const reload = (): void => s.run(async () => setSeen(await ask<Rules>(api)));
  const alike = useAlike({ ...alone, commission_class: f.commission_class.trim() }, ready);
  const error = s.error ?? refused;
  const fault = (name: string): string | undefined => (error?.field.includes(name) ? error.message : undefined);
  const effect = would?.rules[index];
  const over = would?.rules.findIndex((r) => r.rule_id === effect?.covered_by) ?? -1;
  return (
    <Dialog open wide title={f.rule_id ? t('rules.edit_title') : t('rules.add')} onClose={close} actions={[{ label: t('save.cancel'), onClick: close }, { label: t('save.save'), primary: true, busy: s.busy, disabled: !ready, onClick: save }]}>
      <Form onSubmit={() => { if (ready) save(); }}>
        {error && !fault('commission_class') && !fault('cv_') && !fault('qv_') && <Refused error={error} reload={reload} />}
        <Choice label={t('sku.platform')} value={f.platform} options={[['', t('rule.any')], ...['shopify', 'woocommerce', 'magento', 'custom'].map((p) => [p, word('platform', p)] as const)]} onInput={(v) => set({ ...f, platform: v })} />
        <Line>
          <Field label={t('rule.prefix')} value={f.prefix} onInput={(prefix) => set({ ...f, prefix })} maxLength={100} />
          <Field label={t('rule.contains')} value={f.contains} onInput={(contains) => set({ ...f, contains })} maxLength={100} />
          <Field label={t('rule.suffix')} value={f.suffix} onInput={(suffix) => set({ ...f, suffix })} maxLength={100} />
        </Line>
        <Field label={t('sku.class')} value={f.commission_class} onInput={(v) => set({ ...f, commission_class: v })} help={t('sku.class_help')} error={fault('commission_class')} required />
        <Line>
          <Field label={t('sku.cv')} value={volumeOf(f, 'cv')} onInput={(v) => set(withVolume(f, 'cv', v))} placeholder="100%" help={t('sku.volume_help')} error={fault('cv_')} />
          <Field label={t('sku.qv')} value={volumeOf(f, 'qv')} onInput={(v) => set(withVolume(f, 'qv', v))} placeholder="100%" error={fault('qv_')} />
        </Line>
        {effect && over >= 0 && <Banner tone="warning" title={t('rules.covered', { n: over + 1 })} />}
        {would && <Conflicts of={would} />}
        {effect && <Banner tone="info" title={effect.fits === 0 ? t('rules.later') : t('rule.fits', { n: effect.fits })}>
          <Id>{effect.skus.slice(0, 12).map((x) => x.platform_sku).join(', ')}{effect.fits > 12 ? ' …' : ''}</Id>{effect.fits > 0 && would && <Text muted> {would.changed.released > 0 ? t('sku.preview_release', { n: would.changed.released }) : t('sku.preview_none')}</Text>}
        </Banner>}
        <Alike of={alike} />
      </Form>
    </Dialog>
  );
}
