import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Area, Badge, Banner, Button, Choice, Field, File as Pick, Form, Line, Page, Section, Stack, Table, Text, toast } from '#ui';
import type { Tone } from '#ui';
import { t } from '#text';
import { Id, When } from '#viz';
import { Listed, Nothing, Problem, Ready } from '../common.tsx';
import { Failure, post } from '../api.ts';
import { stale, useGet } from '../data.ts';
import type { List, Page as PageOf } from '../data.ts';
import { may } from '../session.ts';
import { useSubmit } from './signin.tsx';

interface Version { plan_hash: string; name: string; title?: string; effective_from: string; running: boolean }
interface ReadyMade { name: string; document: string }
interface Finding { severity: 'error' | 'warning'; code: string; line: number; column: number; reason: string; mend: string }
interface Checked { plan_hash?: string; name?: string; effective_from?: string; findings: Finding[]; errors: number; worst_case?: string; against?: string; changes: string[]; published: boolean }

const stateOf = (v: Version): readonly [string, Tone] => v.running ? [t('plan.running'), 'success'] : new Date(v.effective_from) > new Date() ? [t('plan.later'), 'info'] : [t('plan.past'), 'neutral'];

export default function Plans(): VNode {
  const read = useGet<PageOf<Version>>('/api/v1/plans');
  const list: List<Version> = { ...read, data: read.data?.data, loadingMore: false };
  return (
    <Page title={t('nav.plans')} lead={t('plan.lead')}>
      <Ready of={[read]}>
        <Section flush title={t('plan.history')}>
          <Listed of={list} caption={t('plan.history')} head={[{ title: t('plan.name'), slot: 'primary' }, { title: t('plan.state'), slot: 'inline' }, { title: t('plan.from'), slot: 'secondary' }, { title: t('plan.hash') }]}
            row={(v) => ({ id: v.plan_hash, cells: [<bdi>{v.title ?? v.name}</bdi>, <Badge tone={stateOf(v)[1]}>{stateOf(v)[0]}</Badge>, <When at={v.effective_from} day />, <Id>{v.plan_hash.slice(0, 12)}</Id>] })}
            empty={<Nothing title={t('plan.none')} text={t('plan.none_text')} />} />
        </Section>
        {may('plans.publish') && <Publish />}
      </Ready>
    </Page>
  );
}

/** What a ready-made plan calls itself. */
const titleOf = (r: ReadyMade): string => /^title:\s*["']?(.+?)["']?\s*$/m.exec(r.document)?.[1] ?? r.name;

const dated = /^effective_from:.*$/m;

/** The document with another day from which it counts. */
const from = (document: string, day: string): string => dated.test(document) ? document.replace(dated, `effective_from: "${day}T00:00:00Z"`) : `effective_from: "${day}T00:00:00Z"\n${document}`;
const dayOf = (document: string): string => /(\d{4}-\d\d-\d\d)/.exec(dated.exec(document)?.[0] ?? '')?.[1] ?? '';

/** A document on its way to count: written, checked as it is written, told against the one that runs, published. */
function Publish(): VNode {
  const ready = useGet<PageOf<ReadyMade>>('/api/v1/plans/ready-made').data?.data ?? [];
  const [document, set] = useState('');
  const [chosen, choose] = useState('');
  const [checked, setChecked] = useState<Checked>();
  const [refused, refuse] = useState<Failure>();
  const s = useSubmit();
  useEffect(() => {
    setChecked(undefined);
    refuse(undefined);
    if (!document.trim()) return undefined;
    const stop = new AbortController();
    const later = setTimeout(() => {
      post<Checked>('/api/v1/plans?dry_run=true', { document }, { signal: stop.signal }).then(setChecked, (e: unknown) => { if (e instanceof Failure) refuse(e); });
    }, 500);
    return () => { clearTimeout(later); stop.abort(); };
  }, [document]);
  const publish = (): void => s.run(async () => {
    await post('/api/v1/plans', { document });
    toast(t('plan.published'));
    set('');
    choose('');
    void stale();
  });
  return (
    <Section title={t('plan.new')}>
      <Form onSubmit={publish}>
        {(s.error ?? refused) && <Problem error={(s.error ?? refused) as Failure} />}
        <Line>
          <Choice label={t('plan.begin')} value={chosen} options={[['', t('plan.begin_none')], ...ready.map((r) => [r.name, titleOf(r)] as const)]} onInput={(name) => { choose(name); set(ready.find((r) => r.name === name)?.document ?? ''); }} />
          <Field label={t('plan.from')} type="date" value={dayOf(document)} onInput={(day) => { if (day) set(from(document, day)); }} help={t('plan.date_help')} />
        </Line>
        <Pick label={t('plan.upload')} accept=".yaml,.yml,.json" onFile={(file) => { void file.text().then(set); }} />
        <Area label={t('plan.document')} value={document} onInput={set} rows={14} help={t('plan.document_help')} />
        {checked && <Said c={checked} />}
        <Line><Button label={t('plan.publish')} primary submit busy={s.busy} disabled={!checked || checked.errors > 0} /></Line>
      </Form>
    </Section>
  );
}

function Said({ c }: { c: Checked }): VNode {
  const warnings = c.findings.length - c.errors;
  return (
    <Stack>
      <Banner tone={c.errors > 0 ? 'critical' : warnings > 0 ? 'warning' : 'success'} title={c.errors > 0 ? t('plan.errors', { n: c.errors }) : warnings > 0 ? t('plan.warnings', { n: warnings }) : t('plan.sound')}>{c.worst_case && t('plan.worst', { share: c.worst_case })}</Banner>
      {c.findings.slice(0, 50).map((f, i) => <Text key={i} muted={f.severity === 'warning'}><b>{t('plan.line', { line: String(f.line) })}</b>{` `}<bdi>{f.reason}: {f.mend}</bdi></Text>)}
      {c.against && c.errors === 0 && <Stack tight><Text strong>{t('plan.changes', { plan: c.against })}</Text>{c.changes.length === 0 ? <Text muted>{t('plan.same')}</Text> : <Table caption={t('plan.changes', { plan: c.against })} head={[{ title: t('plan.name'), slot: 'primary' }]} rows={c.changes.map((text, i) => ({ id: String(i), cells: [<bdi>{text}</bdi>] }))} />}</Stack>}
    </Stack>
  );
}
