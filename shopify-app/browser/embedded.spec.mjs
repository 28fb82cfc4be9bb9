// The app inside the Shopify admin: the real server and screens, with
// stand-ins for the admin and its scripts.
import { expect, test } from "@playwright/test";
import { openAdmin } from "./admin.mjs";
import { storageOf, withStorageBlocked } from "./blocked.mjs";
import { CLIENT_ID, startUpline } from "./upline.mjs";

const SHOP = "sample.myshopify.com";
let upline;
test.beforeAll(async () => {
  upline = await startUpline({ shops: [SHOP, "other.myshopify.com"], prepare: (cli) => cli("migrate") });
  await upline.world("POST", "/install", { shop: SHOP });
});
test.afterAll(() => upline?.stop());

const token = async () => (await upline.world("GET", "/token", { shop: SHOP })).text;
const address = async () => `${upline.url}/?${(await upline.world("GET", "/document", { shop: SHOP })).text}`;
const open = async (page, options = {}) => openAdmin(page, { src: await address(), token, ...options });
const watch = (page) => {
  const errors = [];
  page.on("pageerror", (e) => errors.push(e.message));
  return errors;
};

test("the head holds the app's key, App Bridge first, then the elements", async ({ request }) => {
  const answer = await request.get(await address());
  expect(answer.status()).toBe(200);
  const html = await answer.text();
  expect(html).toContain(`<meta name="shopify-api-key" content="${CLIENT_ID}">`);
  const scripts = [...html.matchAll(/<script[^>]*src="([^"]+)"/g)].map((m) => m[1]);
  expect(scripts[0]).toBe("https://cdn.shopify.com/shopifycloud/app-bridge.js");
  expect(scripts[1]).toMatch(/^https:\/\/cdn\.shopify\.com\/shopifycloud\/polaris-2(\.\d+)*\.js$/);
  expect(html.indexOf("<meta name=\"shopify-api-key\"")).toBeLessThan(html.indexOf("<script"));
  expect(answer.headers().link).toContain(scripts[0]);
  expect(answer.headers().link).toContain(scripts[1]);
  expect(answer.headers()["content-security-policy"]).toMatch(new RegExp(`frame-ancestors https://${SHOP} https://admin\\.shopify\\.com(;|$)`));
  expect(answer.headers()["x-frame-options"]).toBeUndefined();
});

test("the screens open in the admin, with its navigation and no item for home", async ({ page }) => {
  const errors = watch(page);
  const app = await open(page);
  await expect(app.locator("s-page").first()).toBeAttached();
  expect(await app.locator("s-app-nav s-link[rel=home]").count()).toBe(1);
  expect(await app.locator("s-app-nav s-app-nav").count()).toBe(0);
  expect(await page.evaluate(() => window.asked)).toBe(CLIENT_ID);
  expect(errors).toEqual([]);
});

for (const [embed, tells] of [["active", "On"], ["available", "Off"], ["unavailable", "Not in this theme"], ["missing", "Not deployed"]]) {
  test(`the first screen tells that the app embed is ${embed}`, async ({ page }) => {
    const app = await open(page, { embed });
    await expect(app.locator("s-section", { hasText: "App embed" }).locator("s-badge")).toHaveText(tells);
    await expect(app.locator("s-button", { hasText: "Switch it on" })).toHaveCount(embed === "available" ? 1 : 0);
  });
}

test("the embed is switched on in the theme editor", async ({ page }) => {
  await page.route(`https://${SHOP}/**`, (route) => route.fulfill({ contentType: "text/html", body: "<title>Theme editor</title>" }));
  const app = await open(page, { embed: "available" });
  await app.locator("s-button", { hasText: "Switch it on" }).click();
  await expect(page).toHaveURL(`https://${SHOP}/admin/themes/current/editor?context=apps&activateAppId=${CLIENT_ID}%2Fupline`);
});

test("without a token the page fetches one and comes back", async ({ page }) => {
  const app = await openAdmin(page, { src: `${upline.url}/?embedded=1&shop=${SHOP}`, token });
  await expect(app.locator("s-page").first()).toBeAttached();
});

test("an old token of a request is renewed, and nobody is signed out", async ({ page }) => {
  const errors = watch(page);
  const app = await open(page);
  await expect(app.locator("s-page").first()).toBeAttached();
  const refused = await app.evaluate(async () => {
    const answer = await fetch("/api/v1/overview", { headers: { Authorization: "Bearer a.b.c" } });
    return [answer.status, answer.headers.get("X-Shopify-Retry-Invalid-Session-Request")];
  });
  expect(refused).toEqual([401, "1"]);
  expect(errors).toEqual([]);
});

test("a page of another site cannot frame it", async ({ page }) => {
  const console = [];
  page.on("console", (m) => console.push(m.text()));
  await open(page, { origin: "https://evil.example" });
  await expect.poll(() => console.join("\n")).toMatch(/frame-ancestors/);
  for (const frame of page.frames()) expect(await frame.locator("s-page").count().catch(() => 0)).toBe(0); // what was refused may be gone already
});

test("another shop's admin cannot frame this shop's app", async ({ page }) => {
  const console = [];
  page.on("console", (m) => console.push(m.text()));
  await open(page, { origin: "https://other.myshopify.com" });
  await expect.poll(() => console.join("\n")).toMatch(/frame-ancestors/);
});

test("without the admin's elements our own are there, and the token still works", async ({ page }) => {
  const app = await open(page, { elements: "blocked" });
  await expect(app.locator("h1").first()).toBeVisible();
  expect(await app.locator("s-page").count()).toBe(0);
});

test("without App Bridge the page says so and offers to load again", async ({ page }) => {
  const app = await open(page, { bridge: "blocked" });
  await expect(app.getByRole("button", { name: "Load again" })).toBeVisible();
});

test("with cookies and storage blocked it works", async () => {
  await withStorageBlocked(async (page, context) => {
    const errors = watch(page);
    const app = await open(page);
    await expect(app.locator("s-page").first()).toBeAttached();
    expect(await storageOf(app)).toBe("SecurityError");
    expect(await context.cookies()).toEqual([]);
    expect(errors).toEqual([]);
  });
});

test("an optional scope is asked for by Shopify's own dialog, and taken back", async ({ page }) => {
  const errors = watch(page);
  const query = (await upline.world("GET", "/document", { shop: SHOP })).text;
  const app = await openAdmin(page, { src: `${upline.url}/stores?${query}`, token });
  await app.locator("summary", { hasText: "Access besides" }).first().click();
  const box = app.locator('s-checkbox[label*="Disputes of Shopify Payments"]');
  await expect(box).toHaveCount(1);
  const flip = (on) => box.evaluate((el, to) => { el.checked = to; el.dispatchEvent(new Event("change", { bubbles: true })); }, on);
  await flip(true);
  await expect.poll(() => page.evaluate(() => window.granted)).toEqual(["read_shopify_payments_disputes"]);
  await flip(false);
  await expect.poll(() => page.evaluate(() => window.granted)).toEqual([]);
  expect(errors).toEqual([]);
});
