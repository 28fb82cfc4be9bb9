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

const screens = [["/", "Overview", "Ledger rows posted"], ["/orders", "Orders", "Commissioned"], ["/distributors", "Distributors", "OSKAR1001"], ["/products", "Products", "SKIN-13"],
  ["/commissions", "Commissions", "On hold"], ["/deliveries", "Deliveries", "orders/paid"], ["/stores", "Stores", "lumina-naturals-jp.myshopify.com"], ["/settings", "Settings", "Lumina Naturals"]];

for (const [path, title, shows] of screens) {
  test(`${path} inside the admin`, async ({ page, context }, info) => {
    const { frame, titled } = await open(page, info, path);
    await expect(titled(title)).toBeVisible();
    await expect(frame.locator("#app")).toContainText(shows);
    expect(await context.cookies()).toEqual([]);
    const [wide, inner] = await frame.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(wide).toBeLessThanOrEqual(inner);
    const found = await new AxeBuilder({ page }).include("iframe").withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).disableRules(["frame-title"]).analyze(); // the frame is the stand-in's
    expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`)).toEqual([]);
    if (info.project.name === "embedded-blocked") await picture(page, `${title.toLowerCase()}-${info.project.name}`);
  });
}

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
