import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Banner, Button, Choice, Facts, Field, File, Line, Page, Progress, Section, Stack, Table, Text, toast } from '#ui';
import type { Act, Tone } from '#ui';
import { t, word } from '#text';
import { count } from '../../ui/money.ts';
import { When } from '#viz';
import { Await, Listed, Nothing, Problem } from '../common.tsx';
import { Failure, ask, at, open } from '../api.ts';
import { client, stale, useGet, type Page as PageOf } from '../data.ts';
import { go } from '../route.ts';
import { may } from '../session.ts';

interface Fault { row: number; field?: string; column?: string; reason: string; cells: string[] }
interface Import {
  import_id: string; state: 'uploaded' | 'checking' | 'running' | 'committed' | 'failed' | 'undone'; file_name: string; rows: number; done: number; created_at: string;
  columns: { column: string; samples: string[]; field: string }[]; fields: { name: string; required: boolean }[];
  report: { checked: boolean; added: number; changed: number; unchanged: number; released: number; skipped: number; faults: Fault[]; fault_count: number; error?: string };
}

const tones: Record<Import['state'], Tone> = { uploaded: 'neutral', checking: 'info', running: 'info', committed: 'success', failed: 'critical', undone: 'warning' };
const href = (id: string): string => `/distributors/import/${encodeURIComponent(id)}`;
const api = (id: string): string => `/api/v1/imports/${encodeURIComponent(id)}`;

/** Brings people from a file: nothing is written before somebody has seen what would change. */
export function ImportStart(): VNode {
  const before = useGet<PageOf<Import>>('/api/v1/imports');
  const [error, setError] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const upload = (file: globalThis.File): void => {
    setBusy(true);
    setError(undefined);
    ask<Import>(at('/api/v1/imports', { file_name: file.name }), { method: 'POST', body: file, headers: { 'Content-Type': 'text/csv' }, endless: true })
      .then((i) => { void stale(); go(href(i.import_id)); }, (e: unknown) => setError(e instanceof Failure ? e : new Failure(0, null))).finally(() => setBusy(false));
  };
  return (
    <Page title={t('import.title')} back={{ label: t('nav.distributors'), href: '/distributors' }} lead={t('import.lead')}>
      {error && <Problem error={error} />}
      {busy ? <Banner tone="info" title={t('import.uploading')} /> : may('people.write') ? <Section><File label={t('import.choose')} accept=".csv,text/csv,text/tab-separated-values" help={t('import.help')} onFile={upload} /></Section> : <Banner tone="info" title={t('error.forbidden')} />}
      <Section flush title={t('import.before')}>
        <Listed of={{ ...before, data: before.data?.data, loadingMore: false }} caption={t('import.before')}
          head={[{ title: t('import.file'), slot: 'primary' }, { title: t('orders.state'), slot: 'inline' }, { title: t('audit.when'), slot: 'secondary' }, { title: t('import.rows'), numeric: true }]}
          row={(i) => ({ id: i.import_id, href: href(i.import_id), cells: [<bdi>{i.file_name || i.import_id}</bdi>, t(`import_state.${i.state}`), <When at={i.created_at} />, count(i.rows)] })}
          empty={<Nothing title={t('import.none')} text={t('import.sample')} />} />
      </Section>
    </Page>
  );
}

export function ImportScreen({ id }: { id: string }): VNode {
  const running = ['checking', 'running'].includes(client.getQueryData<Import>([api(id)])?.state ?? '');
  const read = useGet<Import>(api(id), running ? 700 : undefined);
  const [error, setError] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const i = read.data;
  const send = (path: string, method: string, body?: unknown): void => {
    setBusy(true);
    setError(undefined);
    ask<Import>(`${api(id)}/${path}`, { method, body, endless: true }).then((now) => { client.setQueryData([api(id)], now); void stale(); }, (e: unknown) => setError(e instanceof Failure ? e : new Failure(0, null))).finally(() => setBusy(false));
  };
  const unchecked = i?.state === 'uploaded' && !i.report.checked && !i.report.error;
  useEffect(() => { // What was just uploaded or mended is checked by itself; what failed waits for somebody to ask.
    if (unchecked && !busy && !error && may('people.write')) send('check', 'POST');
  }, [id, unchecked, busy]);
  const sound = i !== undefined && i.report.checked && i.report.fault_count === 0 && !i.report.error;
  const acts: Act[] = !i || !may('people.write') ? [] : i.state === 'uploaded' || i.state === 'failed'
    ? [{ label: t('import.check'), busy, onClick: () => send('check', 'POST') }, { label: t('import.commit', { n: i.report.added + i.report.changed }), primary: true, busy, disabled: !sound, onClick: () => send('commit', 'POST', {}) }]
    : i.state === 'committed' ? [{ label: t('import.undo'), danger: true, busy, onClick: () => send('undo', 'POST', {}) }] : [];
  return (
    <Page title={i?.file_name || t('import.title')} back={{ label: t('import.title'), href: '/distributors/import' }} badge={i && [t(`import_state.${i.state}`), tones[i.state]]} lead={i ? t('import.rows_of', { n: i.rows }) : null} actions={acts}>
      {error && <Problem error={error} />}
      <Await of={read}>{(x) => <>
        <State i={x} />
        {x.report.fault_count > 0 && <Faults i={x} mend={(row, cells) => send('rows', 'PATCH', { row, cells })} />}
        {(x.state === 'uploaded' || x.state === 'failed') && <Columns i={x} set={(columns) => send('columns', 'PUT', { columns })} />}
      </>}</Await>
    </Page>
  );
}

function State({ i }: { i: Import }): VNode {
  const r = i.report;
  if (i.state === 'running') return <Section><Progress label={t('import.running', { done: i.done, all: i.rows })} value={i.done} max={i.rows} /></Section>;
  if (i.state === 'checking') return <Banner tone="info" title={t('import.not_checked')} />;
  if (i.fields.some((f) => f.required && !i.columns.some((c) => c.field === f.name))) return <></>; // the columns say what they lack
  if (r.error) return <Banner tone="critical" title={t('import.failed')}>{r.error}</Banner>;
  const facts = <Facts rows={[[t('import.added'), count(r.added)], [t('import.changed'), count(r.changed)], [t('import.unchanged'), count(r.unchanged)], [t('import.released'), count(r.released)], ...(r.skipped > 0 ? [[t('import.skipped'), count(r.skipped)] as const] : [])]} />;
  if (!r.checked && i.state === 'uploaded') return <Banner tone="info" title={t('import.not_checked')} />;
  return (
    <Stack>
      {i.state === 'uploaded' && (r.fault_count > 0 ? <Banner tone="warning" title={t('import.faults', { n: r.fault_count })}>{t('import.all_or_nothing')}</Banner> : <Banner tone="success" title={t('import.sound')}>{t('import.nothing_yet')}</Banner>)}
      {i.state === 'committed' && <Banner tone="success" title={t('import.done')} actions={[{ label: t('nav.distributors'), href: '/distributors' }]} />}
      {i.state === 'undone' && <Banner tone="warning" title={t('import.undone')}>{t('import.undone_text')}</Banner>}
      <Section title={i.state === 'uploaded' ? t('import.would') : t('import.did')}>{facts}</Section>
    </Stack>
  );
}

/** What each column means; the samples say what stands there. */
function Columns({ i, set }: { i: Import; set(columns: Record<string, string>): void }): VNode {
  const [chosen, choose] = useState<Record<string, string>>({});
  const now = Object.fromEntries(i.columns.map((c) => [c.column, chosen[c.column] ?? c.field]));
  const missing = i.fields.filter((f) => f.required && !Object.values(now).includes(f.name));
  const dirty = i.columns.some((c) => now[c.column] !== c.field);
  return (
    <Section flush title={t('import.columns')} note={t('import.columns_note')} actions={dirty ? [{ label: t('import.apply'), primary: true, onClick: () => { set(now); choose({}); } }] : []}>
      {missing.length > 0 && <Banner tone="warning" title={t('import.required', { fields: missing.map((f) => word('field', f.name)).join(', ') })} />}
      <Table caption={t('import.columns')} head={[{ title: t('import.column'), slot: 'primary' }, { title: t('import.samples'), slot: 'secondary' }, { title: t('import.means') }]}
        rows={i.columns.map((c) => ({ id: c.column, cells: [<bdi>{c.column}</bdi>, <bdi>{c.samples.slice(0, 3).join(' · ')}</bdi>,
          <Choice label={t('import.means_of', { column: c.column })} hideLabel value={now[c.column] ?? ''} options={[['', t('import.leave_out')], ...i.fields.map((f) => [f.name, word('field', f.name) + (f.required ? ' *' : '')] as const)]} onInput={(v) => choose({ ...chosen, [c.column]: v })} />] }))} />
    </Section>
  );
}

/** The rows that are wrong, to be mended in place. */
function Faults({ i, mend }: { i: Import; mend(row: number, cells: Record<string, string>): void }): VNode {
  const takeAway = (): void => {
    open(`${api(i.import_id)}/faults.csv`).then((a) => a.blob()).then((blob) => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = 'faults.csv';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }).catch((e: Error) => toast(e.message));
  };
  return (
    <Section title={t('import.wrong')} note={t('import.wrong_note')} actions={[{ label: t('import.take_away'), onClick: takeAway }]}>
      {i.report.faults.slice(0, 50).map((f) => <Mend key={`${f.row}${f.column ?? ''}${f.reason}`} f={f} columns={i.columns.map((c) => c.column)} mend={mend} />)}
      {i.report.fault_count > 50 && <Text muted>{t('import.more', { n: i.report.fault_count - 50 })}</Text>}
    </Section>
  );
}

function Mend({ f, columns, mend }: { f: Fault; columns: string[]; mend(row: number, cells: Record<string, string>): void }): VNode {
  const column = f.column ?? columns[0] ?? '';
  const was = f.cells[columns.indexOf(column)] ?? '';
  const [value, set] = useState(was);
  return (
    <Line>
      <Field label={t('import.row', { row: String(f.row), column })} value={value} onInput={set} error={f.reason} />
      <Button label={t('import.mend')} disabled={value === was} onClick={() => mend(f.row, { [column]: value })} />
    </Line>
  );
}

