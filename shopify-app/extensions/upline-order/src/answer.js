// Asks Upline for the explanation of an order and says in which state it is.
// Money stays the text it came as: nothing is added up or rounded here.

/** How long an answer may take before it counts as none. */
const PATIENCE_MS = 10_000;

/**
 * The order's number inside Shopify, from "gid://shopify/Order/123".
 * @param {string | undefined} gid
 */
export function orderNumber(gid) {
  const found = /^gid:\/\/shopify\/Order\/(\d+)$/.exec(gid || "");
  return found ? found[1] : "";
}

/**
 * The state of the block: setup (this shop is not connected), unknown (no
 * order of this number arrived), error, parked, nothing (it settled, nobody
 * earns), or paid with the newest calculation.
 * @param {string | undefined} gid
 * @returns {Promise<{state: string, explanation?: any, ladder?: any}>}
 */
export async function ask(gid) {
  const number = orderNumber(gid);
  if (!number) return { state: "unknown" };
  try {
    // Relative to the app's own address; Shopify adds the session token. "-"
    // is the store that the token speaks for.
    const answer = await fetch(`/api/v1/orders/-/${number}/explanation`, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.status === 404) return { state: "unknown" };
    if (answer.status === 401 || answer.status === 403) return { state: "setup" };
    if (!answer.ok) return { state: "error" };
    return stateOf(await answer.json());
  } catch {
    return { state: "error" };
  }
}

/** @param {any} explanation */
function stateOf(explanation) {
  if (!explanation || typeof explanation.order?.settlement !== "string") return { state: "error" };
  const ladder = explanation.calculations?.[0]?.ladder;
  if (explanation.order.settlement !== "settled") return { state: "parked", explanation, ladder };
  if (!ladder || !ladder.totals?.length) return { state: "nothing", explanation, ladder };
  return { state: "paid", explanation, ladder };
}

/**
 * Money for people, with exactly the decimals it came with; as it is where it
 * is no amount.
 * @param {string} amount
 * @param {string} currency
 */
export function money(amount, currency) {
  const found = /^-?\d+(?:\.(\d+))?$/.exec(amount);
  if (!found) return `${amount} ${currency}`;
  const digits = (found[1] || "").length;
  try {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits });
    return format.format(/** @type {any} */ (amount)); // a text is formatted exactly, a number is not
  } catch {
    return `${amount} ${currency}`;
  }
}

/**
 * Every rung of every line as one row: who, why and how much. What was passed
 * over has a row of its own, before the one who got it.
 * @param {any} ladder
 */
export function rows(ladder) {
  const list = [];
  for (const line of ladder.lines) {
    const product = line.platform_sku || line.sku_id || line.line_id;
    if (line.excluded) list.push({ product, excluded: line.excluded });
    for (const component of line.components || []) {
      for (const rung of component.rungs) {
        for (const skip of rung.skipped || []) list.push({ product, level: rung.level, id: skip.distributor_id, skipped: skip.reason });
        list.push({
          product,
          level: rung.level,
          id: rung.distributor_id,
          base: component.base === "cv" ? `${component.base_amount} CV` : money(component.base_amount, ladder.currency),
          factors: rung.factors.map((/** @type {any} */ f) => f.value),
          paid: rung.paid,
          breakage: rung.breakage,
        });
      }
    }
  }
  return list;
}
