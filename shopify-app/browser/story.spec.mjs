// One merchant's story, told to the real server and seen in a real browser:
// install, a link, an order, a refund, an erasure, the end, and a new start.
import { expect, test } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openAdmin } from "./admin.mjs";
import { startStorefront } from "./storefront.mjs";
import { startUpline } from "./upline.mjs";

const SHOP = "sample.myshopify.com";
const BUYER = 7700000000000000001n;
const PLAN = `name: story
effective_from: 2020-01-01T00:00:00Z
ranks: [member]
volume: {money: {"*": "1"}}
components:
  - {id: retail, type: retail, base: net, rates: [{rate: 20%}]}
  - {id: team, type: unilevel, base: cv, compression: dynamic, rates: [{levels: [5%]}]}
`;

function prepare(cli, folder) {
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  cli("migrate");
  cli("admin", "program", "create", "Story Company", "--currency", "EUR");
  cli("plan", "publish", file("plan.yaml", PLAN));
  cli("import", "distributors", file("people.csv", "distributor_id,sponsor_id,codes,name\nTOP,,,Tom Reyes\nANNA,TOP,ANNA10,Anna Bauer\n"), "--commit");
  cli("import", "skus", file("skus.csv", "platform,platform_sku,commission_class\nshopify,SERUM-30,a\n"), "--commit");
}

// minute is a time so many minutes after the test began. A store pays for
// orders from the day it was connected, so they are placed after that.
const begin = Date.now();
const minute = (n) => new Date(begin + n * 60_000).toISOString();

// An order's body as the subscriptions of shopify.app.toml include it.
function order(id, { ref, at, buyer = BUYER, refunded = false }) {
  const line = 7410000000000000101n + BigInt(id % 1000);
  const set = (amount) => ({ shop_money: { amount, currency_code: "EUR" }, presentment_money: { amount, currency_code: "EUR" } });
  const refund = { id: id * 10 + 1, order_id: id, created_at: at, processed_at: at, order_adjustments: [], transactions: [{ kind: "refund", status: "success", amount: "100.00", currency: "EUR" }],
    refund_line_items: [{ id: id * 10 + 2, line_item_id: "LINE", quantity: 1, subtotal: 100.0, total_tax: 0 }] };
  const body = {
    id, name: `#${id}`, created_at: minute(1), processed_at: minute(1), updated_at: at, cancelled_at: null, test: false,
    currency: "EUR", presentment_currency: "EUR", taxes_included: false, financial_status: refunded ? "refunded" : "paid",
    current_subtotal_price: refunded ? "0.00" : "100.00", current_subtotal_price_set: set(refunded ? "0.00" : "100.00"), total_price_set: set("100.00"),
    note_attributes: ref ? [{ name: "_upline_ref", value: ref }] : [], discount_codes: [], discount_applications: [], customer: { id: "BUYER" },
    refunds: refunded ? [refund] : [], shipping_lines: [], tax_lines: [],
    line_items: [{ id: "LINE", sku: "SERUM-30", quantity: 1, current_quantity: refunded ? 0 : 1, gift_card: false, price: "100.00", price_set: set("100.00"), discount_allocations: [], tax_lines: [] }],
  };
  return JSON.stringify(body).replaceAll('"LINE"', String(line)).replaceAll('"BUYER"', String(buyer));
}

test("install, link, order, refund, erasure, uninstall, reinstall", async ({ page, context }) => {
  test.setTimeout(180_000);
  const upline = await startUpline({ shops: [SHOP], prepare });
  const shop = await startStorefront({
    proxy: async (url) => {
      const answer = await upline.world("GET", "/proxy", { shop: SHOP, path: "/ref", code: url.searchParams.get("code") });
      return [answer.status, answer.text];
    },
  });
  const token = async () => (await upline.world("GET", "/token", { shop: SHOP })).text;
  const api = async (path) => {
    const answer = await fetch(upline.url + path, { headers: { Authorization: `Bearer ${await token()}`, Accept: "application/json" } });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  };
  const webhook = async (topic, body) => expect((await upline.world("POST", "/webhook", { shop: SHOP, topic }, body)).status, topic).toBe(200);
  const explained = async (id) => (await api(`/api/v1/orders/-/${id}/explanation`)).body;
  const settled = async (id, want) => expect.poll(async () => {
    const { status, body } = await api(`/api/v1/orders/-/${id}`);
    return status === 200 ? { settlement: body.settlement, earned: body.earned } : status;
  }, { timeout: 20_000 }).toEqual(want);
  const inAdmin = async (path = "/") => {
    const tab = await context.newPage();
    const query = (await upline.world("GET", "/document", { shop: SHOP })).text;
    const app = await openAdmin(tab, { src: `${upline.url}${path}?${query}`, token });
    return { tab, app };
  };
  const store = async () => (await api("/api/v1/stores")).body.data.find((s) => s.domain === SHOP);

  try {
    let storeID, ref;
    await test.step("the merchant installs the app and is connected at the first screen", async () => {
      await upline.world("POST", "/install", { shop: SHOP });
      const { tab, app } = await inAdmin();
      await expect(app.locator("s-page").first()).toBeAttached();
      storeID = (await store()).store_id;
      expect(storeID).toBeTruthy();
      await tab.close();
    });

    await test.step("a visitor comes by a distributor's link, and the cart carries a signed reference", async () => {
      await page.goto(`${shop.url}/products/p1?ref=ANNA10`);
      await expect.poll(() => shop.cart()?.attributes._upline_ref).toBeTruthy();
      ref = shop.cart().attributes._upline_ref;
      expect(ref).not.toBe("ANNA10");
      const requests = shop.asked("/cart/update.js").length;
      await page.goto(`${shop.url}/products/p1?ref=NOBODY`);
      await page.waitForTimeout(400);
      expect(shop.asked("/cart/update.js")).toHaveLength(requests);
    });

    await test.step("the order pays the distributor and the sponsor, and the admin shows it", async () => {
      await webhook("orders/paid", order(9001, { ref, at: minute(1) }));
      await settled(9001, { settlement: "settled", earned: "25.00" });
      const e = await explained(9001);
      expect(e.calculations[0].ladder.totals).toEqual([{ distributor_id: "ANNA", paid: "20.00" }, { distributor_id: "TOP", paid: "5.00" }]);
      const { tab, app } = await inAdmin(`/orders/${storeID}/9001`);
      await expect(app.locator("body")).toContainText("Anna Bauer");
      await tab.close();
    });

    await test.step("a reference that the buyer changed earns nothing", async () => {
      const forged = ref.slice(0, -1) + (ref.endsWith("A") ? "B" : "A");
      await webhook("orders/paid", order(9002, { ref: forged, at: minute(2), buyer: BUYER + 1n }));
      await settled(9002, { settlement: "settled", earned: "0.00" });
      const e = await explained(9002);
      expect(e.order.distributor_id).toBeUndefined();
      expect(e.postings).toEqual([]);
    });

    await test.step("the refund takes it all back, in whichever order the platform tells it", async () => {
      await webhook("orders/updated", order(9001, { ref, at: minute(3), refunded: true }));
      await settled(9001, { settlement: "settled", earned: "0.00" });
      await webhook("orders/paid", order(9001, { ref, at: minute(1) }));
      await settled(9001, { settlement: "settled", earned: "0.00" });
    });

    await test.step("the buyer is erased, and every seal still holds", async () => {
      const before = upline.cli("verify");
      expect(before).toMatch(/sound/);
      const person = { shop_id: 1, shop_domain: SHOP, customer: { id: Number.MAX_SAFE_INTEGER, email: "buyer@example.com", phone: "" } };
      const raw = (more) => JSON.stringify({ ...person, ...more }).replace(String(Number.MAX_SAFE_INTEGER), String(BUYER));
      await webhook("customers/data_request", raw({ orders_requested: [9001], data_request: { id: 1 } }));
      await webhook("customers/redact", raw({ orders_to_redact: [9001, 9002] }));
      const requests = () => upline.cli("privacy", "list");
      await expect.poll(requests, { timeout: 30_000 }).toMatch(/customer_export .* done /);
      await expect.poll(requests, { timeout: 30_000 }).toMatch(/customer_erase .* done /);
      expect(upline.cli("verify")).toBe(before);
    });

    await test.step("uninstalled, the store is at rest and the ledger stays", async () => {
      await upline.world("POST", "/uninstall", { shop: SHOP });
      await webhook("app/uninstalled", JSON.stringify({ id: 1, myshopify_domain: SHOP, currency: "EUR" }));
      await expect.poll(() => upline.cli("admin", "store", "list"), { timeout: 20_000 }).toMatch(/uninstalled/);
      expect(upline.cli("verify")).toMatch(/sound/);
    });

    await test.step("installed again, it is the same store with the same ledger", async () => {
      await upline.world("POST", "/install", { shop: SHOP });
      const { tab, app } = await inAdmin(`/orders/${storeID}/9001`);
      await expect(app.locator("body")).toContainText("9001");
      expect((await store()).store_id).toBe(storeID);
      expect(upline.cli("admin", "store", "list")).not.toMatch(/uninstalled/);
      await webhook("orders/paid", order(9003, { ref, at: minute(4) }));
      await settled(9003, { settlement: "settled", earned: "25.00" });
      await tab.close();
    });

    await test.step("nothing secret and nobody's data is in the log", async () => {
      expect(upline.log()).not.toMatch(/buyer@example\.com|shpss_|shpat_|eyJ/);
    });
  } finally {
    await shop.close();
    await upline.stop();
  }
});
