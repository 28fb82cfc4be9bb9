// The block on an order's page, in the mock of the Shopify admin that Shopify
// gives. Texts are looked for by their keys; whether every language has the
// key is tested below.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getExtension } from "@shopify/ui-extensions-tester";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const folder = join(import.meta.dirname, "../extensions/upline-order");
const paid = JSON.parse(readFileSync(join(import.meta.dirname, "testdata/explanation.json"), "utf8"));
const keys = [];
const extension = getExtension("admin.order-details.block.render", { configSearchDir: folder });
beforeEach(() => extension.setUp());
afterEach(() => extension.tearDown());

async function show(answer, { id = "gid://shopify/Order/6210000000000004600" } = {}) {
  extension.shopify.data = { selected: id ? [{ id }] : [] };
  extension.shopify.i18n.translate = (key, values) => {
    keys.push(key);
    return values ? `${key} ${Object.values(values).join(" ")}` : key;
  };
  extension.fetch = vi.fn(answer);
  await extension.render();
}
const json = (body, status = 200) => async () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
const text = () => document.body.textContent;
const shows = (part) => vi.waitFor(() => expect(text()).toContain(part), { timeout: 20_000 });
const changed = (change) => {
  const copy = structuredClone(paid);
  change(copy, copy.calculations[0].ladder);
  return copy;
};

test("it asks for the order of its own store, by the path alone", async () => {
  await show(json(paid));
  await shows("Clara Pereira (L1420)");
  expect(extension.fetch).toHaveBeenCalledTimes(1);
  expect(extension.fetch.mock.calls[0][0]).toBe("/api/v1/orders/-/6210000000000004600/explanation");
});

test("it says who was paid, with names, ids and exact amounts", async () => {
  await show(json(paid));
  await shows("Kenji Tanaka (L1036)");
  const cells = [...document.querySelectorAll("s-table-body s-table-row")].map((row) => [...row.children].map((c) => c.textContent.replaceAll("\u00a0", " ")));
  expect(cells[0]).toEqual(["Clara Pereira (L1420)", "€38.67"]);
  expect(cells).toHaveLength(5);
  expect(document.querySelector("s-admin-block").getAttribute("collapsedsummary") ?? document.querySelector("s-admin-block").collapsedSummary).toContain("82.87");
});

test("it says why, level by level", async () => {
  await show(json(paid));
  await shows("row.paid NUTR-03 row.level 1 Kenji Tanaka (L1036) 35 CV × 8% × 1.00 EUR per CV €2.80");
  expect(text()).toContain("row.paid NUTR-03 row.seller Clara Pereira (L1420)");
});

test("an amount larger than a number can hold stays exact, and so do three decimals", async () => {
  await show(json(changed((e, ladder) => {
    ladder.currency = "KWD";
    ladder.totals = [{ distributor_id: "L1420", paid: "90071992547409.931" }];
  })));
  await shows("90,071,992,547,409.931");
});

test("people who were passed over, money that nobody gets and lines that earn nothing are named with the reason", async () => {
  await show(json(changed((e, ladder) => {
    const rungs = ladder.lines[0].components[1].rungs;
    rungs[0].skipped = [{ distributor_id: "L9", reason: "PV 40 < 100" }];
    rungs[1].breakage = "nobody stands here";
    ladder.lines.push({ line_id: "7", platform_sku: "GIFT", excluded: "gift card", components: [] });
  })));
  await shows("row.skipped NUTR-03 row.level 1 L9 PV 40 < 100");
  expect(text()).toContain("row.breakage NUTR-03 row.level 2 nobody stands here");
  expect(text()).toContain("row.excluded GIFT gift card");
});

test("a long ladder is cut, and says how much more there is in Upline", async () => {
  await show(json(changed((e, ladder) => {
    ladder.lines = Array.from({ length: 10 }, () => ladder.lines[0]);
  })));
  await shows("more 38");
  expect(document.querySelectorAll("s-list-item")).toHaveLength(12);
  expect(document.querySelector("s-link").getAttribute("href")).toBe("app:orders/lumina-eu/6210000000000004600");
});

test("it shows that it is asking", async () => {
  await show(() => new Promise(() => {}));
  expect(document.querySelector("s-spinner").accessibilityLabel ?? document.querySelector("s-spinner").getAttribute("accessibilitylabel")).toBe("summary.loading");
});

for (const [what, answer, want] of [
  ["an order that has not arrived", json({ code: "not_found" }, 404), "unknown"],
  ["a shop that is not connected", json({}, 401), "setup"],
  ["somebody without the right", json({}, 403), "setup"],
  ["a server that fails", json("<h1>no</h1>", 500), "error"],
  ["a server that answers no JSON", json("<h1>hello</h1>"), "error"],
  ["a server that answers other JSON", json([1]), "error"],
  ["no network", async () => { throw new TypeError("failed to fetch"); }, "error"],
]) {
  test(`${what} is said as such: ${want}`, async () => {
    await show(answer);
    await shows(want);
    expect(document.querySelector("s-table")).toBeNull();
  });
}

test("after an error one can ask again", async () => {
  let calls = 0;
  await show(async () => (calls++ ? new Response(JSON.stringify(paid)) : new Response("", { status: 502 })));
  await shows("again");
  document.querySelector("s-button").dispatchEvent(new Event("click", { bubbles: true }));
  await shows("Clara Pereira");
});

test("a parked order says its reason and leads to its screen", async () => {
  await show(json(changed((e) => {
    Object.assign(e.order, { settlement: "parked", reason: "The SKU X-1 is not mapped." });
  })));
  await shows("The SKU X-1 is not mapped.");
  expect(document.querySelector("s-banner").getAttribute("tone")).toBe("warning");
});

test("an order that earns nothing says why", async () => {
  await show(json(changed((e, ladder) => Object.assign(ladder, { totals: [], why: "a test order" }))));
  await shows("a test order");
});

test("a page without an order asks nothing", async () => {
  await show(json(paid), { id: "" });
  await shows("unknown");
  expect(extension.fetch).not.toHaveBeenCalled();
});

test("an order id that is none is not put into an address", async () => {
  await show(json(paid), { id: "gid://shopify/Order/1/../../x" });
  await shows("unknown");
  expect(extension.fetch).not.toHaveBeenCalled();
});

test("every language has every text that was asked for, with the same values", () => {
  const flat = (object, prefix = "") => Object.entries(object).flatMap(([k, v]) => (typeof v === "string" ? [[prefix + k, v]] : flat(v, `${prefix}${k}.`)));
  const read = (name) => Object.fromEntries(flat(JSON.parse(readFileSync(join(folder, "locales", name), "utf8"))));
  const english = read("en.default.json");
  expect(keys.filter((k) => !(k in english))).toEqual([]);
  const values = (s) => (s.match(/\{\{\w+\}\}/g) || []).sort();
  for (const name of readdirSync(join(folder, "locales"))) {
    const words = read(name);
    expect(Object.keys(words).sort(), name).toEqual(Object.keys(english).sort());
    for (const key of Object.keys(english)) expect(values(words[key]), `${name} ${key}`).toEqual(values(english[key]));
  }
});
