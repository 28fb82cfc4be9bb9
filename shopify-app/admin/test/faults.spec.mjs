// What goes wrong in a merchant's day: nothing that was typed is lost, and everything says what it is.
import { api, expect, inspect, sell, test, url, visit } from "./kit.mjs";

test("the session ends in the middle of an edit", async ({ page }) => {
  const sku = `KEPT-${Date.now()}`;
  await sell(`kept-${sku}`, sku);
  await visit(page, "/products");
  await page.getByLabel(`Choose custom/${sku}/EUR`).check();
  await page.getByRole("button", { name: /^Map( \d+ chosen)?$/ }).click();
  const editor = page.getByRole("dialog", { name: "Map a SKU" });
  await editor.getByLabel("Commission class").fill("care");
  await expect(editor.getByText("1 parked order is released")).toBeVisible();
  await page.route("**/api/v1/mappings", (route) => (route.request().method() === "POST"
    ? route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ detail: "the session has ended" }) }) : route.continue()), { times: 1 });
  await editor.getByRole("button", { name: "Save mapping" }).click();
  const again = page.getByRole("dialog", { name: "Sign in again" });
  await expect(again).toBeVisible();
  await inspect(page, { shifts: false });
  await again.getByRole("button", { name: "Close" }).click();
  await expect(editor.getByLabel("Commission class")).toHaveValue("care");
  await editor.getByRole("button", { name: "Save mapping" }).click();
  await expect(page.getByText("was released")).toBeVisible();
});

test("the server is away and comes back", async ({ page }) => {
  await visit(page, "/orders");
  await page.route("**/api/**", (route) => route.abort());
  await page.goto(`${url}/deliveries`);
  await expect(page.getByText("No connection to Upline")).toBeVisible({ timeout: 15_000 });
  await inspect(page, { shifts: false });
  await page.unroute("**/api/**");
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect(page.locator("h1")).toHaveText("Deliveries");
});

test("what was read stays when it cannot be read again", async ({ page, context }) => {
  await visit(page, "/orders?settlement=settled");
  await expect(page.locator("tr[data-row]").first()).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("No connection to Upline").first()).toBeVisible();
  await expect(page.locator("tr[data-row]").first()).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText("No connection to Upline")).toHaveCount(0, { timeout: 15_000 });
});

test("a slow server is waited for", async ({ page }) => {
  let answers;
  const slow = new Promise((resolve) => { answers = resolve; });
  await page.route("**/api/v1/orders?*", async (route) => { await slow; await route.continue(); });
  await page.addInitScript((k) => sessionStorage.setItem("upline.key", k), process.env.UPLINE_TEST_KEY);
  await page.goto(`${url}/orders`);
  await expect(page.locator(".loading")).toBeVisible();
  await page.waitForTimeout(1500);
  await expect(page.locator(".loading")).toBeVisible();
  answers();
  await expect(page.locator("tr[data-row]").first()).toBeVisible();
});

test("a button that is at work can be read, and does nothing twice", async ({ page }) => {
  const sku = `BUSY-${Date.now()}`;
  await sell(`busy-${sku}`, sku);
  let answers, asked = 0;
  const slow = new Promise((resolve) => { answers = resolve; });
  await page.route("**/api/v1/mappings", async (route) => {
    if (route.request().method() === "POST") { asked += 1; await slow; }
    await route.continue();
  });
  await visit(page, "/products");
  await page.getByLabel(`Choose custom/${sku}/EUR`).check();
  await page.getByRole("button", { name: /^Map( \d+ chosen)?$/ }).click();
  const editor = page.getByRole("dialog", { name: "Map a SKU" });
  await editor.getByLabel("Commission class").fill("care");
  await expect(editor.getByText("1 parked order is released")).toBeVisible();
  const save = editor.getByRole("button", { name: "Save mapping" });
  await save.click();
  await expect(save).toHaveAttribute("aria-busy", "true");
  await save.click();
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await inspect(page, { shifts: false });
  }
  answers();
  await expect(page.getByText("was released")).toBeVisible();
  expect(asked).toBe(1);
});

test("times are told in the company's zone, also when the zone comes late", async ({ page }) => {
  const at = (await api("/api/v1/deliveries?limit=1")).data[0].received_at;
  const told = new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit" }).format(new Date(at)).replaceAll(/\s/g, " ");
  await page.route("**/api/v1/overview", async (route) => { await new Promise((r) => setTimeout(r, 1200)); await route.continue(); });
  await visit(page, "/deliveries");
  await expect(page.locator("tr[data-row] time").first()).toBeVisible();
  await expect.poll(async () => (await page.locator("tr[data-row] time").first().innerText()).replaceAll(/\s/g, " ").replace(/:\d\d\.\d{3}/, "")).toContain(told);
});

test("an answer that is none", async ({ page }) => {
  await page.route("**/api/v1/deliveries?*", (route) => route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify({ detail: "internal error", request_id: "9f1c2b7a5e0d4c63" }) }));
  await visit(page, "/deliveries");
  await expect(page.getByRole("alert")).toContainText("internal error");
  await expect(page.getByRole("alert")).toContainText("9f1c2b7a5e0d4c63");
});

const hostile = {
  markup: '<script>alert(1)</script><img src=x onerror=alert(1)>', turned: "\u202Egnp.exe\u202C\u200F abc", emoji: "👩‍👩‍👧‍👦🏴‍☠️", long: "W".repeat(300), quote: `"'\`--; DROP TABLE distributors`,
};

test("hostile names do nothing", async ({ page }) => {
  // The server refuses some of these; the screens have to bear what an older one may have taken.
  const data = Object.entries(hostile).map(([id, name]) => ({ distributor_id: `H-${id}`, name, status: "active", codes: [name], email: name, sponsor_id: name, country: "DE", created_at: "2026-01-01T00:00:00Z" }));
  await page.route("**/api/v1/distributors?*", (route) => route.fulfill({ json: { data, next_cursor: "" } }));
  await page.route("**/api/v1/distributors/H-*/profile", (route) => {
    const distributor = data.find((d) => route.request().url().includes(`${d.distributor_id}/`));
    return route.fulfill({ json: { distributor, upline: [{ distributor_id: hostile.long, name: hostile.markup, status: "active" }], frontline: 0, earned: {} } });
  });
  await page.route("**/api/v1/distributors/H-*/ranks", (route) => route.fulfill({ json: { data: [], next_cursor: "" } }));
  let asked = false;
  page.on("dialog", (dialog) => { asked = true; void dialog.dismiss(); });
  for (const width of [1280, 390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await visit(page, "/distributors?search=H-");
    for (const name of Object.values(hostile)) await expect(page.getByText(name, { exact: true }).first()).toBeVisible();
    await inspect(page, { shifts: false });
  }
  for (const id of Object.keys(hostile)) {
    await visit(page, `/distributors/H-${id}`);
    await expect(page.locator("h1")).toHaveText(hostile[id]);
    await inspect(page, { shifts: false });
  }
  expect(asked).toBe(false);
});

test("the page loads nothing of others and keeps no cookie", async ({ page, context }) => {
  const others = [];
  page.on("request", (request) => { if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) others.push(request.url()); });
  await visit(page, "/");
  expect(others).toEqual([]);
  expect(await context.cookies()).toEqual([]);
});

const saveView = async (page, name) => {
  await page.getByRole("button", { name: "Save this view" }).click();
  await page.getByPlaceholder("Name of the view").fill(name);
  await page.getByRole("button", { name: "Save", exact: true }).click();
};
const kept = async (name) => (await api("/api/v1/views")).data.filter((v) => v.name === name).length;

test("a view that the server cannot take is kept here, and handed over when it can", async ({ page }) => {
  await visit(page, "/deliveries?status=done&order_id=none/1");
  await page.route("**/api/v1/views", (route) => route.abort());
  await saveView(page, "In a tunnel");
  await expect(page.getByText("This browser keeps the view")).toBeVisible();
  await page.goto(`${url}/deliveries`); // and is still there when the page is loaded anew without the server's word
  await page.getByRole("button", { name: "In a tunnel", exact: true }).click();
  await expect(page).toHaveURL(/order_id=none/);
  expect(await kept("In a tunnel")).toBe(0);
  await page.unroute("**/api/v1/views");
  await page.reload();
  await expect.poll(() => kept("In a tunnel")).toBe(1);
  await page.getByRole("button", { name: "Delete view “In a tunnel”" }).click();
  await expect.poll(() => kept("In a tunnel")).toBe(0);
});

test("a view that the server refuses is not kept, and what was typed stays", async ({ page }) => {
  await visit(page, "/deliveries?status=done&order_id=none/2");
  await page.route("**/api/v1/views", (route) => (route.request().method() === "POST"
    ? route.fulfill({ status: 409, contentType: "application/problem+json", body: JSON.stringify({ detail: "This list has as many views of yours as it can show; remove one first." }) }) : route.continue()));
  await saveView(page, "One too many");
  await expect(page.getByText("as many views of yours as it can show")).toBeVisible();
  await expect(page.getByPlaceholder("Name of the view")).toHaveValue("One too many");
  await page.goto(`${url}/deliveries`);
  await expect(page.getByRole("button", { name: "Parked", exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "One too many", exact: true })).toHaveCount(0);
});

test("a browser that keeps nothing", async ({ page }) => {
  await page.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
  });
  await page.goto(`${url}/#key=${process.env.UPLINE_TEST_KEY}`);
  await expect(page.locator("h1")).toHaveText("Overview");
  await page.getByRole("navigation").getByRole("link", { name: /^Orders/ }).click();
  await expect(page.locator("h1")).toHaveText("Orders");
  await page.getByRole("button", { name: "Parked", exact: true }).click();
  await page.getByRole("searchbox", { name: "Order number" }).fill("9");
  await expect(page).toHaveURL(/search=9/);
  await saveView(page, "Of a closed box"); // the server keeps it
  await expect.poll(() => kept("Of a closed box")).toBe(1);
  await page.goto(`${url}/orders#key=${process.env.UPLINE_TEST_KEY}`);
  await page.getByRole("button", { name: "Of a closed box", exact: true }).click();
  await expect(page).toHaveURL(/search=9/);
  await page.getByRole("button", { name: "Delete view “Of a closed box”" }).click();
  await expect.poll(() => kept("Of a closed box")).toBe(0);
});
