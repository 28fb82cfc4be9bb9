import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Banner, Button, Choice, Code, Dialog, Field, Form, Line, Page, Section, Stack, Table, Text, toast } from '#ui';
import { t } from '#text';
import { Id, When } from '#viz';
import { Await, Nothing, Problem } from '../common.tsx';
import { Failure, ask, post } from '../api.ts';
import { stale, useGet, type Page as PageOf } from '../data.ts';
import { addPasskey, passkeys } from '../passkey.ts';
import { go } from '../route.ts';
import { enter, may, roles, type Role, type Session } from '../session.ts';
import type { Store } from '../types.ts';
import { useLinkCode, useSubmit } from './signin.tsx';

interface Member { person_id: string; email: string; name: string; role: Role; has_totp: boolean; added_at: string; last_seen_at?: string }
interface Invitation { invitation_id: string; email: string; role: Role; invited_by: string; expires_at: string; link?: string }
interface Key { key_id: string; name: string; role: Role; store_id?: string; created_at: string; revoked_at?: string }

const roleOptions = (list: readonly Role[] = roles) => list.map((r) => [r, t(`role.${r}`)] as const);
/** Sends a change and reads everything again; a refusal is said. */
const change = (path: string, method: string, body?: unknown): void => {
  ask(path, { method, body }).then(() => stale(), (e: Error) => { toast(e.message); void stale(); });
};

// ---- people -----------------------------------------------------------------------------

export function Members({ me }: { me?: string }): VNode {
  const members = useGet<PageOf<Member>>('/api/v1/members');
  const invited = useGet<PageOf<Invitation>>('/api/v1/invitations');
  const [inviting, setInviting] = useState(false);
  const mayChange = may('members.manage');
  return (
    <Section flush title={t('members.title')} actions={mayChange ? [{ label: t('members.invite'), onClick: () => setInviting(true) }] : []}>
      <Await of={members} lines={3}>{({ data }) => (
        <Table caption={t('members.title')} head={[{ title: t('owner.name_of'), slot: 'primary' }, { title: t('account.role'), slot: 'inline' }, { title: t('sign_in.email'), slot: 'secondary' }, { title: t('members.factor') }, { title: t('account.seen') }, { title: t('members.remove') }]}
          rows={data.map((m) => ({ id: m.person_id, cells: [
            <bdi>{m.name || m.email}</bdi>,
            mayChange && m.person_id !== me ? <Choice label={t('members.role_of', { name: m.name || m.email })} hideLabel value={m.role} options={roleOptions()} onInput={(role) => change(`/api/v1/members/${encodeURIComponent(m.person_id)}`, 'PATCH', { role })} /> : t(`role.${m.role}`),
            <bdi>{m.email}</bdi>, m.has_totp ? t('members.on') : t('members.off'), <When at={m.last_seen_at} />,
            mayChange && m.person_id !== me ? <Button label={t('members.remove')} danger onClick={() => change(`/api/v1/members/${encodeURIComponent(m.person_id)}`, 'DELETE')} /> : '',
          ] }))} />
      )}</Await>
      {invited.data && invited.data.data.length > 0 && <Table caption={t('members.invited')} head={[{ title: t('members.invited'), slot: 'primary' }, { title: t('account.role'), slot: 'inline' }, { title: t('members.until'), slot: 'secondary' }, { title: t('members.take_back') }]}
        rows={invited.data.data.map((i) => ({ id: i.invitation_id, cells: [<bdi>{i.email}</bdi>, t(`role.${i.role}`), <When at={i.expires_at} />, mayChange ? <Button label={t('members.take_back')} onClick={() => change(`/api/v1/invitations/${encodeURIComponent(i.invitation_id)}`, 'DELETE')} /> : ''] }))} />}
      {inviting && <Invite close={() => { setInviting(false); void stale(); }} />}
    </Section>
  );
}

function Invite({ close }: { close(): void }): VNode {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [made, setMade] = useState<Invitation>();
  const s = useSubmit();
  const send = (): void => s.run(async () => setMade(await post<Invitation>('/api/v1/invitations', { email: email.trim(), role })));
  return (
    <Dialog open title={t('members.invite')} onClose={close} actions={made ? [{ label: t('dialog.close'), primary: true, onClick: close }] : [{ label: t('save.cancel'), onClick: close }, { label: t('members.make_link'), primary: true, busy: s.busy, disabled: !email.trim(), onClick: send }]}>
      {made ? <><Text>{t('members.link_text', { email: made.email })}</Text><Code label={t('members.link')} text={made.link ?? ''} /></>
        : <Form onSubmit={send}>
          {s.error && !s.at('email') && <Problem error={s.error} />}
          <Field label={t('sign_in.email')} type="email" value={email} onInput={setEmail} error={s.at('email')} required />
          <Choice label={t('account.role')} value={role} options={roleOptions()} onInput={(r) => setRole(r as Role)} help={t(`role_means.${role}`)} />
        </Form>}
    </Dialog>
  );
}

/** Joins by the link that somebody sent. */
export function Join(): VNode {
  const code = useLinkCode();
  const [seen, setSeen] = useState<{ program: string; email: string; role: Role; has_account: boolean }>();
  const [asked, setAsked] = useState(false);
  const [f, set] = useState({ name: '', password: '', second: '' });
  const look = useSubmit();
  const s = useSubmit();
  if (!asked) {
    setAsked(true);
    look.run(async () => setSeen(await post('/api/auth/invitation', { code }, { quiet: true })));
  }
  const join = (): void => s.run(async () => {
    enter(await post<Session>('/api/auth/invitation/accept', { code, password: f.password, ...(seen?.has_account ? (f.second ? { second_code: f.second.trim() } : {}) : { name: f.name.trim() }) }, { quiet: true }));
    go('/', true);
  });
  return (
    <Page title={t('join.title')} lead={seen && t('join.lead', { company: seen.program, role: t(`role.${seen.role}`), email: seen.email })}>
      {look.error && <Banner tone="warning" title={t('join.gone')}>{look.error.message}</Banner>}
      {seen && <Section><Form onSubmit={join}>
        {s.error && !s.at('password') && <Problem error={s.error} />}
        {!seen.has_account && <Field label={t('owner.name')} value={f.name} onInput={(v) => set({ ...f, name: v })} autocomplete="name" required />}
        <Field label={seen.has_account ? t('sign_in.password') : t('owner.password')} type="password" value={f.password} onInput={(v) => set({ ...f, password: v })} autocomplete={seen.has_account ? 'current-password' : 'new-password'} help={seen.has_account ? undefined : t('owner.password_help')} error={s.at('password')} required />
        {seen.has_account && <Field label={t('sign_in.code')} value={f.second} onInput={(v) => set({ ...f, second: v })} help={t('join.code_help')} autocomplete="one-time-code" />}
        <Line><Button label={t('join.do')} primary submit busy={s.busy} /></Line>
      </Form></Section>}
    </Page>
  );
}

// ---- keys -------------------------------------------------------------------------------

export function Keys(): VNode {
  const keys = useGet<PageOf<Key>>('/api/v1/api-keys');
  const [making, setMaking] = useState(false);
  return (
    <Section flush title={t('settings.keys')} note={t('settings.keys_text')} actions={[{ label: t('keys.make'), onClick: () => setMaking(true) }]}>
      <Await of={keys} lines={2}>{({ data }) => (data.length === 0 ? <Nothing title={t('keys.none')} /> : (
        <Table caption={t('settings.keys')} head={[{ title: t('settings.name'), slot: 'primary' }, { title: t('account.role'), slot: 'inline' }, { title: t('keys.made'), slot: 'secondary' }, { title: t('orders.store') }, { title: t('keys.id') }, { title: t('keys.end') }]}
          rows={data.map((k) => ({ id: k.key_id, cells: [<bdi>{k.name}</bdi>, t(`role.${k.role}`), <When at={k.created_at} />, <bdi>{k.store_id ?? '–'}</bdi>, <Id>{k.key_id}</Id>, k.revoked_at ? t('keys.ended') : <Button label={t('keys.end')} danger onClick={() => change(`/api/v1/api-keys/${encodeURIComponent(k.key_id)}`, 'DELETE')} />] }))} />
      ))}</Await>
      {making && <MakeKey close={() => { setMaking(false); void stale(); }} />}
    </Section>
  );
}

function MakeKey({ close }: { close(): void }): VNode {
  const stores = useGet<PageOf<Store>>('/api/v1/stores').data?.data ?? [];
  const [f, set] = useState<{ name: string; role: Role; store: string }>({ name: '', role: 'viewer', store: '' });
  const [made, setMade] = useState('');
  const s = useSubmit();
  const make = (): void => s.run(async () => {
    const answer = await post<{ api_key: string }>('/api/v1/api-keys', { name: f.name.trim(), role: f.role, ...(f.store ? { store_id: f.store } : {}) });
    setMade(answer.api_key);
  });
  return (
    <Dialog open title={t('keys.make')} onClose={close} actions={made ? [{ label: t('dialog.close'), primary: true, onClick: close }] : [{ label: t('save.cancel'), onClick: close }, { label: t('keys.make'), primary: true, busy: s.busy, disabled: !f.name.trim(), onClick: make }]}>
      {made ? <><Banner tone="warning" title={t('keys.once')} /><Code label={t('sign_in.key')} text={made} /></>
        : <Form onSubmit={make}>
          {s.error && <Problem error={s.error} />}
          <Field label={t('settings.name')} value={f.name} onInput={(v) => set({ ...f, name: v })} help={t('keys.name_help')} required maxLength={80} />
          <Choice label={t('account.role')} value={f.role} options={roleOptions(roles.filter((r) => r !== 'owner'))} onInput={(r) => set({ ...f, role: r as Role })} />
          <Choice label={t('keys.store')} value={f.store} options={[['', t('keys.no_store')], ...stores.map((x) => [x.store_id, x.name || x.domain] as const)]} onInput={(v) => set({ ...f, store: v })} />
        </Form>}
    </Dialog>
  );
}

// ---- the second factor ------------------------------------------------------------------

interface Offer { secret: string; otpauth_url: string; qr_svg: string }

export function SecondFactor({ on }: { on: boolean }): VNode {
  const [offer, setOffer] = useState<Offer>();
  const [f, set] = useState({ code: '', password: '' });
  const [codes, setCodes] = useState<string[]>();
  const [removing, setRemoving] = useState(false);
  const s = useSubmit();
  const begin = (): void => s.run(async () => setOffer(await post<Offer>('/api/v1/account/totp', {})));
  const confirm = (): void => s.run(async () => {
    setCodes((await post<{ recovery_codes: string[] }>('/api/v1/account/totp/confirm', { secret: offer?.secret, code: f.code.trim(), current_password: f.password })).recovery_codes);
  });
  const remove = (): void => s.run(async () => {
    await post('/api/v1/account/totp/remove', { current_password: f.password });
    close();
  });
  const close = (): void => { setOffer(undefined); setCodes(undefined); setRemoving(false); set({ code: '', password: '' }); void stale(); };
  const password = <Field label={t('account.current_password')} type="password" value={f.password} onInput={(v) => set({ ...f, password: v })} autocomplete="current-password" error={s.at('current_password')} required />;
  return (
    <Stack tight>
      <Line><Text>{on ? t('factor.is_on') : t('factor.is_off')}</Text>{on ? <Button label={t('factor.remove')} onClick={() => setRemoving(true)} /> : <Button label={t('factor.add')} busy={s.busy} onClick={begin} />}</Line>
      {s.error && !offer && !removing && <Problem error={s.error} />}
      <Dialog open={offer !== undefined} title={t('factor.add')} onClose={close} actions={codes ? [{ label: t('factor.kept'), primary: true, onClick: close }] : [{ label: t('save.cancel'), onClick: close }, { label: t('factor.confirm'), primary: true, busy: s.busy, onClick: confirm }]}>
        {codes ? <><Banner tone="warning" title={t('factor.codes')} /><Code label={t('factor.codes_label')} text={codes.join('\n')} /></>
          : offer && <Form onSubmit={confirm}>
            {s.error && <Problem error={s.error} />}
            <Text>{t('factor.scan')}</Text>
            <Picture svg={offer.qr_svg} label={t('factor.qr')} />
            <Code label={t('factor.secret')} text={offer.secret} />
            <Field label={t('sign_in.code')} value={f.code} onInput={(v) => set({ ...f, code: v })} autocomplete="one-time-code" error={s.at('code')} required maxLength={8} />
            {password}
          </Form>}
      </Dialog>
      <Dialog open={removing} title={t('factor.remove')} onClose={close} actions={[{ label: t('save.cancel'), onClick: close }, { label: t('factor.remove'), danger: true, busy: s.busy, onClick: remove }]}>
        <Form onSubmit={remove}>{s.error && !s.at('current_password') && <Problem error={s.error} />}{password}</Form>
      </Dialog>
    </Stack>
  );
}

interface Passkey { credential_id: string; name: string; created_at: string }

export function Passkeys(): VNode {
  const list = useGet<PageOf<Passkey>>('/api/v1/account/passkeys');
  const s = useSubmit();
  const add = (): void => s.run(async () => {
    await addPasskey(new Date().toISOString().slice(0, 10)).catch((e: unknown) => { throw e instanceof Failure ? e : new Failure(400, { detail: t('sign_in.passkey_not') }); });
    void stale();
  });
  return (
    <Stack tight>
      {s.error && <Problem error={s.error} />}
      <Line><Text>{t('passkey.title')}</Text>{passkeys() && <Button label={t('passkey.add')} busy={s.busy} onClick={add} />}</Line>
      {list.data?.data.map((p) => <Line key={p.credential_id}><Text><bdi>{p.name}</bdi></Text><When at={p.created_at} /><Button label={t('members.remove')} onClick={() => change(`/api/v1/account/passkeys/${encodeURIComponent(p.credential_id)}`, 'DELETE')} /></Line>)}
    </Stack>
  );
}

/** A picture of the server's, as an image: nothing in it can run. */
const Picture = ({ svg, label }: { svg: string; label: string }): VNode => <img alt={label} width={200} height={200} src={`data:image/svg+xml;utf8,${encodeURIComponent(svg)}`} />;

