import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Button, Choice, Facts, Field, Form, Line, Page, Section, Stack, Table, Text, toast } from '#ui';
import { languages, locale, t } from '#text';
import { ask, key, post } from '../api.ts';
import { chooseLanguage } from '../language.ts';
import { Await, Problem, Ready } from '../common.tsx';
import { stale, useGet } from '../data.ts';
import { When } from '#viz';
import { go } from '../route.ts';
import { Branding, Danger } from './company.tsx';
import { Keys, Members, Passkeys, SecondFactor } from './members.tsx';
import { leave, may, SESSION, type Session } from '../session.ts';
import type { Overview, Setup } from '../types.ts';
import { useSubmit } from './signin.tsx';

export default function Settings(): VNode {
  const figures = useGet<Overview>('/api/v1/overview');
  const setup = useGet<Setup>('/api/setup');
  const session = useGet<Session>(SESSION);
  const [language, set] = useState(locale().split('-')[0] ?? 'en');
  return (
    <Page title={t('nav.settings')}>
      <Ready of={[figures, setup, session]}>
      <Section title={t('settings.company')}>
        <Await of={figures} lines={3}>{({ program }) => <Facts rows={[[t('settings.name'), <bdi>{program.name}</bdi>], [t('settings.currency'), program.currency], [t('settings.zone'), program.time_zone], [t('settings.version'), <bdi>{setup.data?.version ?? ''}</bdi>]]} />}</Await>
      </Section>
      <Section title={t('settings.language')}>
        <Choice label={t('settings.language')} hideLabel value={language} options={Object.entries(languages)} onInput={(v) => { set(v); if (!chooseLanguage(v)) toast(t('list.view_not_kept')); }} />
      </Section>
      {may('members.manage') && <Members me={session.data?.person?.person_id} />}
      {may('keys.manage') && <Keys />}
      {may('webhooks.manage') && <Section title={t('webhook.title')} actions={[{ label: t('webhook.open'), href: '/settings/webhooks' }]}><Text muted>{t('webhook.lead')}</Text></Section>}
      {may('settings.manage') && <Branding />}
      <Account />
      {may('audit.read') && <Section title={t('nav.audit')} actions={[{ label: t('audit.open'), href: '/audit' }]}><Text muted>{t('audit.lead')}</Text></Section>}
      {may('danger') && <Danger />}
      </Ready>
    </Page>
  );
}

// ---- the account --------------------------------------------------------------------

function Account(): VNode | null {
  const session = useGet<Session>(SESSION).data;
  if (!session || session.kind === 'shopify') return null; // the Shopify admin has the account
  const out = (): void => {
    const gone = (): void => { leave(); go('/', true); location.reload(); };
    if (key.get()) gone();
    else post('/api/v1/session/end', {}).then(gone, gone);
  };
  return (
    <Section title={t('account.title')} note={session.name} actions={[{ label: t('settings.sign_out'), onClick: out }]}>
      {session.person ? <Stack>
        <Facts rows={[[t('sign_in.email'), <bdi>{session.person.email}</bdi>], [t('account.role'), t(`role.${session.role}`)]]} />
        {session.person.has_password && <Password />}
        {session.person.has_password && <SecondFactor on={session.person.has_totp} />}
        <Passkeys />
        <Sessions />
      </Stack> : <Text muted>{t(session.kind === 'link' ? 'settings.session_link' : 'settings.session_key')}</Text>}
    </Section>
  );
}

function Password(): VNode {
  const [f, set] = useState({ current: '', next: '' });
  const [open, setOpen] = useState(false);
  const s = useSubmit();
  const submit = (): void => s.run(async () => {
    await post('/api/v1/account/password', { current_password: f.current, password: f.next });
    toast(t('account.password_changed'));
    set({ current: '', next: '' });
    setOpen(false);
  });
  if (!open) return <Line><Button label={t('account.change_password')} onClick={() => setOpen(true)} /></Line>;
  return (
    <Form onSubmit={submit}>
      {s.error && !s.at('password') && !s.at('current_password') && <Problem error={s.error} />}
      <Field label={t('account.current_password')} type="password" value={f.current} onInput={(v) => set({ ...f, current: v })} autocomplete="current-password" error={s.at('current_password')} required />
      <Field label={t('owner.password')} type="password" value={f.next} onInput={(v) => set({ ...f, next: v })} autocomplete="new-password" help={t('owner.password_help')} error={s.at('password')} required />
      <Line><Button label={t('account.change_password')} primary submit busy={s.busy} /><Button label={t('save.cancel')} onClick={() => setOpen(false)} /></Line>
    </Form>
  );
}

interface Signed { session_id: string; current: boolean; client: string; address: string; seen_at: string }

function Sessions(): VNode {
  const list = useGet<{ data: Signed[] }>('/api/v1/sessions');
  const end = (id: string): void => { ask(`/api/v1/sessions${id && `/${encodeURIComponent(id)}`}`, { method: 'DELETE' }).then(() => stale(), (e: Error) => toast(e.message)); };
  return (
    <Await of={list} lines={3}>{({ data }) => <Stack tight>
      <Table caption={t('account.sessions')} head={[{ title: t('account.device'), slot: 'primary' }, { title: t('account.seen'), slot: 'secondary' }, { title: t('account.end'), slot: 'inline' }]}
        rows={data.map((s) => ({ id: s.session_id, cells: [<bdi>{browser(s.client)}</bdi>, <When at={s.seen_at} />, s.current ? t('account.this_one') : <Button label={t('account.end')} onClick={() => end(s.session_id)} />] }))} />
      {data.length > 1 && <Line><Button label={t('account.end_others')} danger onClick={() => end('')} /></Line>}
    </Stack>}</Await>
  );
}

/** A browser and its system, as people call them. */
const browser = (agent: string): string => [/Edg|Firefox|Chrome|Safari/.exec(agent)?.[0].replace('Edg', 'Edge'), /Windows|Android|iPhone|iPad|Mac OS|Linux/.exec(agent)?.[0]].filter(Boolean).join(', ') || agent.slice(0, 60) || '–';
