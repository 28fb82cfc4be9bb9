// What a company sets up for itself: webhooks to a server of the test, a rule for SKUs, a store's test, branding.
import { createServer } from "node:http";
import { createHmac } from "node:crypto";
import { api, expect, inspect, key, picture, sell, test, url, visit } from "./kit.mjs";

const setting = (info) => info.project.name.replace("-jobs", "");

const settlement = (id) => api(`/api/v1/orders?search=${id}`).then((p) => p.data[0].settlement);
const bare = ({ fits, skus, covered_by, ...rule }) => rule;

/** Changes the rules as somebody else would; the other settings' tests do so at the same time. */
const others = (change) => expect(async () => {
  const { rules, version } = await api("/api/v1/mappings/rules");
  const answer = await fetch(`${url}/api/v1/mappings/rules`, { method: "PUT", body: JSON.stringify({ rules: change(rules.map(bare)) }), headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...(version ? { "If-Match": `"${version}"` } : {}) } });
  expect(answer.status, await answer.text()).toBe(200);
}).toPass();

/** Presses a button until what it does is seen; where somebody else was faster, on their list anew. */
const insist = (within, button, seen) => expect(async () => {
  const theirs = within.getByRole("button", { name: "Show theirs" });
  if (await theirs.isVisible()) await theirs.click();
  if (!(await seen.isVisible())) await button.click({ timeout: 2000 });
  await expect(seen).toBeVisible({ timeout: 2000 });
}).toPass();

/** A server of the company's own; fails says how it answers. */
async function receiver() {
  const got = [];
  const state = { got, status: 200 };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; }).on("end", () => {
      got.push({ headers: request.headers, body });
      response.writeHead(state.status).end(state.status === 200 ? "thank you" : "not today");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, { url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() });
}

const verified = ({ headers, body }, secret) => headers["webhook-signature"].split(" ").includes(
  `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`).digest("base64")}`);

test("add an endpoint, test it, see what it was sent, send again", async ({ page }, info) => {
  const there = await receiver();
  try {
    await visit(page, "/settings/webhooks");
    await page.getByRole("button", { name: "Add endpoint" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Address").fill("http://10.0.0.1/x");
    await dialog.getByLabel("What it is for").fill(`ERP ${setting(info)}`);
    await inspect(page, { shifts: false });
    await picture(page, `webhook-add-${setting(info)}`);
    await dialog.getByRole("button", { name: "Add endpoint" }).click();
    await expect(dialog.getByText("only https addresses are called")).toBeVisible();
    await expect(dialog.getByLabel("What it is for")).toHaveValue(`ERP ${setting(info)}`); // nothing typed is lost
    await dialog.getByLabel("Address").fill(there.url);
    await dialog.getByRole("button", { name: "Add endpoint" }).click();
    await expect(page.getByText("The secret is shown once")).toBeVisible();
    const secret = /whsec_[A-Za-z0-9+/=]+/.exec(await page.getByRole("dialog").textContent())[0];
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("link", { name: `ERP ${setting(info)}` }).click();
    await page.getByRole("button", { name: "Send a test event" }).click();
    const tests = () => there.got.filter((g) => g.body.includes('"webhook.test"')); // what the other settings' tests sell is told here too
    await expect.poll(() => tests().length).toBeGreaterThan(0);
    expect(verified(tests()[0], secret)).toBe(true);
    await expect(page.getByRole("button", { name: "webhook.test" }).first()).toBeVisible();
    const sku = `HOOK-${setting(info)}-${Date.now()}`;
    await api("/api/v1/mappings", { data: [{ platform: "custom", platform_sku: sku, commission_class: "care" }] });
    await sell(`hook-${sku}`, sku); // an order that pays somebody is told too
    await expect.poll(() => there.got.filter((g) => g.body.includes('"commission.event"')).length, { timeout: 20_000 }).toBeGreaterThan(0);
    await page.reload();
    await expect(page.getByRole("button", { name: "commission.event" }).first()).toBeVisible();
    await inspect(page, { shifts: false });
    await picture(page, `webhook-${setting(info)}`);
    await page.getByRole("button", { name: "webhook.test" }).first().click();
    await expect(page.getByRole("dialog").getByText("thank you")).toBeVisible();
    await inspect(page, { shifts: false });
    const before = tests().length;
    await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
    await expect.poll(() => tests().length).toBeGreaterThan(before);
    expect(tests()[before].headers["webhook-id"]).toBe(tests()[0].headers["webhook-id"]); // the same event, by the same id
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByText("Paused: nothing is sent, everything is kept")).toBeVisible();
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await expect(page.locator("h1")).toHaveText("Webhooks");
    await expect(page.getByText(`ERP ${setting(info)}`)).toHaveCount(0);
  } finally {
    there.close();
  }
});

test("map SKUs by a rule", async ({ page }, info) => {
  const mark = { light: "SOAP", dark: "BATH", phone: "MASK" }[setting(info)]; // it stands in a picture
  await api("/api/v1/mappings", { data: [{ platform: "custom", platform_sku: `${mark}-GIFT`, commission_class: "home" }] });
  await sell(`rule-1-${mark}`, `${mark}-A`);
  await sell(`rule-2-${mark}`, `${mark}-B`);
  await visit(page, "/products");
  await page.getByRole("button", { name: "Map by rule" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Begins with").fill(`${mark.toLowerCase()}-`);
  await dialog.getByLabel("Commission class").fill("care");
  await expect(dialog.getByText("2 SKUs fit")).toBeVisible();
  await dialog.locator("summary", { hasText: "1 mapped SKU looks alike and stays as it is · 1 of them has another class" }).click();
  await expect(dialog.getByRole("row", { name: `${mark}-GIFT home` })).toBeVisible();
  await expect(dialog.getByText("2 parked orders are released")).toBeVisible();
  await inspect(page, { shifts: false });
  await picture(page, `rule-${setting(info)}`);
  await dialog.getByRole("button", { name: "Map them" }).click();
  await expect(page.getByText("2 parked orders were released")).toBeVisible();
  await expect.poll(() => api(`/api/v1/orders?search=rule-2-${mark}`).then((p) => p.data[0].settlement)).toBe("settled");
  expect((await api(`/api/v1/mappings?search=${mark}-GIFT`)).data[0].commission_class).toBe("home");
});

test("keep rules: what comes is mapped by itself, order counts, two who edit see each other, removing is undone", async ({ page }, info) => {
  const mark = { light: "CREAM", dark: "BALM", phone: "SERUM" }[setting(info)], begins = `${mark.toLowerCase()}-`; // they stand in pictures
  await sell(`kept-1-${mark}`, `${mark}-A`);
  await visit(page, "/products");
  await page.getByRole("link", { name: "Rules" }).click();
  await expect(page.locator("h1")).toHaveText("Mapping rules");
  await page.getByRole("button", { name: "Add rule" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Begins with").fill(begins);
  await dialog.getByLabel("Commission class").fill("care");
  await expect(dialog.getByText("1 SKU fits")).toBeVisible();
  await expect(dialog.getByText("1 parked order is released")).toBeVisible();
  await inspect(page, { shifts: false });
  await picture(page, `rule-edit-${setting(info)}`);
  // Somebody else adds a rule while this one is typed.
  await others((rules) => [...rules, { prefix: `${mark}-TRAVEL`, commission_class: "home" }]);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody else has changed the rules")).toBeVisible();
  await expect(dialog.getByLabel("Begins with")).toHaveValue(begins); // nothing typed is lost
  await insist(dialog, dialog.getByRole("button", { name: "Save" }), page.getByText("The rules were saved"));
  await expect(dialog).toHaveCount(0);
  await expect.poll(() => settlement(`kept-1-${mark}`)).toBe("settled");
  await sell(`kept-2-${mark}`, `${mark}-B`); // nobody maps this one
  await expect.poll(() => settlement(`kept-2-${mark}`), { timeout: 20_000 }).toBe("settled");
  const mine = page.getByRole("row", { name: `begins with ${begins}` }).filter({ hasNotText: "travel" });
  const other = page.getByRole("row", { name: `begins with ${mark}-TRAVEL` });
  await insist(page, mine.getByRole("button", { name: "Move up" }), other.getByText(/Never counts: rule \d+ fits all of it/));
  await inspect(page, { shifts: false });
  await picture(page, `rules-${setting(info)}`);
  await insist(page, mine.getByRole("button", { name: "Remove" }), page.getByText("The rule was removed"));
  await expect(mine).toHaveCount(0);
  await insist(page, page.getByRole("button", { name: "Undo" }), mine);
  expect((await api("/api/v1/mappings/rules")).rules.some((r) => r.prefix === begins)).toBe(true);
  await others((rules) => rules.filter((r) => !r.prefix.toLowerCase().startsWith(begins)));
});

test("test a store", async ({ page }, info) => {
  await visit(page, "/stores");
  const store = page.getByRole("region", { name: "Lumina Japan" });
  await store.getByRole("button", { name: "Test" }).click();
  await expect(store.getByText("Messages")).toBeVisible();
  await expect(store.getByText("Heard")).toBeVisible();
  await inspect(page, { shifts: false });
  await picture(page, `store-test-${setting(info)}`);
});

test("say what a plan would change, with the line of each fault", async ({ page }, info) => {
  await visit(page, "/plans");
  await page.getByLabel("Begin with").selectOption("affiliate-two-tier");
  await expect(page.getByText(/Against .* which counts now/).first()).toBeVisible();
  await picture(page, `plan-diff-${setting(info)}`);
  const box = page.getByLabel("Plan document (YAML)");
  await box.fill(`${await box.inputValue()}\nsurprise: 1\n`);
  await expect(page.getByText("1 fault keeps this plan from counting")).toBeVisible();
  await expect(page.getByText(/^Line \d+/).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Publish", exact: true })).toBeDisabled();
  await inspect(page, { shifts: false });
  await picture(page, `plan-check-${setting(info)}`);
});
