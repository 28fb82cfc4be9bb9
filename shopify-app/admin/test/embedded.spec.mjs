// The screens inside a stand-in of Shopify's admin, with real session tokens; in the setting "embedded-blocked" Shopify's
// elements do not load, and our own are there instead.
import AxeBuilder from "@axe-core/playwright";
import { openAdmin } from "../../browser/admin.mjs";
import { startUpline } from "../../browser/upline.mjs";
import { expect, picture, test } from "./kit.mjs";

const shop = "lumina-naturals-eu.myshopify.com";
let upline, key;
test.beforeAll(async () => {
  upline = await startUpline({ shops: [shop], prepare: (cli) => { key = JSON.parse(cli("demo", "--json")).api_key; } });
  await upline.world("POST", "/install", { shop });
});
test.afterAll(() => upline?.stop());

const token = async () => (await upline.world("GET", "/token", { shop })).text;

async function open(page, info, path = "/") {
  const blocked = info.project.name.endsWith("blocked");
  const query = (await upline.world("GET", "/document", { shop })).text;
  const frame = await openAdmin(page, { src: `${upline.url}${path}?${query}`, token, elements: blocked ? "blocked" : undefined });
  return { frame, titled: (text) => (blocked ? frame.locator("h1", { hasText: text }) : frame.locator(`s-page[heading^="${text}"]`)) };
}

/** What holds of everything inside the admin: nothing stored, nothing sideways, no fault of accessibility. */
async function look(page, context, frame, info, name) {
  expect(await context.cookies()).toEqual([]);
  const [wide, inner] = await frame.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(wide).toBeLessThanOrEqual(inner);
  const found = await new AxeBuilder({ page }).include("iframe").withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).disableRules(["frame-title"]).analyze(); // the frame is the stand-in's
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`)).toEqual([]);
  if (info.project.name === "embedded-blocked") await picture(page, `${name}-${info.project.name}`);
}

const screens = [["/", "Overview", "Ledger rows posted"], ["/orders", "Orders", "Commissioned"], ["/distributors", "Distributors", "OSKAR1001"], ["/products", "Products", "SKIN-13"], ["/products/rules", "Mapping rules", "No rule yet"], ["/plans", "Plans", "Counts now"], ["/audit", "Audit log", "program.create"],
  ["/commissions", "Commissions", "On hold"], ["/deliveries", "Deliveries", "orders/paid"], ["/stores", "Stores", "lumina-naturals-jp.myshopify.com"], ["/settings", "Settings", "Lumina Naturals"]];

for (const [path, title, shows] of screens) {
  test(`${path} inside the admin`, async ({ page, context }, info) => {
    const { frame, titled } = await open(page, info, path);
    await expect(titled(title)).toBeVisible();
    await expect(frame.locator("#app")).toContainText(shows);
    await look(page, context, frame, info, title.toLowerCase().replaceAll(" ", "-"));
  });
}

/** A button by its words: ours, or one of the stand-in's elements. */
const press = (frame, words) => frame.locator("button:visible, a:visible, s-button", { hasText: words }).first().click();
/** Writes into a field as a person would, or as the admin's element tells of it. */
async function write(frame, info, label, text) {
  if (info.project.name.endsWith("blocked")) return frame.getByLabel(label).fill(text);
  return frame.locator(`s-text-field[label="${label}"]`).last().evaluate((el, value) => { el.value = value; el.dispatchEvent(new Event("input", { bubbles: true })); }, text);
}

test("keep a rule inside the admin, and see what it maps", async ({ page, context }, info) => {
  const { frame, titled } = await open(page, info, "/products/rules");
  await expect(titled("Mapping rules")).toBeVisible();
  await press(frame, "Add rule");
  await write(frame, info, "Begins with", "glow-");
  await write(frame, info, "Commission class", "care");
  await expect(frame.locator("xpath=//*[contains(text(), 'No waiting SKU fits now') or contains(@heading, 'No waiting SKU fits now')]")).toBeAttached();
  await look(page, context, frame, info, "rule-edit");
  await press(frame, /^Save$/);
  await expect(frame.locator("#app")).toContainText("begins with glow-");
  await expect(frame.locator("dialog[open], s-modal s-text-field")).toHaveCount(0);
  await look(page, context, frame, info, "rules");
  await press(frame, /^Remove$/);
  await expect(frame.locator("#app")).toContainText("No rule yet");
});

test("closing the company is no matter of a store's admin", async ({ page }, info) => {
  const { frame, titled } = await open(page, info, "/settings");
  await expect(titled("Settings")).toBeVisible();
  await expect(frame.locator("#app")).toContainText("Lumina Naturals");
  await expect(frame.locator("#app")).not.toContainText("Danger zone");
  await expect(frame.locator("[heading='Danger zone']")).toHaveCount(0);
});

test("a view is kept though the browser stores nothing inside the admin", async ({ page }, info) => {
  await page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
  });
  const name = `No box, ${info.project.name}`;
  const { frame, titled } = await open(page, info, `/orders?settlement=parked&reason_code=unmapped_sku`);
  await expect(titled("Orders")).toBeVisible();
  await press(frame, "Save this view");
  await write(frame, info, "Name of the view", name);
  await press(frame, /^Save$/);
  await expect(frame.locator("button, s-button", { hasText: name }).first()).toBeVisible();
  const again = await page.context().newPage(); // another tab, which knows of nothing
  const other = await open(again, info, "/orders");
  await expect(other.titled("Orders")).toBeVisible();
  await other.frame.locator("button:visible, s-button", { hasText: name }).first().click();
  await expect.poll(() => other.frame.url()).toContain("reason_code=unmapped_sku");
  await press(other.frame, `Delete view “${name}”`);
  await expect(other.frame.locator("button, s-button", { hasText: name })).toHaveCount(0);
});

const found = async () => (await (await fetch(`${upline.url}/api/v1/orders?search=%231001`, { headers: { Authorization: `Bearer ${key}` } })).json()).data[0];

test("explain a commission inside the admin", async ({ page }, info) => {
  const { frame, titled } = await open(page, info, `/orders/${(await found()).order_id}`);
  await expect(titled("Order #1001")).toBeVisible();
  await expect(frame.locator("#app")).toContainText("136 CV × 15% = 20.40");
  await expect(frame.locator("#app")).toContainText("Passed over");
  await frame.locator("main [href='/orders']").first().click();
  await expect(titled("Orders")).toBeVisible();
  expect(frame.url()).toContain(`shop=${shop}`); // App Bridge needs it to load the page again
});
