// What the tests of the screens share: a page that fails on any error of its own, the API, and the checks of every screen.
import { expect, test as base } from "@playwright/test";
import AxeBuilder from "@axe-core/playwright";
import { mkdirSync, writeFileSync } from "node:fs";

export const url = process.env.UPLINE_TEST_URL;
export const key = process.env.UPLINE_TEST_KEY;
export { expect };

/** Asks the API as the demo's key. */
export async function api(path, body, at = url) {
  const answer = await fetch(at + path, {
    method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** An order of the till with one SKU, settled or parked when this returns. */
export async function sell(id, sku, price = "100.00", more = {}) {
  await api("/api/mlm/orders", { platform_order_id: id, currency: "EUR", items: [{ platform_sku: sku, qty: 1, unit_price: price }], total: price, distributor_ref: "OSKAR1001", ...more });
  await expect.poll(() => api(`/api/v1/orders?search=${id}`).then((p) => p.data.length)).toBeGreaterThan(0);
}

export const test = base.extend({
  page: async ({ page }, use) => {
    const faults = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => { if (message.type() === "error" && !/Failed to load resource/.test(message.text())) faults.push(message.text()); });
    await page.addInitScript(() => {
      window.shifts = 0;
      new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts += e.value; }).observe({ type: "layout-shift", buffered: true });
    });
    await use(page);
    expect(faults, "errors of the page").toEqual([]);
  },
});

/** Opens a screen, signed in by the demo's key. */
export async function visit(page, path) {
  await page.addInitScript((k) => { try { sessionStorage.setItem("upline.key", k); } catch { /* blocked */ } }, key);
  await page.goto(url + path);
  await page.locator("h1").waitFor();
  await settled(page);
}

/** Waits until nothing on the page is being read. */
export const settled = (page) => expect(page.locator(".loading, .table-end [role=status]")).toHaveCount(0);

/** What holds of every screen: no accessibility fault, no sideways scrolling, no jump while it loads. */
export async function inspect(page, { shifts = true, within = "body" } = {}) {
  // What fades in is judged once it is there; what breathes for ever is not waited for.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime < Infinity).map((a) => a.finished)));
  const found = await new AxeBuilder({ page }).include(within).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`)).toEqual([]);
  const [wide, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(wide, "the page scrolls sideways").toBeLessThanOrEqual(window_);
  if (shifts) expect(await page.evaluate(() => window.shifts), "cumulative layout shift").toBeLessThanOrEqual(0.05);
}

/** Checks and pictures of one state in light, dark and on a phone. */
export async function pictures(page, name) {
  const before = page.viewportSize();
  for (const [setting, colorScheme, size] of [["light", "light", before], ["dark", "dark", before], ["phone", "light", { width: 390, height: 844 }]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(size);
    await inspect(page, { shifts: false });
    await picture(page, `${name}-${setting}`);
  }
  await page.setViewportSize(before);
}

/** Keeps a picture for the documents when UPLINE_SCREENS names a folder. */
export async function picture(page, name) {
  const folder = process.env.UPLINE_SCREENS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 70 });
  writeFileSync(`${folder}/${name}.webp`, Buffer.from(data, "base64"));
}
