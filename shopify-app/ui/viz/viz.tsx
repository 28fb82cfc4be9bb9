// What is drawn: waterfalls, ladders, timelines and charts. Each has its figures as text; a bar's length is the only
// thing that is computed of them.

import type { ComponentChildren as C, VNode } from 'preact';
import { useId } from 'preact/hooks';
import { money, share } from '../money.ts';
import { t } from '../text/t.ts';
import { when } from '../time.ts';

/** An amount that never breaks and never turns with the text around it. */
export const Money = ({ text, currency }: { text: string; currency: string }): VNode => <bdi class="money">{money(text, currency)}</bdi>;
/** Words that stay on one line. */
export const Whole = ({ children }: { children: C }): VNode => <bdi class="when">{children}</bdi>;
export const Id = ({ children }: { children: C }): VNode => <bdi class="mono">{children}</bdi>;
/** An instant, told in the program's zone, with the whole of it on hover. */
export const When = ({ at, precise, day }: { at?: string; precise?: boolean; day?: boolean }): VNode => at
  ? <time class="when" dateTime={at} onMouseEnter={(event) => { event.currentTarget.title = when(at, 'long'); }}>{when(at, precise ? 'precise' : day ? 'day' : 'short')}</time> : <span class="muted">–</span>;

const Bar = ({ part, of, taken }: { part: string; of: string; taken?: boolean }): VNode => (
  <span class="bar" aria-hidden="true"><svg viewBox="0 0 100 10" preserveAspectRatio="none"><rect class={taken ? 'taken' : 'whole'} x={0} y={0} rx={1} width={Math.max(share(part, of) * 100, 0.5)} height={10} /></svg></span>
);

export interface Fall { label: string; amount: string; kind: 'start' | 'take' | 'sum' }

/** From the price to what counts, step by step. */
export const Waterfall = ({ steps, currency }: { steps: Fall[]; currency: string }): VNode => {
  const whole = steps[0]?.amount ?? '0';
  return (
    <dl>
      {steps.map((step, i) => {
        const back = step.amount.startsWith('-');
        return (
          <div key={`${step.label}${i}`} class={`fall ${step.kind}`}>
            <dt>{step.label}</dt><Bar part={step.amount} of={whole} taken={step.kind === 'take'} />
            <dd>{step.kind === 'take' && (back ? '+ ' : '− ')}<Money text={step.kind === 'take' && back ? step.amount.slice(1) : step.amount} currency={currency} /></dd>
          </div>
        );
      })}
    </dl>
  );
};

export interface Rung { place: string; person?: C; sum: C; why?: string; paid?: C }

/** Who was looked at, level by level; without an amount somebody was passed over. */
export const Ladder = ({ title, note, rungs }: { title: string; note: C; rungs: Rung[] }): VNode => (
  <div>
    <div class="rung-head"><h4>{title}</h4><span class="muted">{note}</span></div>
    <ol class="ladder">
      {rungs.map((rung, i) => (
        <li key={i} class={rung.paid === undefined ? 'rung passed' : 'rung'}>
          <span class="step">{rung.place}</span><span class="person">{rung.person}</span>
          <span class="sum">{rung.sum}{rung.why && <span class="why">{rung.why}</span>}</span><span class="paid">{rung.paid ?? '–'}</span>
        </li>
      ))}
    </ol>
  </div>
);

export const LineOfOrder = ({ title, note, children }: { title: string; note?: C; children: C }): VNode => (
  <section class="line-of-order"><h3><bdi>{title}</bdi>{note && <span class="muted">{note}</span>}</h3>{children}</section>
);

export const Timeline = ({ items }: { items: { key: string; at: string; text: C }[] }): VNode => (
  <ol class="timeline">{items.map((item) => <li key={item.key}><span>{item.text}</span><span class="at"><When at={item.at} precise /></span></li>)}</ol>
);

export const Pipe = ({ stages }: { stages: { label: string; value: string; note?: C }[] }): VNode => (
  <ol class="pipe">{stages.map((s) => <li key={s.label}><span class="l">{s.label}</span><span class="n">{s.value}</span>{s.note && <span class="l">{s.note}</span>}</li>)}</ol>
);

export const Steps = ({ steps }: { steps: { id: string; done: boolean; title: string; note?: C; action?: C; body?: C }[] }): VNode => (
  <ol class="steps">
    {steps.map((s) => (
      <li key={s.id} class={s.done ? 'done' : ''}>
        <span class="tick" aria-hidden="true">{s.done ? '✓' : ''}</span>
        <span><span class="strong">{s.title}</span><span class="sr">{`, ${s.done ? t('setup.done') : t('setup.to_do')}`}</span>{s.note && <> <span class="muted">{s.note}</span></>}</span>
        <span>{s.action}</span>
        {s.body && <div class="body">{s.body}</div>}
      </li>
    ))}
  </ol>
);

// ---- charts -----------------------------------------------------------------

export interface Point { label: string; value: string; shown: string }

const W = 600, H = 150, FOOT = 22;

function scaled(points: Point[]): { x: number; y: number }[] {
  const values = points.map((p) => Math.max(Number(p.value), 0));
  const top = Math.max(...values, 0) || 1;
  return values.map((v, i) => ({ x: points.length > 1 ? (i / (points.length - 1)) * W : W / 2, y: H - (v / top) * H }));
}

const pathOf = (points: Point[]): string => scaled(points).map((p, i) => `${i ? 'L' : 'M'}${p.x.toFixed(1)},${p.y.toFixed(1)}`).join('');

/** A chart's own figures, for those who do not see it and for those who want them. */
const Figures = ({ caption, points }: { caption: string; points: Point[] }): VNode => (
  <details class="details"><summary>{t('chart.figures')}</summary>
    <div class="scroll" role="region" tabIndex={0} aria-label={caption}>
      <table class="list"><caption class="sr">{caption}</caption><tbody>{points.map((p) => <tr key={p.label} data-row><th scope="row" class="slot-primary">{p.label}</th><td class="number slot-inline">{p.shown}</td></tr>)}</tbody></table>
    </div>
  </details>
);

export const Chart = ({ title, points, kind }: { title: string; points: Point[]; kind: 'line' | 'bar' }): VNode => {
  const id = useId();
  const path = pathOf(points);
  const column = W / Math.max(points.length, 1);
  return (
    <div class="chart">
      <svg viewBox={`0 0 ${W} ${H + FOOT}`} role="img" aria-labelledby={id} direction="ltr">
        <title id={id}>{title}</title>
        {[0, 0.5, 1].map((g) => <line key={g} class="grid" x1={0} x2={W} y1={g * H} y2={g * H} />)}
        {kind === 'line' ? <><path class="area" d={`${path}L${W},${H}L0,${H}Z`} /><path class="stroke" d={path} /></>
          : scaled(points).map((p, i) => <rect key={i} class="column" x={(i + 0.15) * column} width={column * 0.7} y={p.y} height={Math.max(H - p.y, 0)} rx={2} />)}
        <text x={0} y={H + FOOT - 6} text-anchor="start">{points[0]?.label}</text>
        <text x={W} y={H + FOOT - 6} text-anchor="end">{points[points.length - 1]?.label}</text>
      </svg>
      <Figures caption={title} points={points} />
    </div>
  );
};

export const Spark = ({ points, label }: { points: Point[]; label: string }): VNode => (
  <svg class="spark" viewBox={`0 -4 ${W} ${H + 8}`} preserveAspectRatio="none" role="img" aria-label={label}><path d={pathOf(points)} /></svg>
);
