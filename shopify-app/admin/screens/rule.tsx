import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Banner, Choice, Details, Dialog, Field, Form, Line, Table, Text } from '#ui';
import { t, word } from '#text';
import { count } from '../../ui/money.ts';
import { Money } from '#viz';
import { Problem, platform } from '../common.tsx';
import { Failure, post } from '../api.ts';
import type { Changed, Unmapped } from '../types.ts';
import { useSubmit } from './signin.tsx';

interface Mapped { platform: string; platform_sku: string; commission_class: string }
interface Outcome { matches: Unmapped[]; changed: Changed; mapped?: { count: number; differ: number; skus: Mapped[] } }

/** Mapped SKUs that look as a rule says: whoever writes it sees whether it speaks of what they mean. */
export function Alike({ of }: { of: Outcome['mapped'] }): VNode | null {
  if (!of || of.count === 0) return null;
  return (
    <Details summary={<>{t('rule.alike', { n: of.count })}{of.differ > 0 && <> · <Text strong>{t('rule.differ', { n: of.differ })}</Text></>}</>}>
      <Table caption={t('rule.alike', { n: of.count })} head={[{ title: t('sku.sku'), slot: 'primary' }, { title: t('rule.is_now'), slot: 'inline' }, { title: t('sku.platform'), slot: 'secondary' }]}
        rows={of.skus.map((m) => ({ id: `${m.platform}/${m.platform_sku}`, cells: [<bdi>{m.platform_sku}</bdi>, <bdi>{m.commission_class}</bdi>, platform(m.platform)] }))} />
    </Details>
  );
}

/** Asks which those are, once the typing pauses. */
export function useAlike(rule: Record<string, unknown>, ready: boolean): Outcome['mapped'] {
  const [seen, see] = useState<Outcome['mapped']>();
  const text = JSON.stringify(rule);
  useEffect(() => {
    see(undefined);
    if (!ready) return undefined;
    const stop = new AbortController();
    const later = setTimeout(() => { post<Outcome>('/api/v1/mappings/rules?dry_run=true', rule, { signal: stop.signal }).then((o) => see(o.mapped), () => undefined); }, 400);
    return () => { clearTimeout(later); stop.abort(); };
  }, [text, ready]);
  return seen;
}

/** Maps every waiting SKU that looks alike; what would be mapped and released is shown while the rule is written. */
export default function Rule({ close, done }: { close(): void; done(changed: Changed): void }): VNode {
  const [f, set] = useState({ platform: '', prefix: '', suffix: '', contains: '', commission_class: '' });
  const [seen, see] = useState<Outcome>();
  const [refused, refuse] = useState<Failure>();
  const s = useSubmit();
  const said = (f.prefix || f.suffix || f.contains) !== '' && f.commission_class.trim() !== '';
  const body = { ...f, commission_class: f.commission_class.trim() };
  useEffect(() => {
    see(undefined);
    refuse(undefined);
    if (!said) return undefined;
    const stop = new AbortController();
    const later = setTimeout(() => { post<Outcome>('/api/v1/mappings/rules?dry_run=true', body, { signal: stop.signal }).then(see, (e: unknown) => { if (e instanceof Failure) refuse(e); }); }, 400);
    return () => { clearTimeout(later); stop.abort(); };
  }, [JSON.stringify(body)]);
  const apply = (): void => s.run(async () => done((await post<Outcome>('/api/v1/mappings/rules', body)).changed));
  const error = s.error ?? refused;
  const classError = error?.field.includes('commission_class') ? error.message : undefined;
  return (
    <Dialog open wide title={t('rule.title')} onClose={close} actions={[{ label: t('save.cancel'), onClick: close }, { label: t('rule.apply'), primary: true, busy: s.busy, disabled: !seen || seen.matches.length === 0, onClick: apply }]}>
      <Form onSubmit={apply}>
        {error && !classError && <Problem error={error} />}
        <Text muted>{t('rule.text')}</Text>
        <Choice label={t('sku.platform')} value={f.platform} options={[['', t('rule.any')], ...['shopify', 'woocommerce', 'magento', 'custom'].map((p) => [p, word('platform', p)] as const)]} onInput={(v) => set({ ...f, platform: v })} />
        <Line>
          <Field label={t('rule.prefix')} value={f.prefix} onInput={(prefix) => set({ ...f, prefix })} maxLength={100} />
          <Field label={t('rule.contains')} value={f.contains} onInput={(contains) => set({ ...f, contains })} maxLength={100} />
          <Field label={t('rule.suffix')} value={f.suffix} onInput={(suffix) => set({ ...f, suffix })} maxLength={100} />
        </Line>
        <Field label={t('sku.class')} value={f.commission_class} onInput={(v) => set({ ...f, commission_class: v })} help={t('sku.class_help')} error={classError} required />
        {seen && <Banner tone="info" title={seen.matches.length === 0 ? t('rule.none') : t('rule.fits', { n: seen.matches.length })}>{seen.changed.released > 0 ? t('sku.preview_release', { n: seen.changed.released }) : t('sku.preview_none')}</Banner>}
        {seen && seen.matches.length > 0 && <Table caption={t('rule.title')} head={[{ title: t('sku.sku'), slot: 'primary' }, { title: t('sku.waiting'), numeric: true, slot: 'inline' }, { title: t('sku.platform'), slot: 'secondary' }, { title: t('sku.orders'), numeric: true }]}
          rows={seen.matches.slice(0, 20).map((m) => ({ id: `${m.platform}/${m.platform_sku}/${m.currency}`, cells: [<bdi>{m.platform_sku}</bdi>, <Money text={m.waiting} currency={m.currency} />, platform(m.platform), count(m.orders)] }))} />}
        <Alike of={seen?.mapped} />
      </Form>
    </Dialog>
  );
}
