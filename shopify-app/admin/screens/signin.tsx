import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Button, Code, Field, Form, Section, Stack, Text } from '#ui';
import { t } from '#text';
import { Failure, ask, key } from '../api.ts';
import { useGet } from '../data.ts';
import { Problem } from '../common.tsx';
import type { Setup } from '../types.ts';
import { Guide, complete } from './overview.tsx';

/** The way in with a key. */
export function KeyForm({ done }: { done(): void }): VNode {
  const [text, set] = useState('');
  const [error, setError] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const submit = (): void => {
    setBusy(true);
    ask('/api/v1/overview', { headers: { Authorization: `Bearer ${text.trim()}` }, quiet: true }).then(() => { key.set(text.trim()); done(); }, (e: unknown) => setError(e instanceof Failure ? e : undefined)).finally(() => setBusy(false));
  };
  return (
    <Form onSubmit={submit}>
      <Field label={t('sign_in.key')} type="password" value={text} onInput={set} placeholder="upk_…" help={t('sign_in.key_help')} error={error?.status === 401 ? error.message : undefined} required />
      {error && error.status !== 401 && <Problem error={error} />}
      <Button label={t('sign_in.open')} primary submit busy={busy} disabled={!text.trim()} />
    </Form>
  );
}

/** What somebody sees whom the server does not know. */
export default function SignIn({ done }: { done(): void }): VNode {
  const setup = useGet<Setup>('/api/setup', 4000);
  return (
    <Stack>
      <Section title={t('sign_in.title')}><KeyForm done={done} /><Code label={t('setup.command')} text="bin/upline admin api-key create" /></Section>
      {setup.data && !complete(setup.data) && <Guide setup={setup.data} />}
      <Section title={t('sign_in.demo')}><Text muted>{t('sign_in.demo_text')}</Text><Code label={t('setup.command')} text="make demo" /></Section>
    </Stack>
  );
}
