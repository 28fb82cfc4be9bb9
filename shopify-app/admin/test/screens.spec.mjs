// Every screen, in every setting: it shows what it is about and passes the checks that hold of all.
import { api, expect, inspect, picture, test, visit } from "./kit.mjs";

const order = async () => `/orders/${(await api("/api/v1/orders?search=%231001")).data[0].order_id}`;
const parked = async () => `/orders/${(await api("/api/v1/orders?settlement=parked&limit=1")).data[0].order_id}`;
const delivery = async () => `/deliveries/${(await api("/api/v1/deliveries?limit=1")).data[0].delivery_id}`;

const screens = [
  ["overview", () => "/", "Overview", "From store to ledger"],
  ["orders", () => "/orders", "Orders", "Commissioned"],
  ["orders-parked", () => "/orders?settlement=parked", "Orders", "Parked"],
  ["order", order, "Order #1001", "Passed over"],
  ["order-parked", parked, "Order", "settles by itself"],
  ["distributors", () => "/distributors", "Distributors", "OSKAR1001"],
  ["distributor", () => "/distributors/L1002", "Tom Reyes", "Ranks and volumes"],
  ["products", () => "/products", "Products", "SKIN-13"],
  ["rules", () => "/products/rules", "Mapping rules", "The first rule that fits"],
  ["commissions", () => "/commissions", "Commissions", "On hold"],
  ["ledger", () => "/commissions?show=ledger", "Ledger", "Commission expense → On hold"],
  ["deliveries", () => "/deliveries", "Deliveries", "orders/paid"],
  ["delivery", delivery, "order", "SHA-256"],
  ["stores", () => "/stores", "Stores", "Lumina Japan"],
  ["plans", () => "/plans", "Plans", "Counts now"],
  ["webhooks", () => "/settings/webhooks", "Webhooks", "No endpoint yet"],
  ["settings", () => "/settings", "Settings", "Lumina Naturals"],
  ["audit", () => "/audit", "Audit log", "program.create"],
  ["not-found", () => "/stores/gone", "Nothing here", "leads nowhere"],
];

for (const [name, at, title, shows] of screens) {
  test(`${name}`, async ({ page }, info) => {
    await visit(page, await at());
    await expect(page.locator("h1")).toContainText(title);
    await expect(page.locator("main")).toContainText(shows);
    // What the page's head asked for before the screens were there is what they wanted, all of it.
    if (name !== "not-found") await expect.poll(() => page.evaluate(() => Object.keys(globalThis.begun ?? {}))).toEqual([]);
    await inspect(page);
    await picture(page, `${name}-${info.project.name}`);
  });
}

// Whichever of its answers a screen waits for last, nothing moves when it comes.
for (const [name, at, title, shows] of screens.filter(([n]) => n === "products")) {
  for (const late of ["mappings/unmapped", "mappings"]) {
    test(`${name} with ${late} late`, async ({ page }) => {
      await page.route((url) => url.pathname === `/api/v1/${late}`, async (route) => { await new Promise((go) => setTimeout(go, 700)); await route.continue(); });
      await visit(page, await at());
      await expect(page.locator("h1")).toContainText(title);
      await expect(page.locator("main")).toContainText(shows);
      await inspect(page);
    });
  }
}

test("the way in", async ({ page }, info) => {
  await page.goto(process.env.UPLINE_TEST_URL);
  await expect(page.locator("h1")).toHaveText("Welcome to Upline");
  await expect(page.getByLabel("Password")).toBeVisible();
  await inspect(page);
  await picture(page, `sign-in-${info.project.name}`);
});

test("from right to left", async ({ page }, info) => {
  await page.addInitScript(() => localStorage.setItem("upline.language", "ar"));
  await visit(page, await order());
  await expect(page.locator("html")).toHaveAttribute("dir", "rtl");
  await inspect(page);
  await picture(page, `order-arabic-${info.project.name}`);
});
