import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Banner, Button, Check, Dialog, Facts, Field, File as Pick, Form, Line, Section, Stack, Text, toast } from '#ui';
import { t, type Key } from '#text';
import { count } from '../../ui/money.ts';
import { Money } from '#viz';
import { Await, Problem, useExport } from '../common.tsx';
import { ask, post } from '../api.ts';
import { stale, useGet } from '../data.ts';
import type { Page as PageOf } from '../data.ts';
import type { Overview, Store } from '../types.ts';
import { useSubmit } from './signin.tsx';

export interface Brand { name: string; accent: string; logo_url: string }
interface Setting { name: string; value: Brand; version: number }

/** The company's name, accent and logo. The server judges the colour and the picture. */
export function Branding(): VNode {
  const kept = useGet<PageOf<Setting>>('/api/v1/settings').data?.data.find((x) => x.name === 'branding');
  const [f, set] = useState<Brand>({ name: '', accent: '', logo_url: '' });
  const s = useSubmit();
  useEffect(() => { if (kept) set({ name: kept.value.name ?? '', accent: kept.value.accent ?? '', logo_url: kept.value.logo_url ?? '' }); }, [kept?.version]);
  const save = (): void => s.run(async () => {
    await ask('/api/v1/settings/branding', { method: 'PUT', body: { value: f }, headers: kept ? { 'If-Match': `"${kept.version}"` } : {} });
    toast(t('branding.saved'));
    void stale();
  });
  const take = (file: File): void => {
    const reader = new FileReader();
    reader.onload = () => set((now) => ({ ...now, logo_url: String(reader.result) }));
    reader.readAsDataURL(file);
  };
  return (
    <Section title={t('branding.title')} note={t('branding.text')}>
      <Form onSubmit={save}>
        {s.error && !s.at('value.name') && !s.at('value.accent') && !s.at('value.logo_url') && <Problem error={s.error} />}
        <Field label={t('branding.name')} value={f.name} onInput={(name) => set({ ...f, name })} error={s.at('value.name')} maxLength={200} />
        <Field label={t('branding.accent')} value={f.accent} onInput={(accent) => set({ ...f, accent })} placeholder="#2f7dd1" help={t('branding.accent_help')} error={s.at('value.accent')} maxLength={7} />
        <Pick label={t('branding.logo')} accept="image/png,image/jpeg,image/webp" onFile={take} help={t('branding.logo_help')} />
        {s.at('value.logo_url') && <Banner tone="critical" title={s.at('value.logo_url') ?? ''} />}
        {f.logo_url && <Line><img alt={t('branding.logo')} src={f.logo_url} height={40} /><Button label={t('branding.logo_remove')} onClick={() => set({ ...f, logo_url: '' })} /></Line>}
        <Line><Button label={t('save.save')} primary submit busy={s.busy} /></Line>
      </Form>
    </Section>
  );
}

/** What only an owner may do. */
export function Danger(): VNode {
  const stores = useGet<PageOf<Store>>('/api/v1/stores').data?.data ?? [];
  const [store, choose] = useState<Store>();
  const [typed, type] = useState('');
  const s = useSubmit();
  const close = (): void => { choose(undefined); type(''); };
  const run = (): void => s.run(async () => {
    await post(`/api/v1/stores/${encodeURIComponent(store?.store_id ?? '')}/disconnect`, { confirm: typed.trim() });
    toast(t('danger.disconnected'));
    close();
    void stale();
  });
  return (
    <Section title={t('danger.title')} note={t('danger.lead')}>
      <Stack>
        <Text strong>{t('danger.disconnect')}</Text><Text muted>{t('danger.disconnect_text')}</Text>
        {stores.map((x) => <Line key={x.store_id} spread><Text><bdi>{x.name || x.domain}</bdi></Text><Button label={t('danger.disconnect_now')} danger onClick={() => choose(x)} /></Line>)}
        {stores.length === 0 && <Text muted>{t('stores.none_yet')}</Text>}
      </Stack>
      <Closing />
      {store && <Dialog open title={t('danger.disconnect')} onClose={close} actions={[{ label: t('save.cancel'), onClick: close }, { label: t('danger.disconnect_now'), danger: true, busy: s.busy, disabled: typed.trim() !== store.domain, onClick: run }]}>
        <Form onSubmit={run}>
          {s.error && !s.at('confirm') && <Problem error={s.error} />}
          <Text>{t('danger.disconnect_text')}</Text>
          <Field label={t('danger.confirm', { domain: store.domain })} value={typed} onInput={type} error={s.at('confirm')} required />
        </Form>
      </Dialog>}
    </Section>
  );
}

interface Ends { closed_at?: string; goes: Record<string, number>; stays: Record<string, number>; owed: Record<string, string> }
const close = '/api/v1/program/close';
const some = (of: Record<string, number>): (readonly [string, string])[] => Object.entries(of).filter(([, n]) => n > 0).map(([name, n]) => [t(`close.${name}` as Key), count(n)]);

/** Closing the company: what goes, what stays, and the way to take it along first. */
function Closing(): VNode {
  const program = useGet<Overview>('/api/v1/overview').data?.program;
  const [open, setOpen] = useState(false);
  return (
    <Stack>
      <Text strong>{t('close.title')}</Text><Text muted>{t('close.text')}</Text>
      {program && !program.closed_at && <Line><Button label={t('close.open')} danger onClick={() => setOpen(true)} /></Line>}
      {open && program && <Close name={program.name} shut={() => setOpen(false)} />}
    </Stack>
  );
}

function Close({ name, shut }: { name: string; shut(): void }): VNode {
  const [would, setWould] = useState<Ends>();
  const [typed, type] = useState('');
  const [elsewhere, setElsewhere] = useState(false);
  const look = useSubmit();
  const s = useSubmit();
  const read = (): void => look.run(async () => setWould(await post<Ends>(`${close}?dry_run=true`, {})));
  useEffect(read, []);
  const files = [useExport('distributors', {}), useExport('orders', {}), useExport('ledger', {}), useExport('commissions', {}), useExport('mappings', {})];
  const names = ['nav.distributors', 'nav.orders', 'ledger.title', 'nav.commissions', 'nav.products'] as const;
  const whole = useExport('all', {}, 'zip');
  const owed = Object.entries(would?.owed ?? {});
  const ready = typed.trim() === name && (owed.length === 0 || elsewhere);
  const run = (): void => s.run(async () => {
    await post(close, { confirm: typed.trim(), despite_owed: elsewhere });
    toast(t('close.done'));
    shut();
    void stale();
  });
  return (
    <Dialog open wide title={t('close.title')} onClose={shut} actions={[{ label: t('save.cancel'), onClick: shut }, { label: t('close.now'), danger: true, busy: s.busy, disabled: !ready || !would, onClick: run }]}>
      <Form onSubmit={() => { if (ready && would) run(); }}>
        {s.error && !s.at('confirm') && <Problem error={s.error} />}
        <Text>{t('close.text')}</Text>
        <Text strong>{t('close.export')}</Text><Text muted>{t('close.archive_text')}</Text>
        <Line><Button {...whole} label={t('close.archive')} primary />{files.map((f, i) => <Button key={names[i]} {...f} label={`${t(names[i] ?? 'export.csv')} (CSV)`} />)}</Line>
        <Await of={{ data: would, error: look.error, again: read, loading: look.busy, at: 0 }} lines={6}>{(w) => <Stack>
          <Text strong>{t('close.goes')}</Text><Facts rows={some(w.goes)} />
          <Text strong>{t('close.stays')}</Text><Facts rows={some(w.stays)} />
          {owed.length > 0 && <><Banner tone="warning" title={t('close.owed')}><Stack tight>{owed.map(([currency, text]) => <Money key={currency} text={text} currency={currency} />)}<Text>{t('close.owed_text')}</Text></Stack></Banner>
            <Check label={t('close.owed_check')} checked={elsewhere} onInput={setElsewhere} /></>}
        </Stack>}</Await>
        <Field label={t('close.confirm', { name })} value={typed} onInput={type} error={s.at('confirm')} required />
      </Form>
    </Dialog>
  );
}
