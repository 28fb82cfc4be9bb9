// Shopify's elements and App Bridge. Served inside Shopify's admin only: their licence asks for that. Every call of App
// Bridge is guarded, because its script comes from Shopify's network and may be missing.

import type { ComponentChildren as C, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import './polaris.css';
import './viz/viz.css';
import { t } from './text/t.ts';
import type { Act, Col, Row, Tone, UI } from './ui.ts';

const tones = { neutral: 'auto', success: 'success', warning: 'warning', critical: 'critical', info: 'info' } as const;

const Button: UI['Button'] = (p) => (
  <s-button variant={p.primary ? 'primary' : 'secondary'} tone={p.danger ? 'critical' : 'auto'} href={p.href} download={p.download} disabled={p.disabled}
    loading={p.busy} type={p.submit ? 'submit' : 'button'} {...(p.arrow ? { icon: `arrow-${p.arrow}`, accessibilityLabel: p.label } as const : {})}
    onClick={() => { if (!p.busy) p.onClick?.(); }}>{p.arrow ? undefined : p.label}</s-button>
);

/** A button in one of an element's slots. */
const slotted = (slot: Lowercase<string>, act: Act): C => (
  <s-button key={act.label} slot={slot} variant={act.primary ? 'primary' : 'secondary'} tone={act.danger ? 'critical' : 'auto'} href={act.href}
    download={act.download} disabled={act.disabled} loading={act.busy} onClick={() => { if (!act.busy) act.onClick?.(); }}>{act.label}</s-button>
);
/** The first primary one, and the others: a slot for the primary action holds one. */
const split = (list: Act[] = []): [Act | undefined, Act[]] => {
  const first = list.find((act) => act.primary);
  return [first, list.filter((act) => act !== first)];
};

// The admin draws the navigation. rel="home" is what it asks for on the link to the start page; the types do not know it.
const home = { rel: 'home' } as Record<string, string>;
const AppNav = 's-app-nav' as unknown as (p: { children: C }) => JSX.Element;

const Shell: UI['Shell'] = ({ nav, children }) => (
  <>
    <AppNav>{nav.map((item, i) => <s-link key={item.href} href={item.href} {...(i === 0 ? home : {})}>{item.label}</s-link>)}</AppNav>
    <main id="main" tabIndex={-1}>{children}</main>
  </>
);

const Page: UI['Page'] = ({ title, back, badge, lead, actions, aside, children }) => {
  const [first, rest] = split(actions);
  useEffect(() => {
    document.title = `${title} · Upline`;
  }, [title]);
  return (
    <s-page heading={title} inlineSize={aside ? 'base' : 'large'}>
      {back && <s-link slot="breadcrumb-actions" href={back.href}>{back.label}</s-link>}
      {first && slotted('primary-action', first)}
      {rest.map((act) => slotted('secondary-actions', act))}
      {badge && <s-badge slot="supplemental-start" tone={tones[badge[1]]}>{badge[0]}</s-badge>}
      {lead !== undefined && <s-paragraph color="subdued">{lead ?? '\u00a0'}</s-paragraph>}
      {children}
      {aside && <s-box slot="aside">{aside}</s-box>}
    </s-page>
  );
};

const Section: UI['Section'] = ({ title, note, actions, children }) => {
  const [first, rest] = split(actions);
  return (
    <s-section heading={title}>
      {first && slotted('primary-action', first)}
      {rest.map((act) => slotted('secondary-actions', act))}
      {note && <s-paragraph color="subdued">{note}</s-paragraph>}
      {children}
    </s-section>
  );
};

const Cards: UI['Cards'] = ({ children }) => <s-grid gap="base" gridTemplateColumns="repeat(auto-fit, minmax(9.5rem, 1fr))">{children}</s-grid>;

const Metric: UI['Metric'] = ({ label, value, note, href, tone }) => (
  <s-section accessibilityLabel={label}>
    <s-stack gap="small-300">
      <s-text color="subdued">{href ? <s-link href={href}>{label}</s-link> : label}</s-text>
      <s-text type="strong" fontVariantNumeric="tabular-nums" tone={tone ? tones[tone] : 'auto'}>{value}</s-text>
      {note && <s-text color="subdued">{note}</s-text>}
    </s-stack>
  </s-section>
);

const Facts: UI['Facts'] = ({ rows }) => (
  <s-stack gap="small">
    {rows.map(([name, value]) => <s-grid key={name} gap="small" gridTemplateColumns="minmax(0, 2fr) minmax(0, 3fr)"><s-text color="subdued">{name}</s-text><s-text>{value}</s-text></s-grid>)}
  </s-stack>
);

const Table: UI['Table'] = ({ caption, head, rows, onMore, loading, chosen, onChoose }) => {
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose?.(next);
  };
  const cell = (row: Row, col: Col, i: number): C => (col.slot === 'primary' && row.href ? <s-link href={row.href}>{row.cells[i]}</s-link> : row.cells[i]);
  return (
    <s-box accessibilityRole="region" accessibilityLabel={caption}>
      <s-table loading={loading} paginate={onMore !== undefined} hasNextPage={onMore !== undefined} onNextPage={onMore}>
        <s-table-header-row>
          {onChoose && <s-table-header listSlot="inline">{t('list.chosen')}</s-table-header>}
          {head.map((col) => <s-table-header key={col.title} listSlot={col.slot ?? 'labeled'} format={col.numeric ? 'numeric' : 'base'}>{col.title}</s-table-header>)}
        </s-table-header-row>
        <s-table-body>
          {Array.from({ length: rows.length }, (_, i) => rows.at(i)).filter((row) => row !== undefined).map((row) => (
            <s-table-row key={row.id}>
              {onChoose && <s-table-cell><s-checkbox accessibilityLabel={t('list.choose', { id: row.id })} checked={chosen?.has(row.id) ?? false} onChange={() => toggle(row.id)} /></s-table-cell>}
              {head.map((col, i) => <s-table-cell key={col.title}>{cell(row, col, i)}</s-table-cell>)}
            </s-table-row>
          ))}
        </s-table-body>
      </s-table>
    </s-box>
  );
};

const Banner: UI['Banner'] = ({ tone, title, actions = [], children }) => (
  <s-banner tone={tones[tone]} heading={title}>{children}{actions.map((act) => slotted('secondary-actions', act))}</s-banner>
);
const Badge: UI['Badge'] = ({ tone, children }) => <s-badge tone={tones[tone]}>{children as string}</s-badge>;
const Line: UI['Line'] = ({ children, spread }) => <s-stack direction="inline" gap="small" alignItems="center" justifyContent={spread ? 'space-between' : 'start'}>{children}</s-stack>;
const Stack: UI['Stack'] = ({ children, tight }) => <s-stack gap={tight ? 'small-300' : 'base'}>{children}</s-stack>;
const Text: UI['Text'] = ({ muted, strong, children }) => <s-text color={muted ? 'subdued' : 'base'} type={strong ? 'strong' : 'generic'}>{children}</s-text>;
const Link: UI['Link'] = ({ href, label, children }) => <s-link href={href} accessibilityLabel={label}>{children}</s-link>;

const Form: UI['Form'] = ({ onSubmit, children }) => (
  <form onSubmit={(event) => { event.preventDefault(); onSubmit(); }}><s-stack gap="base">{children}</s-stack></form>
);

/** What an element of a form holds, when it says that it has changed. */
const valueOf = (event: Event): string => (event.currentTarget as HTMLInputElement).value;

const Field: UI['Field'] = (p) => {
  const common = {
    label: p.label, labelAccessibilityVisibility: p.hideLabel ? 'exclusive' : 'visible', value: p.value, placeholder: p.placeholder, required: p.required,
    disabled: p.disabled, details: p.help, error: p.error, maxLength: p.maxLength ?? 300, onInput: (event: Event) => p.onInput(valueOf(event)),
  } as const;
  switch (p.type) {
    case 'search': return <s-search-field {...common} />;
    case 'password': return <s-password-field {...common} />;
    case 'email': return <s-email-field {...common} />;
    case 'date': return <s-date-field label={p.label} value={p.value} details={p.help} error={p.error} onChange={(event: Event) => p.onInput(valueOf(event))} />;
    default: return <s-text-field {...common} />;
  }
};
const Area: UI['Area'] = (p) => (
  <s-text-area label={p.label} labelAccessibilityVisibility={p.hideLabel ? 'exclusive' : 'visible'} value={p.value} placeholder={p.placeholder} rows={p.rows ?? 4} details={p.help}
    error={p.error} onInput={(event: Event) => p.onInput(valueOf(event))} />
);
const Choice: UI['Choice'] = (p) => (
  <s-select label={p.label} labelAccessibilityVisibility={p.hideLabel ? 'exclusive' : 'visible'} value={p.value} error={p.error} details={p.help}
    onChange={(event: Event) => p.onInput(valueOf(event))}>
    {p.options.map(([value, label]) => <s-option key={value} value={value} selected={value === p.value}>{label}</s-option>)}
  </s-select>
);
const Check: UI['Check'] = ({ label, checked, onInput, help }) => (
  <s-checkbox label={label} details={help} checked={checked} onChange={(event: Event) => onInput((event.currentTarget as HTMLInputElement).checked)} />
);
const File: UI['File'] = ({ label, accept, onFile, help }) => (
  <s-stack gap="small">
    <s-drop-zone label={label} accept={accept} onChange={(event: Event) => { const file = (event.currentTarget as unknown as { files: readonly File[] }).files[0]; if (file) onFile(file); }} />
    {help && <s-text color="subdued">{help}</s-text>}
  </s-stack>
);
type File = globalThis.File;

const Views: UI['Views'] = ({ label, value, options, onInput }) => (
  <s-box accessibilityRole="region" accessibilityLabel={label}>
    <s-stack direction="inline" gap="small-300">
      {options.map(([id, text]) => <s-button key={id} variant={id === value ? 'secondary' : 'tertiary'} accessibilityLabel={id === value ? t('list.view_chosen', { view: text }) : text} onClick={() => onInput(id)}>{text}</s-button>)}
    </s-stack>
  </s-box>
);

interface Bridge {
  toast?: { show(text: string): void };
  saveBar?: { show(id: string): Promise<void>; hide(id: string): Promise<void> };
}
const bridge = (): Bridge | undefined => (globalThis as { shopify?: Bridge }).shopify;

const SaveBar: UI['SaveBar'] = ({ dirty, busy, onSave, onDiscard }) => {
  const id = useId();
  useEffect(() => {
    const bar = bridge()?.saveBar;
    (dirty ? bar?.show(id) : bar?.hide(id))?.catch(() => undefined);
    return () => { bar?.hide(id).catch(() => undefined); };
  }, [dirty, id]);
  // The element is App Bridge's: the admin draws its two buttons outside our frame.
  const Bar = 'ui-save-bar' as unknown as (p: { id: string; children: C }) => JSX.Element;
  return <Bar id={id}><button type="button" {...{ variant: 'primary' }} disabled={busy} onClick={onSave}>{t('save.save')}</button><button type="button" onClick={onDiscard}>{t('save.discard')}</button></Bar>;
};

const Dialog: UI['Dialog'] = ({ open, title, onClose, actions, wide, children }) => {
  const ref = useRef<HTMLElement & { showOverlay?(): void; hideOverlay?(): void }>(null);
  const [first, rest] = split(actions);
  useEffect(() => {
    if (open) ref.current?.showOverlay?.();
    else ref.current?.hideOverlay?.();
  }, [open]);
  return (
    <s-modal ref={ref as never} heading={title} size={wide ? 'large' : 'base'} onHide={() => { if (open) onClose(); }}>
      {open && children}
      {first && slotted('primary-action', first)}
      {rest.map((act) => slotted('secondary-actions', act))}
    </s-modal>
  );
};

const Empty: UI['Empty'] = ({ title, children, actions = [] }) => (
  <s-stack gap="base" alignItems="center"><s-heading>{title}</s-heading><s-paragraph color="subdued">{children}</s-paragraph><s-stack direction="inline" gap="small">{actions.map((act) => <Button key={act.label} {...act} />)}</s-stack></s-stack>
);
const Loading: UI['Loading'] = ({ label }) => <s-stack alignItems="center"><s-spinner size="large" accessibilityLabel={label} /></s-stack>;
const Progress: UI['Progress'] = ({ label, value, max }) => <s-stack gap="small-300"><s-text>{label}</s-text><s-progress accessibilityLabel={label} value={value} max={max || 1} /></s-stack>;
const Details: UI['Details'] = ({ summary, open, children }) => <details class="details" open={open}><summary>{summary}</summary><div class="details-body">{children}</div></details>;
const Code: UI['Code'] = ({ text, label, named }) => {
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(() => toast(t('code.copied')), () => toast(t('code.refused')));
  };
  return <div class="code">{named && <span class="code-name" aria-hidden="true">{label}</span>}<pre tabIndex={0} role="region" aria-label={label}><code>{text}</code></pre><Button label={t('code.copy')} onClick={copy} /></div>;
};

function toast(text: string): void {
  bridge()?.toast?.show(text);
}

export type { Act, Col, Row, Tone };
const all: UI = {
  Shell, Page, Section, Cards, Metric, Facts, Table, Banner, Badge, Button, Line, Stack, Text, Link, Form, Field, Area, Choice, Check, File, Views,
  SaveBar, Dialog, Empty, Loading, Progress, Details, Code, toast,
};
export default all;
