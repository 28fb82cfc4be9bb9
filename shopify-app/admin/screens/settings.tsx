import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Choice, Code, Facts, Page, Section, Text, toast } from '#ui';
import { languages, locale, t } from '#text';
import { key } from '../api.ts';
import { chooseLanguage } from '../language.ts';
import { Await } from '../common.tsx';
import { client, useGet } from '../data.ts';
import { go } from '../route.ts';
import type { Overview, Setup } from '../types.ts';

export default function Settings(): VNode {
  const figures = useGet<Overview>('/api/v1/overview');
  const setup = useGet<Setup>('/api/setup');
  const [language, set] = useState(locale().split('-')[0] ?? 'en');
  return (
    <Page title={t('nav.settings')}>
      <Section title={t('settings.company')}>
        <Await of={figures} lines={3}>{({ program }) => <Facts rows={[[t('settings.name'), <bdi>{program.name}</bdi>], [t('settings.currency'), program.currency], [t('settings.zone'), program.time_zone], [t('settings.version'), <bdi>{setup.data?.version ?? ''}</bdi>]]} />}</Await>
      </Section>
      <Section title={t('settings.language')}>
        <Choice label={t('settings.language')} hideLabel value={language} options={Object.entries(languages)} onInput={(v) => { set(v); if (!chooseLanguage(v)) toast(t('list.view_not_kept')); }} />
      </Section>
      <Section title={t('settings.keys')}>
        <Text muted>{t('settings.keys_text')}</Text>
        <Code label={t('setup.command')} text={'bin/upline admin api-key create --store my-shop\nbin/upline admin api-key revoke KEY_ID'} />
      </Section>
      {key.get() && <Section title={t('settings.session')} actions={[{ label: t('settings.sign_out'), onClick: () => { key.set(''); client.clear(); go('/'); location.reload(); } }]}><Text muted>{t('settings.session_key')}</Text></Section>}
    </Page>
  );
}
