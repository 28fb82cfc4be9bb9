import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Badge, Banner, Button, Check, Code, Dialog, Facts, Field, Form, Line, Page, Section, Stack, Text, Views, toast } from '#ui';
import type { Tone } from '#ui';
import { t, word } from '#text';
import { count } from '../../ui/money.ts';
import { duration } from '../../ui/time.ts';
import { Id, When } from '#viz';
import { Await, Listed, Nothing, Problem } from '../common.tsx';
import { ask, post } from '../api.ts';
import { stale, useGet, useList } from '../data.ts';
import type { List, Page as PageOf } from '../data.ts';
import { go, refine, usePlace } from '../route.ts';
import { useSubmit } from './signin.tsx';

interface Endpoint {
  endpoint_id: string; url: string; description: string; types: string[]; state: 'active' | 'paused'; reason?: string; created_at: string; succeeded_at?: string;
  failing_since?: string; old_secret_until?: string; waiting: number; version: number; secret?: string;
}
interface Attempt { attempt: number; at: string; status: number; latency_us: number; fault?: string; answer?: string }
interface Message {
  sequence: number; event_id: string; type: string; subject: string; state: 'waiting' | 'delivered' | 'failed'; attempts: number; created_at: string; due_at?: string; last?: Attempt;
  body?: unknown; tries?: Attempt[];
}

const types = ['commission.event', 'order.settled', 'order.parked', 'delivery.parked', 'store.connected', 'store.disconnected', 'plan.published'];
const api = '/api/v1/webhooks';
const stateOf = (e: Endpoint): readonly [string, Tone] => e.state === 'paused' ? [word('webhook_state', 'paused'), 'warning'] : e.failing_since ? [word('webhook_state', 'failing'), 'critical'] : [word('webhook_state', 'active'), 'success'];
const tones: Record<string, Tone> = { waiting: 'info', delivered: 'success', failed: 'critical' };

export function Webhooks(): VNode {
  const read = useGet<PageOf<Endpoint>>(api);
  const list: List<Endpoint> = { ...read, data: read.data?.data, loadingMore: false };
  const [adding, setAdding] = useState(false);
  return (
    <Page title={t('webhook.title')} lead={t('webhook.lead')} back={{ label: t('nav.settings'), href: '/settings' }} actions={[{ label: t('webhook.add'), primary: true, onClick: () => setAdding(true) }]}>
      <Section flush title={t('webhook.title')}>
        <Listed of={list} caption={t('webhook.title')}
          head={[{ title: t('webhook.url'), slot: 'primary' }, { title: t('plan.state'), slot: 'inline' }, { title: t('webhook.last_success'), slot: 'secondary' }, { title: t('webhook.types') }, { title: t('webhook.waiting'), numeric: true }]}
          row={(e) => ({ id: e.endpoint_id, href: `/settings/webhooks/${e.endpoint_id}`, cells: [<bdi>{e.description || e.url}</bdi>, <Badge tone={stateOf(e)[1]}>{stateOf(e)[0]}</Badge>, <When at={e.succeeded_at} />, <Id>{e.types.join(', ')}</Id>, count(e.waiting)] })}
          empty={<Nothing title={t('webhook.none')} text={t('webhook.none_text')} actions={[{ label: t('webhook.add'), onClick: () => setAdding(true) }]} />} />
      </Section>
      {adding && <Edit close={() => { setAdding(false); void stale(); }} />}
    </Page>
  );
}

/** Adds an endpoint, or changes one. What somebody else has saved meanwhile is refused by the server, and nothing typed is lost. */
function Edit({ was, close }: { was?: Endpoint; close(): void }): VNode {
  const [f, set] = useState({ url: was?.url ?? '', description: was?.description ?? '', types: was?.types ?? ['commission.event'] });
  const [made, setMade] = useState<Endpoint>();
  const s = useSubmit();
  const save = (): void => s.run(async () => {
    const body = { url: f.url.trim(), description: f.description, types: f.types };
    if (!was) return setMade(await post<Endpoint>(api, body));
    await ask(`${api}/${was.endpoint_id}`, { method: 'PATCH', body, headers: { 'If-Match': `"${was.version}"` } });
    close();
  });
  if (made) return <Dialog open title={t('webhook.secret_once')} onClose={close} actions={[{ label: t('dialog.close'), primary: true, onClick: close }]}><Code label={t('webhook.secret')} text={made.secret ?? ''} /></Dialog>;
  return (
    <Dialog open title={was ? t('webhook.edit') : t('webhook.add')} onClose={close} actions={[{ label: t('save.cancel'), onClick: close }, { label: was ? t('save.save') : t('webhook.add'), primary: true, busy: s.busy, disabled: !f.url.trim() || f.types.length === 0, onClick: save }]}>
      <Form onSubmit={save}>
        {s.error && !s.at('url') && !s.at('types') && <Problem error={s.error} />}
        <Field label={t('webhook.url')} value={f.url} onInput={(url) => set({ ...f, url })} placeholder="https://example.com/upline" help={t('webhook.url_help')} error={s.at('url')} required maxLength={2048} />
        <Field label={t('webhook.description')} value={f.description} onInput={(description) => set({ ...f, description })} maxLength={100} />
        <Stack tight>
          <Text strong>{t('webhook.types')}</Text>
          {types.map((name) => <Check key={name} label={name} help={word('webhook_type', name)} checked={f.types.includes(name)} onInput={(on) => set({ ...f, types: on ? [...f.types, name] : f.types.filter((x) => x !== name) })} />)}
        </Stack>
      </Form>
    </Dialog>
  );
}

export function WebhookScreen({ id }: { id: string }): VNode {
  const path = `${api}/${encodeURIComponent(id)}`;
  const read = useGet<Endpoint>(path, 5000);
  const e = read.data;
  const [dialog, setDialog] = useState<'edit' | 'remove'>();
  const [secret, setSecret] = useState('');
  const s = useSubmit();
  const change = (body: unknown): void => s.run(async () => { await ask(path, { method: 'PATCH', body }); void stale(); });
  const test = (): void => s.run(async () => { await post(`${path}/test`, {}); toast(t('webhook.tested')); setTimeout(() => void stale(), 1500); });
  const rotate = (): void => s.run(async () => { setSecret((await post<{ secret: string }>(`${path}/rotate-secret`, {})).secret); void stale(); });
  const again = (): void => s.run(async () => { await post(`${path}/resend`, {}); toast(t('webhook.resent')); void stale(); });
  const remove = (): void => s.run(async () => { await ask(path, { method: 'DELETE' }); go('/settings/webhooks', true); void stale(); });
  return (
    <Page title={e ? e.description || e.url : t('webhook.one')} back={{ label: t('webhook.title'), href: '/settings/webhooks' }} badge={e && stateOf(e)} lead={e ? <bdi>{e.url}</bdi> : null}
      actions={e ? [{ label: t('webhook.edit'), onClick: () => setDialog('edit') }, { label: t('webhook.test'), primary: true, busy: s.busy, disabled: e.state === 'paused', onClick: test }] : []}>
      {s.error && <Problem error={s.error} />}
      <Await of={read}>{(x) => <>
        {x.state === 'paused' && <Banner tone="warning" title={t('webhook.paused_title')} actions={[{ label: t('webhook.resume'), onClick: () => change({ state: 'active' }) }]}>{x.reason}</Banner>}
        <Section title={t('delivery.facts')}>
          <Facts rows={[
            [t('webhook.types'), <Id>{x.types.join(', ')}</Id>], [t('webhook.last_success'), <When at={x.succeeded_at} />],
            ...(x.failing_since ? [[t('webhook.failing_since'), <When at={x.failing_since} />] as const] : []),
            ...(x.old_secret_until ? [[t('webhook.old_until'), <When at={x.old_secret_until} />] as const] : []),
          ]} />
          {secret && <><Banner tone="warning" title={t('webhook.secret_once')} /><Code label={t('webhook.secret')} text={secret} /></>}
          <Line>
            <Button label={t('webhook.rotate')} onClick={rotate} />
            {x.state === 'active' && <Button label={t('webhook.pause')} onClick={() => change({ state: 'paused' })} />}
            <Button label={t('webhook.remove')} danger onClick={() => setDialog('remove')} />
          </Line>
        </Section>
        <Log path={path} again={again} />
      </>}</Await>
      {dialog === 'edit' && e && <Edit was={e} close={() => { setDialog(undefined); void stale(); }} />}
      <Dialog open={dialog === 'remove'} title={t('webhook.remove')} onClose={() => setDialog(undefined)} actions={[{ label: t('save.cancel'), onClick: () => setDialog(undefined) }, { label: t('webhook.remove'), danger: true, busy: s.busy, onClick: remove }]}><Text>{t('webhook.remove_text')}</Text></Dialog>
    </Page>
  );
}

const answered = (a?: Attempt): string => !a ? '–' : a.status === 0 ? t('webhook.no_answer') : String(a.status);

/** What an endpoint was sent, and what it answered. */
function Log({ path, again }: { path: string; again(): void }): VNode {
  const { query } = usePlace();
  const state = query.get('state') ?? '';
  const list = useList<Message>(`${path}/messages`, { state });
  const [open, setOpen] = useState<number>();
  return (
    <Section flush title={t('webhook.log')} actions={state === 'failed' ? [{ label: t('webhook.resend_failed'), onClick: again }] : []}>
      <Views label={t('webhook.log')} value={state} onInput={(v) => refine({ state: v })} options={[['', t('webhook.every')], ...['waiting', 'delivered', 'failed'].map((x) => [x, word('message', x)] as const)]} />
      <Listed of={list} caption={t('webhook.log')}
        head={[{ title: t('webhook.event'), slot: 'primary' }, { title: t('plan.state'), slot: 'inline' }, { title: t('webhook.when'), slot: 'secondary' }, { title: t('webhook.about') }, { title: t('webhook.answer'), numeric: true }, { title: t('webhook.took'), numeric: true }, { title: t('webhook.tries'), numeric: true }]}
        row={(m) => ({ id: String(m.sequence), cells: [<Button label={m.type} onClick={() => setOpen(m.sequence)} />, <Badge tone={tones[m.state] ?? 'neutral'}>{word('message', m.state)}</Badge>, <When at={m.created_at} precise />, <Id>{m.subject}</Id>, answered(m.last), m.last ? duration(m.last.latency_us / 1000) : '–', count(m.attempts)] })}
        empty={<Nothing title={t('webhook.log_none')} />} />
      {open !== undefined && <One path={`${path}/messages/${open}`} close={() => setOpen(undefined)} />}
    </Section>
  );
}

function One({ path, close }: { path: string; close(): void }): VNode {
  const read = useGet<Message>(path, 3000);
  const s = useSubmit();
  const again = (): void => s.run(async () => { await post(`${path}/resend`, {}); toast(t('webhook.resent')); void stale(); });
  return (
    <Dialog open wide title={read.data?.type ?? t('webhook.event')} onClose={close} actions={[{ label: t('webhook.resend'), busy: s.busy, onClick: again }, { label: t('dialog.close'), primary: true, onClick: close }]}>
      {s.error && <Problem error={s.error} />}
      <Await of={read} lines={6}>{(m) => <Stack>
        <Facts rows={[[t('webhook.event_id'), <Id>{m.event_id}</Id>], [t('plan.state'), word('message', m.state)], ...(m.due_at ? [[t('webhook.next'), <When at={m.due_at} precise />] as const] : [])]} />
        {m.tries?.map((a) => <Stack tight key={a.attempt}><Text strong>{`${count(a.attempt)}. `}<When at={a.at} precise />{` · ${answered(a)} · ${duration(a.latency_us / 1000)}`}</Text>{(a.fault || a.answer) && <Text muted><bdi>{a.fault || a.answer}</bdi></Text>}</Stack>)}
        <Code label={t('webhook.body')} text={JSON.stringify(m.body, null, 2)} />
      </Stack>}</Await>
    </Dialog>
  );
}
