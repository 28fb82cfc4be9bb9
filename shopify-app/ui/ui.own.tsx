// Our own elements: what a browser has, with names, states and keys as people expect them.

import type { ComponentChildren as C, JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import './own.css';
import './viz/viz.css';
import { count } from './money.ts';
import { t } from './text/t.ts';
import type { Act, Col, FieldProps, Row, Rows, TableProps, Tone, UI } from './ui.ts';

const Button: UI['Button'] = (p) => {
  const kind = `button${p.primary ? ' primary' : ''}${p.danger ? ' danger' : ''}`;
  if (p.href !== undefined) {
    return <a class={kind} href={p.href} download={p.download} onClick={p.onClick}>{p.label}</a>;
  }
  const name = p.arrow ? { 'aria-label': p.label, title: p.label } : {};
  return <button type={p.submit ? 'submit' : 'button'} class={kind} disabled={p.disabled} aria-busy={p.busy || undefined} {...name}
    onClick={() => { if (!p.busy) p.onClick?.(); }}>{p.arrow ? <span aria-hidden="true">{p.arrow === 'up' ? '↑' : '↓'}</span> : p.label}</button>;
};

const actions = (list?: Act[]): C => list && list.length > 0
  ? <div class="actions">{list.map((act) => <Button key={act.label} {...act} />)}</div> : null;

const Shell: UI['Shell'] = ({ company, logo, nav, at, tools, children }) => (
  <div class="shell">
    <a class="skip" href="#main">{t('nav.skip')}</a>
    <header class="side">
      <a class="brand" href="/"><img src={logo || '/favicon.svg'} width="26" height="26" alt="" />Upline</a>
      <p class="company" title={company}><bdi>{company}</bdi></p>
      <nav aria-label={t('nav.main')}>
        <ul>
          {nav.map((item) => (
            <li key={item.href}>
              <a href={item.href} aria-current={item.href === at ? 'page' : undefined}>
                <span>{item.label}</span>
                {item.waiting !== undefined ? <span class={item.waiting > 0 ? 'count' : 'count none'}><span aria-hidden="true">{count(item.waiting)}</span><span class="sr">{t('nav.waiting', { n: item.waiting })}</span></span> : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="tools">{tools}</div>
    </header>
    <main id="main" tabIndex={-1}>{children}</main>
    <p class="toast" role="status" aria-live="polite" id="toast" />
  </div>
);

const Page: UI['Page'] = ({ title, back, badge, lead, actions: acts, aside, children }) => {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Upline`;
  }, [title]);
  return (
    <article class="page">
      {back && <p class="back"><a href={back.href}><span aria-hidden="true" class="arrow">‹</span> {back.label}</a></p>}
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}><bdi>{title}</bdi></h1>
        {badge && <Badge tone={badge[1]}>{badge[0]}</Badge>}
        {actions(acts)}
      </div>
      {lead !== undefined && <div class="lead">{lead ?? '\u00a0'}</div>}
      {aside ? <div class="columns"><div class="stack">{children}</div><aside class="stack" aria-label={t('page.aside')}>{aside}</aside></div>
        : <div class="stack">{children}</div>}
    </article>
  );
};

const Section: UI['Section'] = ({ title, note, actions: acts, flush, children }) => {
  const id = useId();
  return (
    <section class={flush ? 'card flush' : 'card'} aria-labelledby={title ? id : undefined}>
      {(title || acts) && <div class="card-head">{title && <h2 id={id}>{title}</h2>}{note && <span class="muted note">{note}</span>}{actions(acts)}</div>}
      <div class="card-body">{children}</div>
    </section>
  );
};

const Cards: UI['Cards'] = ({ children }) => <div class="cards">{children}</div>;

const Metric: UI['Metric'] = ({ label, value, note, href, tone }) => {
  const inner = <><span class="metric-label">{label}</span><span class="metric-value">{value}</span>{note && <span class="metric-note">{note}</span>}</>;
  return href ? <a class={`metric ${tone ?? ''}`} href={href}>{inner}</a> : <div class={`metric ${tone ?? ''}`}>{inner}</div>;
};

const Facts: UI['Facts'] = ({ rows }) => (
  <dl class="facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
);

// ---- tables ---------------------------------------------------------------

/** From so many rows on only those that can be seen are drawn; before it, drawing all is cheaper than measuring. */
const WINDOW_FROM = 120;
const SPARE = 12; // rows drawn beyond each edge, so that a fast scroll shows no hole

/** Which rows to draw, by where the table stands in the window. All rows are equally high. */
function useWindow(rows: number, on: boolean): { first: number; last: number; height: number; body: { current: HTMLTableSectionElement | null } } {
  const body = useRef<HTMLTableSectionElement>(null);
  const [state, set] = useState({ first: 0, last: Math.min(rows, WINDOW_FROM), height: 45 });
  useLayoutEffect(() => {
    if (!on) return undefined;
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      const el = body.current;
      if (!el) return;
      const height = el.querySelector<HTMLElement>('tr[data-row]')?.offsetHeight || 45;
      const top = el.getBoundingClientRect().top;
      const first = Math.max(Math.floor(-top / height) - SPARE, 0);
      const last = Math.min(Math.ceil((window.innerHeight - top) / height) + SPARE, rows);
      set((old) => (old.first === first && old.last === last && old.height === height ? old : { first, last: Math.max(last, first), height }));
    };
    const ask = (): void => { frame ||= requestAnimationFrame(measure); };
    measure();
    addEventListener('scroll', ask, { passive: true });
    addEventListener('resize', ask);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', ask);
      removeEventListener('resize', ask);
    };
  }, [rows, on]);
  return { ...state, body };
}

/** How many rows of a list fill a window, the lowest they are; the rest is drawn after them. */
const screenful = (): number => Math.ceil(window.innerHeight / 40) + 2;

/** Whether all rows are drawn: at first only those that can be seen, so that they are seen sooner. */
function useWhole(rows: number): boolean {
  const [whole, set] = useState(rows <= screenful());
  useEffect(() => {
    if (whole) return undefined;
    let later = 0;
    const frame = requestAnimationFrame(() => { later = window.setTimeout(() => set(true)); });
    return () => { cancelAnimationFrame(frame); clearTimeout(later); };
  }, []);
  return whole;
}

function Cells({ head, row }: { head: Col[]; row: Row }): JSX.Element {
  return <>{head.map((col, i) => {
    const primary = col.slot === 'primary';
    const value = primary && row.href ? <a class="row-link" href={row.href}>{row.cells[i]}</a> : row.cells[i];
    const look = `${col.numeric ? 'number ' : ''}${col.acts ? 'acts ' : ''}slot-${col.slot ?? 'labeled'}`;
    return primary ? <th key={col.title} scope="row" class={look}>{value}</th> : <td key={col.title} class={look} data-label={col.title}>{value}</td>;
  })}</>;
}

/** The rows of a table from one place up to another. */
const between = (rows: Rows, first: number, last: number): Row[] => Array.from({ length: Math.max(last - first, 0) }, (_, i) => rows.at(first + i)).filter((row) => row !== undefined);

const Table: UI['Table'] = ({ caption, head, rows, onMore, loading, chosen, onChoose }: TableProps) => {
  const windowed = rows.length > WINDOW_FROM;
  const { first, last, height, body } = useWindow(rows.length, windowed);
  const whole = useWhole(rows.length);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!onMore || loading || !whole || !end.current) return undefined;
    const seen = new IntersectionObserver((entries) => { if (entries.some((e) => e.isIntersecting)) onMore(); }, { rootMargin: '300px' });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [onMore, loading, whole, rows.length]);
  const shown = windowed ? between(rows, first, Math.min(last, rows.length)) : between(rows, 0, whole ? rows.length : Math.min(screenful(), rows.length));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose?.(next);
  };
  const ids = onChoose ? between(rows, 0, rows.length).map((row) => row.id) : [];
  const all = ids.length > 0 && ids.every((id) => chosen?.has(id));
  return (
    <div class="table-box">
      <div class="scroll" role="region" tabIndex={0} aria-label={caption}>
        <table class={windowed ? 'list windowed' : 'list'} aria-rowcount={onMore ? -1 : rows.length + 1}>
          <caption class="sr">{caption}</caption>
          <thead>
            <tr aria-rowindex={1}>
              {onChoose && <td class="tick"><input type="checkbox" aria-label={t('list.choose_all')} checked={all} onChange={() => onChoose(all ? new Set() : new Set(ids))} /></td>}
              {head.map((col) => <th key={col.title} scope="col" class={col.numeric ? 'number' : undefined}>{col.title}</th>)}
            </tr>
          </thead>
          <tbody ref={body}>
            {windowed && first > 0 && <tr aria-hidden="true" style={{ height: `${first * height}px` }} />}
            {shown.map((row, i) => (
              <tr key={row.id} data-row aria-rowindex={(windowed ? first : 0) + i + 2}>
                {onChoose && <td class="tick"><input type="checkbox" aria-label={t('list.choose', { id: row.id })} checked={chosen?.has(row.id) ?? false} onChange={() => toggle(row.id)} /></td>}
                <Cells head={head} row={row} />
              </tr>
            ))}
            {windowed && last < rows.length && <tr aria-hidden="true" style={{ height: `${(rows.length - last) * height}px` }} />}
          </tbody>
        </table>
      </div>
      <div ref={end} class="table-end">
        {loading ? <span role="status">{t('list.loading')}</span> : onMore ? <Button label={t('list.more')} onClick={onMore} /> : null}
      </div>
    </div>
  );
};

// ---- words and marks --------------------------------------------------------

const Banner: UI['Banner'] = ({ tone, title, actions: acts, children }) => (
  <div class={`banner ${tone}`} role={tone === 'critical' ? 'alert' : 'status'}>
    <div><strong>{title}</strong>{children && <div class="banner-text">{children}</div>}</div>
    {actions(acts)}
  </div>
);

const Badge: UI['Badge'] = ({ tone, children }) => <span class={`badge ${tone}`}>{children}</span>;
const Line: UI['Line'] = ({ children, spread }) => <div class={spread ? 'line spread' : 'line'}>{children}</div>;
const Stack: UI['Stack'] = ({ children, tight }) => <div class={tight ? 'stack tight' : 'stack'}>{children}</div>;
const Text: UI['Text'] = ({ muted, strong, children }) => <span class={`${muted ? 'muted' : ''}${strong ? ' strong' : ''}` || undefined}>{children}</span>;
const Link: UI['Link'] = ({ href, label, children }) => <a href={href} aria-label={label}>{children}</a>;

// ---- forms -----------------------------------------------------------------

const Form: UI['Form'] = ({ onSubmit, children }) => (
  <form class="stack" noValidate onSubmit={(event) => {
    event.preventDefault();
    // A date that is half typed reads as none, which means something else.
    const half = [...event.currentTarget.elements].find((el): el is HTMLInputElement => el instanceof HTMLInputElement && el.validity.badInput);
    if (half) half.reportValidity();
    else onSubmit();
  }}>{children}</form>
);

function Labelled({ p, children }: { p: Pick<FieldProps, 'label' | 'hideLabel' | 'help' | 'error'>; children(id: string, described: string | undefined): JSX.Element }): JSX.Element {
  const id = useId();
  const described = [p.help && `${id}h`, p.error && `${id}e`].filter(Boolean).join(' ') || undefined;
  return (
    <div class="field">
      <label for={id} class={p.hideLabel ? 'sr' : undefined}>{p.label}</label>
      {children(id, described)}
      {p.help && <p class="muted help" id={`${id}h`}>{p.help}</p>}
      {p.error && <p class="error" id={`${id}e`}>{p.error}</p>}
    </div>
  );
}

const Field: UI['Field'] = (p) => (
  <Labelled p={p}>{(id, described) => (
    <input id={id} type={(p.type ?? 'text') as 'text'} value={p.value} placeholder={p.placeholder} autocomplete={p.autocomplete ?? 'off'} required={p.required}
      disabled={p.disabled} maxLength={p.maxLength ?? 300} aria-invalid={p.error ? true : undefined} aria-describedby={described} spellcheck={false}
      dir="auto" onInput={(event) => p.onInput(event.currentTarget.value)} />
  )}</Labelled>
);

const Area: UI['Area'] = (p) => (
  <Labelled p={p}>{(id, described) => (
    <textarea id={id} value={p.value} rows={p.rows ?? 4} placeholder={p.placeholder} aria-invalid={p.error ? true : undefined} aria-describedby={described}
      spellcheck={false} dir="auto" onInput={(event) => p.onInput(event.currentTarget.value)} />
  )}</Labelled>
);

const Choice: UI['Choice'] = (p) => (
  <Labelled p={p}>{(id, described) => (
    <select id={id} value={p.value} aria-invalid={p.error ? true : undefined} aria-describedby={described} onChange={(event) => p.onInput(event.currentTarget.value)}>
      {p.options.map(([value, label]) => <option key={value} value={value} selected={value === p.value}>{label}</option>)}
    </select>
  )}</Labelled>
);

const Check: UI['Check'] = ({ label, checked, onInput, help }) => (
  <div class="field check"><label><input type="checkbox" checked={checked} onChange={(event) => onInput(event.currentTarget.checked)} /> <span>{label}{help && <span class="muted help">{help}</span>}</span></label></div>
);

const File: UI['File'] = ({ label, accept, onFile, help }) => {
  const [over, setOver] = useState(false);
  const id = useId();
  const take = (files?: FileList | null): void => { const file = files?.[0]; if (file) onFile(file); };
  return (
    <div class={over ? 'drop over' : 'drop'} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
      onDrop={(event) => { event.preventDefault(); setOver(false); take(event.dataTransfer?.files); }}>
      <label for={id}>{label}</label>
      <input id={id} type="file" accept={accept} aria-describedby={help ? `${id}h` : undefined} onChange={(event) => take(event.currentTarget.files)} />
      {help && <p class="muted help" id={`${id}h`}>{help}</p>}
    </div>
  );
};

const Views: UI['Views'] = ({ label, value, options, onInput }) => (
  <div class="views" role="group" aria-label={label}>
    {options.map(([id, text]) => <button key={id} type="button" aria-pressed={id === value} onClick={() => onInput(id)}>{text}</button>)}
  </div>
);

const SaveBar: UI['SaveBar'] = ({ dirty, busy, onSave, onDiscard }) => {
  useEffect(() => {
    if (!dirty) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [dirty]);
  return dirty ? (
    <div class="save-bar" role="region" aria-label={t('save.unsaved')}>
      <strong>{t('save.unsaved')}</strong>
      <div class="actions"><Button label={t('save.discard')} onClick={onDiscard} /><Button primary label={t('save.save')} busy={busy} onClick={onSave} /></div>
    </div>
  ) : <></>;
};

const Dialog: UI['Dialog'] = ({ open, title, onClose, actions: acts, wide, children }) => {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const el = ref.current;
    if (!open) { el?.close(); return undefined; }
    if (!el || el.open) return undefined;
    const opener = document.activeElement;
    el.showModal(); // the browser moves the focus in, and back to the opener where the dialog is closed while it stands on the page
    el.querySelector<HTMLElement>('.dialog-body :is(input, select, textarea)')?.focus();
    return () => { setTimeout(() => { if (document.activeElement === document.body && opener instanceof HTMLElement && opener.isConnected) opener.focus(); }); };
  }, [open]);
  return (
    <dialog ref={ref} class={wide ? 'wide' : undefined} aria-labelledby={id} onClose={onClose} onCancel={onClose}>
      {open && <>
        <div class="dialog-head"><h2 id={id}>{title}</h2><button type="button" class="button quiet" aria-label={t('dialog.close')} onClick={onClose}>✕</button></div>
        <div class="dialog-body stack">{children}</div>
        {acts && <div class="dialog-foot">{actions(acts)}</div>}
      </>}
    </dialog>
  );
};

// ---- states -----------------------------------------------------------------

const Empty: UI['Empty'] = ({ title, children, actions: acts }) => (
  <div class="empty"><p class="strong">{title}</p>{children && <div class="muted">{children}</div>}{actions(acts)}</div>
);

const Loading: UI['Loading'] = ({ label, lines = 4 }) => (
  <div class="loading" role="status"><span class="sr">{label}</span>{Array.from({ length: lines }, (_, i) => <span key={i} class="bone" />)}</div>
);

const Progress: UI['Progress'] = ({ label, value, max }) => <label class="progress"><span>{label}</span><progress value={value} max={max || 1} /></label>;

const Details: UI['Details'] = ({ summary, open, children }) => <details class="details" open={open}><summary>{summary}</summary><div class="details-body">{children}</div></details>;

const Code: UI['Code'] = ({ text, label, named }) => {
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(() => toast(t('code.copied')), () => toast(t('code.refused')));
  };
  return <div class="code">{named && <span class="code-name" aria-hidden="true">{label}</span>}<pre tabIndex={0} role="region" aria-label={label}><code>{text}</code></pre><Button label={t('code.copy')} onClick={copy} /></div>;
};

let fading = 0;
function toast(text: string): void {
  const el = document.getElementById('toast');
  if (!el) return;
  el.textContent = text;
  el.classList.add('on');
  clearTimeout(fading);
  fading = window.setTimeout(() => el.classList.remove('on'), 4000);
}

export type { Act, Col, Row, Tone };
const all: UI = {
  Shell, Page, Section, Cards, Metric, Facts, Table, Banner, Badge, Button, Line, Stack, Text, Link, Form, Field, Area, Choice, Check, File, Views,
  SaveBar, Dialog, Empty, Loading, Progress, Details, Code, toast,
};
export default all;
