import "@shopify/ui-extensions/preact";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, money, rows } from "./answer.js";

// More rows than this and the block outgrows its place; the rest is a click
// away, in Upline.
const MOST_ROWS = 12;

export default async () => {
  render(<OrderBlock />, document.body);
};

const t = (/** @type {string} */ key, /** @type {any} */ values = undefined) => shopify.i18n.translate(key, values);

function OrderBlock() {
  const gid = shopify.data.selected?.[0]?.id;
  const [attempt, setAttempt] = useState(0);
  const [answer, setAnswer] = useState(/** @type {any} */ ({ state: "loading" }));
  useEffect(() => {
    let current = true;
    setAnswer({ state: "loading" });
    ask(gid).then((found) => current && setAnswer(found));
    return () => {
      current = false;
    };
  }, [gid, attempt]);
  return (
    <s-admin-block heading={t("heading")} collapsedSummary={summary(answer)}>
      <State answer={answer} again={() => setAttempt(attempt + 1)} />
    </s-admin-block>
  );
}

/** @param {any} answer */
function summary({ state, explanation }) {
  if (state === "paid") return t("summary.paid", { amount: money(explanation.order.earned, explanation.order.currency) });
  return t(`summary.${state}`);
}

/** @param {{answer: any, again: () => void}} props */
function State({ answer, again }) {
  const order = answer.explanation?.order;
  switch (answer.state) {
    case "loading":
      return <s-spinner accessibilityLabel={t("summary.loading")} />;
    case "setup":
      return <Notice tone="info" text={t("setup")} link={t("open")} href="app:" />;
    case "unknown":
      return <s-paragraph>{t("unknown")}</s-paragraph>;
    case "error":
      return (
        <s-stack gap="base">
          <s-banner tone="critical">{t("error")}</s-banner>
          <s-button onClick={again}>{t("again")}</s-button>
        </s-stack>
      );
    case "parked":
      return <Notice tone="warning" text={order.reason || t("parked")} link={t("open")} href={screen(order)} />;
    case "nothing":
      return <Notice tone="info" text={answer.ladder?.why || t("nothing")} link={t("open")} href={screen(order)} />;
    default:
      return <Paid explanation={answer.explanation} ladder={answer.ladder} />;
  }
}

/** @param {any} order */
const screen = (order) => `app:orders/${encodeURIComponent(order.store_id)}/${encodeURIComponent(order.platform_order_id)}`;

/** @param {{tone: "info" | "warning", text: string, link: string, href: string}} props */
function Notice({ tone, text, link, href }) {
  return (
    <s-stack gap="base">
      <s-banner tone={tone}>{text}</s-banner>
      <s-link href={href}>{link}</s-link>
    </s-stack>
  );
}

/** @param {{explanation: any, ladder: any}} props */
function Paid({ explanation, ladder }) {
  const name = (/** @type {string} */ id) => (explanation.names[id] ? `${explanation.names[id]} (${id})` : id);
  const why = rows(ladder);
  return (
    <s-stack gap="base">
      <s-table>
        <s-table-header-row>
          <s-table-header listSlot="primary">{t("who")}</s-table-header>
          <s-table-header format="currency">{t("amount")}</s-table-header>
        </s-table-header-row>
        <s-table-body>
          {ladder.totals.map((/** @type {any} */ total) => (
            <s-table-row key={total.distributor_id}>
              <s-table-cell>{name(total.distributor_id)}</s-table-cell>
              <s-table-cell>{money(total.paid, ladder.currency)}</s-table-cell>
            </s-table-row>
          ))}
        </s-table-body>
      </s-table>
      <s-heading>{t("why")}</s-heading>
      <s-unordered-list>
        {why.slice(0, MOST_ROWS).map((row, i) => (
          <s-list-item key={i}>{sentence(row, name, ladder.currency)}</s-list-item>
        ))}
      </s-unordered-list>
      <s-link href={screen(explanation.order)}>
        {why.length > MOST_ROWS ? t("more", { count: why.length - MOST_ROWS }) : t("open")}
      </s-link>
    </s-stack>
  );
}

/**
 * One row in words. Reasons come from the calculation itself and are shown as
 * they are.
 * @param {any} row
 * @param {(id: string) => string} name
 * @param {string} currency
 */
function sentence(row, name, currency) {
  const { product } = row;
  if (row.excluded) return t("row.excluded", { product, reason: row.excluded });
  const level = row.level === 0 ? t("row.seller") : t("row.level", { level: row.level });
  if (row.skipped) return t("row.skipped", { product, level, who: name(row.id), reason: row.skipped });
  if (row.breakage) return t("row.breakage", { product, level, reason: row.breakage });
  const sum = [row.base, ...row.factors].join(" × ");
  return t("row.paid", { product, level, who: name(row.id), sum, amount: money(row.paid, currency) });
}
