import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Banner, Button, Choice, Code, Details, Field, Form, Line, Page, Section, Stack, Text } from '#ui';
import { locale, t } from '#text';
import { Failure, ask, embedded, key, post } from '../api.ts';
import { useGet } from '../data.ts';
import { Problem, Ready } from '../common.tsx';
import { passkeys, signInByPasskey } from '../passkey.ts';
import { go } from '../route.ts';
import { enter, type Session } from '../session.ts';
import type { Setup } from '../types.ts';
import { Guide, complete } from './overview.tsx';

export interface Options { setup_open: boolean; program: boolean; provider: string; branding?: { name: string; accent: string; logo_url: string } }

/** What failed, and whether something is under way. */
function useSubmit(): { error: Failure | undefined; busy: boolean; run(work: () => Promise<void>): void; at(field: string): string | undefined } {
  const [error, setError] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(undefined);
    work().catch((e: unknown) => setError(e instanceof Failure ? e : new Failure(0, null))).finally(() => setBusy(false));
  };
  return { error, busy, run, at: (field) => (error?.field === field ? error.message : error?.errors.find((e) => e.field === field)?.detail) };
}
export { useSubmit };

/** E-mail, password, and the code of the second factor where there is one. */
export function PasswordForm({ done }: { done(): void }): VNode {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState<string>();
  const s = useSubmit();
  const submit = (): void => s.run(async () => {
    try {
      enter(await post<Session>('/api/auth/sign-in', { email: email.trim(), password, code: code?.trim() ?? '' }, { quiet: true }));
      done();
    } catch (e) {
      if (e instanceof Failure && e.status === 401 && e.field === 'code' && code === undefined) {
        setCode('');
        return;
      }
      throw e;
    }
  });
  return (
    <Form onSubmit={submit}>
      {s.error && <Problem error={s.error} />}
      <Field label={t('sign_in.email')} type="email" value={email} onInput={setEmail} autocomplete="username" required />
      <Field label={t('sign_in.password')} type="password" value={password} onInput={setPassword} autocomplete="current-password" required />
      {code !== undefined && <Field label={t('sign_in.code')} value={code} onInput={setCode} autocomplete="one-time-code" help={t('sign_in.code_help')} required />}
      <Line>
        <Button label={t('sign_in.enter')} primary submit busy={s.busy} />
        {passkeys() && <Button label={t('sign_in.passkey')} onClick={() => s.run(async () => { enter(await signInByPasskey().catch(said)); done(); })} />}
      </Line>
    </Form>
  );
}

/** Somebody who closes the browser's own question has decided; that is no fault. */
function said(e: unknown): never {
  throw e instanceof Failure ? e : new Failure(400, { detail: t('sign_in.passkey_not') });
}

/** The way in with a key, for who runs the server. */
export function KeyForm({ done }: { done(): void }): VNode {
  const [text, set] = useState('');
  const s = useSubmit();
  const submit = (): void => s.run(async () => {
    await ask('/api/v1/session', { headers: { Authorization: `Bearer ${text.trim()}` }, quiet: true });
    key.set(text.trim());
    done();
  });
  return (
    <Form onSubmit={submit}>
      <Field label={t('sign_in.key')} type="password" value={text} onInput={set} placeholder="upk_…" help={t('sign_in.key_help')} error={s.error?.status === 401 ? s.error.message : undefined} required />
      {s.error && s.error.status !== 401 && <Problem error={s.error} />}
      <Line><Button label={t('sign_in.open')} primary submit busy={s.busy} disabled={!text.trim()} /></Line>
      <Code label={t('setup.command')} text="bin/upline admin api-key create" />
    </Form>
  );
}

/** What somebody sees whom the server does not know. */
export default function SignIn({ done }: { done(): void }): VNode {
  const options = useGet<Options>('/api/auth/options');
  const setup = useGet<Setup>('/api/setup', 5000);
  const went = useLinkCode(); // what went wrong at the identity provider stands behind the #
  if (embedded()) return <Banner tone="warning" title={t('sign_in.embedded')} actions={[{ label: t('error.again'), onClick: () => location.reload() }]}>{t('sign_in.embedded_text')}</Banner>;
  return (
    <Ready of={[options, setup]}><Stack>
      {options.data?.branding && <Company of={options.data.branding} />}
      {options.data?.setup_open && <Banner tone="info" title={t('sign_in.first')}>{t('sign_in.first_text')}</Banner>}
      {went && <Banner tone="warning" title={t('error.title')}>{went}</Banner>}
      <Section title={t('sign_in.title')}>
        {options.data?.provider && <Line><Button label={t('sign_in.with', { provider: options.data.provider })} href="/api/auth/oidc/start" primary /></Line>}
        <PasswordForm done={done} />
      </Section>
      <Section><Details summary={t('sign_in.by_key')}><KeyForm done={done} /></Details></Section>
      {setup.data && !complete(setup.data) && <Guide setup={setup.data} outside />}
      {setup.data && !setup.data.order && <Section title={t('sign_in.demo')}><Text muted>{t('sign_in.demo_text')}</Text><Code label={t('setup.command')} text="make demo" /></Section>}
    </Stack></Ready>
  );
}

/** Whose door this is. The logo comes inside the answer, so that nothing is loaded from elsewhere. */
function Company({ of: b }: { of: NonNullable<Options['branding']> }): VNode {
  useEffect(() => {
    if (/^#[0-9a-f]{6}$/i.test(b.accent)) document.documentElement.style.setProperty('--brand', b.accent);
  }, [b.accent]);
  return <Line>{/^data:image\/(png|jpeg|webp);base64,/.test(b.logo_url) && <img alt="" src={b.logo_url} height={40} />}{b.name && <Text strong><bdi>{b.name}</bdi></Text>}</Line>;
}

/** Text as it stands in an address; what was cut off in the middle of a letter stays as it came. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The code behind the # of a link; it never reaches a server's log, and leaves the address at once. */
export function useLinkCode(): string {
  const [code] = useState(() => plain(location.hash.slice(1)));
  if (location.hash) history.replaceState(null, '', location.pathname);
  return code;
}

const zones = (): string[] => {
  try {
    return Intl.supportedValuesOf('timeZone');
  } catch {
    return ['UTC'];
  }
};
const here = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
export const currencies = (): (readonly [string, string])[] => {
  const names = new Intl.DisplayNames([locale()], { type: 'currency' });
  return Intl.supportedValuesOf('currency').map((c) => [c, `${c} – ${names.of(c) ?? ''}`] as const);
};

/** The first owner, by the link that is printed when Upline starts; and the company where there is none yet. */
export function OwnerSetup(): VNode {
  const code = useLinkCode();
  const options = useGet<Options>('/api/auth/options');
  const [f, set] = useState({ name: '', email: '', password: '', company: '', currency: 'EUR', zone: here() });
  const s = useSubmit();
  const company = options.data !== undefined && !options.data.program;
  const submit = (): void => s.run(async () => {
    enter(await post<Session>('/api/auth/setup', {
      code, email: f.email.trim(), name: f.name.trim(), password: f.password,
      ...(company ? { program: { name: f.company.trim(), currency: f.currency, time_zone: f.zone } } : {}),
    }, { quiet: true }));
    go('/', true);
  });
  if (options.data && !options.data.setup_open) return <Page title={t('owner.title')}><Banner tone="info" title={t('owner.done')} actions={[{ label: t('sign_in.enter'), href: '/' }]}>{t('owner.done_text')}</Banner></Page>;
  return (
    <Page title={t('owner.title')} lead={t('owner.lead')}>
      <Section>
        <Form onSubmit={submit}>
          {s.error && !s.at('password') && !s.at('email') && <Problem error={s.error} />}
          {company && <>
            <Field label={t('owner.company')} value={f.company} onInput={(v) => set({ ...f, company: v })} autocomplete="organization" error={s.at('program.name')} required />
            <Line>
              <Choice label={t('settings.currency')} value={f.currency} onInput={(v) => set({ ...f, currency: v })} options={currencies()} />
              <Choice label={t('settings.zone')} value={f.zone} onInput={(v) => set({ ...f, zone: v })} options={[...new Set([here(), 'UTC', ...zones()])].map((z) => [z, z] as const)} />
            </Line>
          </>}
          <Field label={t('owner.name')} value={f.name} onInput={(v) => set({ ...f, name: v })} autocomplete="name" error={s.at('name')} required />
          <Field label={t('sign_in.email')} type="email" value={f.email} onInput={(v) => set({ ...f, email: v })} autocomplete="username" error={s.at('email')} required />
          <Field label={t('owner.password')} type="password" value={f.password} onInput={(v) => set({ ...f, password: v })} autocomplete="new-password" help={t('owner.password_help')} error={s.at('password')} required />
          <Line><Button label={t('owner.create')} primary submit busy={s.busy} /></Line>
        </Form>
      </Section>
    </Page>
  );
}

/** A new password, by the link of who runs the server. */
export function Reset(): VNode {
  const code = useLinkCode();
  const [password, set] = useState('');
  const s = useSubmit();
  const submit = (): void => s.run(async () => {
    enter(await post<Session>('/api/auth/reset', { code, password }, { quiet: true }));
    go('/', true);
  });
  return (
    <Page title={t('reset.title')} lead={t('reset.lead')}>
      <Section>
        <Form onSubmit={submit}>
          {s.error && !s.at('password') && <Problem error={s.error} />}
          <Field label={t('owner.password')} type="password" value={password} onInput={set} autocomplete="new-password" help={t('owner.password_help')} error={s.at('password')} required />
          <Line><Button label={t('reset.save')} primary submit busy={s.busy} /></Line>
        </Form>
      </Section>
    </Page>
  );
}
