// Whichever of its answers a screen waits for last, nothing moves when it comes. On a phone, where all is stacked, most can move.
import { expect, settled, test, visit } from "./kit.mjs";
import { screens } from "./places.mjs";

for (const [name, at] of screens) {
  test(`${name}, with each answer late`, async ({ page }) => {
    const path = await at(), asked = new Set();
    page.on("request", (r) => { const { pathname } = new URL(r.url()); if (pathname.startsWith("/api/") && r.method() === "GET") asked.add(pathname); });
    await visit(page, path);
    for (const late of asked) {
      await page.route((u) => u.pathname === late, async (route) => { await new Promise((go) => setTimeout(go, 400)); await route.continue(); });
      const comes = page.waitForResponse((r) => new URL(r.url()).pathname === late);
      await visit(page, path);
      await comes;
      await settled(page);
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      expect(await page.evaluate(() => window.shifts), `layout shift with ${late} late`).toBeLessThanOrEqual(0.05);
      await page.unrouteAll({ behavior: "ignoreErrors" });
    }
  });
}
