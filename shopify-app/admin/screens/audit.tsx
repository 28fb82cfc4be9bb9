import type { VNode } from 'preact';
import { Line, Page, Section, Text } from '#ui';
import { t } from '#text';
import { Id, When } from '#viz';
import { Between, ListViews, Listed, Nothing, Search, between } from '../common.tsx';
import { useList } from '../data.ts';
import { usePlace } from '../route.ts';

interface Audited { audit_id: string; at: string; actor: string; action: string; subject: string; detail?: string }

export default function Audit(): VNode {
  const { query } = usePlace();
  const filter = { actor: query.get('actor') ?? '', action: query.get('action') ?? '', subject: query.get('subject') ?? '', ...between(query) };
  const list = useList<Audited>('/api/v1/audit', filter);
  return (
    <Page title={t('nav.audit')} lead={t('audit.lead')}>
      <Section flush>
        <ListViews list="audit" label={t('nav.audit')} own={[['', t('orders.all')]]} />
        <Line><Search label={t('audit.actor')} name="actor" /><Search label={t('audit.action')} name="action" /><Search label={t('audit.subject')} name="subject" /><Between /></Line>
        <Listed of={list} caption={t('nav.audit')}
          head={[{ title: t('audit.action'), slot: 'primary' }, { title: t('audit.when'), slot: 'secondary' }, { title: t('audit.actor') }, { title: t('audit.subject') }, { title: t('audit.detail') }]}
          row={(a) => ({ id: a.audit_id, cells: [<Id>{a.action}</Id>, <When at={a.at} />, <bdi>{a.actor}</bdi>, <Id>{a.subject}</Id>, <Text muted><bdi>{a.detail}</bdi></Text>] })}
          empty={Object.values(filter).some(Boolean) ? <Nothing title={t('audit.none_found')} text={t('list.other_filter')} actions={[{ label: t('list.clear'), href: '/audit' }]} /> : <Nothing title={t('audit.none')} />} />
      </Section>
    </Page>
  );
}
