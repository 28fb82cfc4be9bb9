// The app embed on the sample shop, in a real browser.
import { expect, test } from "@playwright/test";
import { storageOf, withStorageBlocked } from "./blocked.mjs";
import { sign, startStorefront } from "./storefront.mjs";

const REF = "_upline_ref";
let shop;

async function open(options) {
  shop = await startStorefront(options);
  return shop;
}
test.afterEach(async () => {
  await shop?.close();
  shop = undefined;
});

const marked = async (code) => expect.poll(() => shop.cart()?.attributes[REF]).toBe(sign(code));
// settle gives the script time to do what it should not do.
const settle = (page) => page.waitForTimeout(400);
const memory = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("upline")));

test("a share link marks the cart with the signed reference", async ({ page }) => {
  await open();
  await page.goto(`${shop.url}/products/p1?ref=ANA`);
  await marked("ANA");
  expect((await memory(page)).last.code).toBe("ANA");
});

test("a cart that has the reference is not written again", async ({ page }) => {
  await open();
  await page.goto(`${shop.url}/?ref=ANA`);
  await marked("ANA");
  await page.goto(`${shop.url}/products/p2`);
  await settle(page);
  expect(shop.asked("/cart/update.js")).toHaveLength(1);
});

test("the cart after an order gets the reference again", async ({ page, context }) => {
  await open();
  await page.goto(`${shop.url}/?ref=ANA`);
  await marked("ANA");
  await context.clearCookies();
  await page.goto(`${shop.url}/products/p2`);
  await expect.poll(() => shop.seen.carts.size).toBe(2);
  await marked("ANA");
});

test("without consent nothing is stored, asked or sent", async ({ page, context }) => {
  await open({ consent: false });
  await page.goto(`${shop.url}/?ref=ANA`);
  await settle(page);
  expect(await context.cookies()).toEqual([]);
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);
  expect(shop.asked("/apps/").concat(shop.asked("/cart/"))).toEqual([]);
});

test("consent given on the page starts it, consent taken back clears it", async ({ page }) => {
  await open({ consent: false });
  await page.goto(`${shop.url}/?ref=ANA`);
  await page.waitForFunction(() => window.Shopify.customerPrivacy);
  await page.evaluate(() => Shopify.customerPrivacy.setTrackingConsent({ marketing: true }));
  await marked("ANA");
  await page.evaluate(() => Shopify.customerPrivacy.setTrackingConsent({ marketing: false }));
  expect(await memory(page)).toBeNull();
});

test("consent taken back while the server answers leaves nothing behind", async ({ page }) => {
  let answer;
  await open({ proxy: () => new Promise((resolve) => { answer = () => resolve([200, JSON.stringify({ ref: sign("ANA") })]); }) });
  await page.goto(`${shop.url}/?ref=ANA`);
  await expect.poll(() => Boolean(answer)).toBe(true);
  await page.evaluate(() => Shopify.customerPrivacy.setTrackingConsent({ marketing: false }));
  answer();
  await settle(page);
  expect(await memory(page)).toBeNull();
  expect(shop.asked("/cart/update.js")).toEqual([]);
});

test("a shop whose privacy API never comes is left alone", async ({ page }) => {
  await open();
  await page.addInitScript(() => {
    Object.defineProperty(window, "setTimeout", { value: () => 0 }); // loadFeatures never answers
  });
  await page.goto(`${shop.url}/?ref=ANA`);
  await settle(page);
  expect(shop.asked("/apps/")).toEqual([]);
});

for (const [mode, want] of [["last", "BO"], ["first", "ANA"]]) {
  test(`of two links the ${mode} one counts, where the shop says so`, async ({ page }) => {
    await open({ settings: { mode } });
    await page.goto(`${shop.url}/?ref=ANA`);
    await marked("ANA");
    await page.goto(`${shop.url}/?ref=BO`);
    await expect.poll(() => shop.asked("/apps/upline/ref?code=BO").length).toBe(1);
    await settle(page);
    await marked(want);
    expect(Object.keys(await memory(page)).sort()).toEqual(["cart", "first", "last"]);
  });
}

test("a link older than the shop's days is forgotten", async ({ page }) => {
  await open({ settings: { days: 7 } });
  await page.goto(`${shop.url}/`);
  const old = Date.now() - 8 * 864e5;
  await page.evaluate(([ref, at]) => localStorage.setItem("upline", JSON.stringify({ first: { ref, at }, last: { ref, at } })), [sign("ANA"), old]);
  await page.goto(`${shop.url}/products/p1`);
  await settle(page);
  expect(shop.asked("/cart/update.js")).toEqual([]);
});

test("what somebody else wrote into the storage does no harm", async ({ page }) => {
  await open();
  const errors = [];
  page.on("pageerror", (e) => errors.push(e.message));
  for (const text of ["", "{", "null", "7", '"x"', "[]", '{"first":3,"last":{"ref":5,"at":"x"}}', '{"last":{"ref":"x","at":9e99}}']) {
    await page.goto(`${shop.url}/`);
    await page.evaluate((value) => localStorage.setItem("upline", value), text);
    await page.goto(`${shop.url}/products/p1`);
    await settle(page);
  }
  expect(errors).toEqual([]);
  expect(shop.asked("/cart/update.js")).toEqual([]);
});

test("with cookies and storage blocked the cart is still marked", async () => {
  await open();
  await withStorageBlocked(async (page) => {
    const errors = [];
    page.on("pageerror", (e) => errors.push(e.message));
    await page.goto(`${shop.url}/?ref=ANA`);
    await marked("ANA");
    expect(await storageOf(page)).toBe("SecurityError");
    expect(errors).toEqual([]);
  });
});

for (const [what, query] of [
  ["an unknown code", "ref=NOBODY"],
  ["an e-mail address", "ref=ana%40example.com"],
  ["an empty code", "ref="],
  ["a code too long to be one", `ref=${"A".repeat(256)}`],
  ["a forged reference in the link", "_upline_ref=ANA.forged"],
]) {
  test(`${what} marks nothing`, async ({ page }) => {
    await open();
    await page.goto(`${shop.url}/?${query}`);
    await settle(page);
    expect(shop.asked("/cart/update.js")).toEqual([]);
    expect(shop.asked("/apps/upline/ref?code=ana")).toEqual([]);
  });
}

for (const status of [500, 502, 429, 200]) {
  test(`the shop works on when the proxy answers ${status} and no JSON`, async ({ page }) => {
    await open();
    shop.seen.proxyStatus = status;
    const errors = [];
    page.on("pageerror", (e) => errors.push(e.message));
    await page.goto(`${shop.url}/?ref=ANA`);
    await expect.poll(() => shop.asked("/apps/").length).toBe(1);
    await page.click("[data-add='1']");
    await expect(page).toHaveTitle("added");
    expect(errors).toEqual([]);
  });
}

test("a discount link leads to the page and its reference", async ({ page, context }) => {
  await open();
  await page.goto(`${shop.url}/discount/BO10?redirect=${encodeURIComponent("/products/p3?ref=BO")}`);
  await marked("BO");
  expect(new URL(page.url()).pathname).toBe("/products/p3");
  expect((await context.cookies()).find((c) => c.name === "discount_code").value).toBe("BO10");
});

test("a distributor's own discount is set by the share link", async ({ page, context }) => {
  await open();
  await page.goto(`${shop.url}/?ref=BO`);
  await marked("BO");
  expect((await context.cookies()).find((c) => c.name === "discount_code").value).toBe("BO10");
});

test("who recommended is shown in the visitor's language, and is text", async ({ page }) => {
  await open({ settings: { show_name: true }, locale: "de", people: { ANA: { name: "<img src=x onerror=alert(1)>" } } });
  await page.goto(`${shop.url}/?ref=ANA`);
  const box = page.locator("#upline-note");
  await expect(box).toContainText("Empfohlen von <img src=x onerror=alert(1)>");
  expect(await box.locator("img").count()).toBe(0);
  await box.getByRole("button", { name: "Schließen" }).click();
  await expect(box).toHaveCount(0);
});

test("the layout does not shift, and the page does not grow sideways", async ({ page }) => {
  await open({ settings: { show_name: true } });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(`${shop.url}/?ref=ANA`);
  await expect(page.locator("#upline-note")).toBeVisible();
  await settle(page);
  expect(await page.evaluate(() => window.shift)).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});
