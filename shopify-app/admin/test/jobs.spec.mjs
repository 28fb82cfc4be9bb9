// The main jobs of a merchant, from the first click to what came of it.
import { api, expect, inspect, picture, sell, settled, test, visit } from "./kit.mjs";

/** The setting that a project of jobs runs in. */
const setting = (info) => info.project.name.replace("-jobs", "");

test("explain a commission", async ({ page }) => {
  await visit(page, "/orders");
  await page.getByRole("searchbox", { name: "Order number" }).fill("#1001");
  await expect(page).toHaveURL(/search=%231001/);
  await expect(page.locator("tr[data-row]").first()).toContainText("Hiro Zimmer"); // people are told by name
  await page.getByRole("link", { name: "#1001", exact: true }).click();
  await expect(page.locator("h1")).toHaveText("Order #1001");
  await expect(page.locator("h1")).toBeFocused();
  await expect(page.locator("main")).toContainText("136 CV × 15% = 20.40");
  await expect(page.locator("main")).toContainText("Passed over");
  await page.getByRole("button", { name: "Re-check" }).click();
  await expect(page.getByText("gives the same result")).toBeVisible();
  await page.getByRole("link", { name: "Hiro Zimmer" }).first().click();
  await expect(page.locator("h1")).toHaveText("Hiro Zimmer");
});

test("map a SKU and release its orders", async ({ page }, info) => {
  const sku = { light: "TEA-CHAMOMILE", dark: "TEA-MINT", phone: "TEA-LEMON" }[setting(info)]; // it stands in a picture
  await sell(`map-${sku}`, sku);
  await visit(page, "/products");
  const map = page.getByRole("button", { name: /^Map( \d+ chosen)?$/ });
  await expect(map).toBeDisabled();
  await page.getByLabel(`Choose custom/${sku}/EUR`).check();
  await map.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Commission class").fill("care");
  await expect(dialog.getByText("1 parked order is released")).toBeVisible();
  await inspect(page, { shifts: false });
  await picture(page, `map-sku-${setting(info)}`);
  await dialog.getByRole("button", { name: "Save mapping" }).click();
  await expect(page.getByText("1 parked order was released")).toBeVisible();
  await expect.poll(() => api(`/api/v1/orders?search=map-${sku}`).then((p) => p.data[0].settlement)).toBe("settled");
  expect((await api(`/api/v1/mappings?search=${sku}`)).data[0]).toMatchObject({ commission_class: "care", platform: "custom" });
});

test("two people edit one mapping", async ({ page }, info) => {
  const sku = `PAIR-${setting(info)}-${Date.now()}`;
  await api("/api/v1/mappings", { data: [{ platform: "custom", platform_sku: sku, commission_class: "care" }] });
  await visit(page, `/products?search=${sku}`);
  await page.getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Commission class").fill("home");
  await api("/api/v1/mappings", { data: [{ platform: "custom", platform_sku: sku, commission_class: "nutrition" }] }); // the other one is faster
  await dialog.getByRole("button", { name: "Save mapping" }).click();
  await expect(dialog.getByText("Somebody else has changed this mapping")).toBeVisible();
  await expect(dialog.getByText("class nutrition")).toBeVisible();
  await expect(dialog.getByLabel("Commission class")).toHaveValue("home"); // nothing typed is lost
  expect((await api(`/api/v1/mappings?search=${sku}`)).data.some((m) => m.commission_class === "home")).toBe(false);
  await dialog.getByRole("button", { name: "Save mine over it" }).click();
  await expect.poll(() => api(`/api/v1/mappings?search=${sku}`).then((p) => p.data.some((m) => m.commission_class === "home"))).toBe(true);
});

test("replay a delivery", async ({ page }) => {
  await visit(page, "/deliveries?status=done");
  await page.getByRole("link", { name: /^orders\// }).first().click();
  await page.getByRole("button", { name: "Replay" }).click();
  await expect(page.getByRole("dialog")).toContainText("will change 0 rows");
  // The other settings' tests post orders of their own at the same time: this one's alone has to stay as it is.
  const delivery = () => api(`/api/v1/deliveries/${/deliveries\/([^/?]+)/.exec(page.url())[1]}`);
  const order = encodeURIComponent((await delivery()).order_id);
  const postings = () => api(`/api/v1/ledger?order_id=${order}&limit=200`).then((p) => p.data.map((row) => row.event_id));
  const before = await postings();
  await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect.poll(() => delivery().then((d) => d.status)).toBe("done");
  expect(await postings()).toEqual(before);
});

test("a dialog gives the focus to its first field, and back to what opened it", async ({ page }) => {
  await visit(page, "/products");
  const add = page.getByRole("button", { name: "Add a SKU" });
  const dialog = page.getByRole("dialog");
  for (const leave of [() => page.keyboard.press("Escape"), () => dialog.getByRole("button", { name: "Cancel" }).click(), () => dialog.getByRole("button", { name: "Close" }).click()]) {
    await add.focus();
    await page.keyboard.press("Enter");
    await expect(dialog.getByLabel("SKU", { exact: true })).toBeFocused();
    await leave();
    await expect(dialog).toHaveCount(0);
    await expect(add).toBeFocused();
  }
});

test("the way back to a list keeps its filters", async ({ page }) => {
  await visit(page, "/orders?settlement=parked");
  await page.locator("tr[data-row] a.row-link").first().click();
  await expect(page.locator("h1")).toContainText("Order ");
  await page.locator(".back a").click();
  await expect(page).toHaveURL(/\/orders\?settlement=parked$/);
});

test("go anywhere by keyboard", async ({ page }) => {
  await visit(page, "/");
  await page.keyboard.press("Control+k");
  const box = page.getByRole("combobox", { name: "Search and go anywhere" });
  await expect(box).toBeFocused();
  await box.fill("L1002");
  await expect(page.getByRole("option", { name: /L1002/ })).toBeVisible();
  await inspect(page, { shifts: false });
  await page.keyboard.press("Enter");
  await expect(page.locator("h1")).toHaveText("Tom Reyes");
});

test("keep a view, share it, find it in another browser and remove it", async ({ page, browser }, info) => {
  const name = `Unknown people, ${setting(info)}`, filter = `reason_code=unknown_distributor&search=%23${setting(info)}`; // one of each setting's own
  await visit(page, `/orders?${filter}&settlement=parked`);
  await page.getByRole("button", { name: "Save this view" }).click();
  await page.getByPlaceholder("Name of the view").fill(name);
  await page.getByLabel("Share with the company").check();
  await inspect(page, { shifts: false });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("button", { name, exact: true })).toHaveAttribute("aria-pressed", "true");
  expect((await api("/api/v1/views")).data.find((v) => v.name === name)).toMatchObject({ list: "orders", shared: true, mine: true });
  const elsewhere = await browser.newContext({ locale: "en-US", viewport: page.viewportSize() }); // it has stored nothing
  try {
    const there = await elsewhere.newPage();
    await visit(there, "/orders");
    await there.getByRole("button", { name, exact: true }).click();
    await expect(there).toHaveURL(/reason_code=unknown_distributor/);
    await there.getByRole("button", { name: "Keep to myself" }).click();
    await expect.poll(() => api("/api/v1/views").then((p) => p.data.find((v) => v.name === name)?.shared)).toBe(false);
    await there.getByRole("button", { name: `Delete view “${name}”` }).click();
    await expect(there.getByRole("button", { name, exact: true })).toHaveCount(0);
  } finally {
    await elsewhere.close();
  }
  expect((await api("/api/v1/views")).data.some((v) => v.name === name)).toBe(false);
});

test("the order of a list and its days are the server's to say", async ({ page }) => {
  await visit(page, "/orders");
  const asked = page.waitForResponse((r) => r.url().includes("sort=order_ts"));
  await page.getByLabel("Order of the list").selectOption({ label: "Oldest first" });
  const oldest = (await api("/api/v1/orders?sort=order_ts&limit=1")).data[0];
  expect((await (await asked).json()).data[0].order_id).toBe(oldest.order_id);
  await expect(page.locator("tr[data-row]").first()).toContainText(oldest.name || oldest.platform_order_id);
  const zone = (await api("/api/v1/overview")).program.time_zone;
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date(oldest.order_ts)); // 2026-09-01
  const ends = page.waitForRequest((r) => /[?&]to=/.test(r.url()) && r.url().includes("/orders"));
  await page.getByLabel("To", { exact: true }).fill(day);
  const to = new Date(new URL((await ends).url()).searchParams.get("to"));
  // The day counts, and not a moment more: it ends when the next one begins where the company is.
  const told = (at) => new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(at);
  expect([told(to - 1), told(to)]).toEqual([day, expect.not.stringMatching(day)]);
  expect(to - new Date(oldest.order_ts)).toBeLessThanOrEqual(25 * 3_600_000);
  await expect(page.locator("tr[data-row]").first()).toContainText(oldest.name || oldest.platform_order_id);
  await page.getByLabel("From", { exact: true }).fill("2031-01-01");
  await expect(page.getByText("Clear filters")).toBeVisible();
});

test("people by status and rank", async ({ page }) => {
  await visit(page, "/distributors");
  const rank = page.getByLabel("Rank", { exact: true });
  const chosen = await rank.locator("option").nth(1).evaluate((o) => o.value);
  const asked = page.waitForResponse((r) => r.url().includes(`rank=${chosen}`));
  await rank.selectOption(chosen);
  expect((await (await asked).json()).data.every((d) => d.rank === chosen)).toBe(true);
  await page.getByRole("button", { name: "Terminated", exact: true }).click();
  await expect(page).toHaveURL(/status=terminated/);
});

test("take a list away as CSV", async ({ page }) => {
  await visit(page, "/distributors?search=L10");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("distributors.csv");
  const { readFileSync } = await import("node:fs");
  const lines = readFileSync(await file.path(), "utf8").trim().split(/\r?\n/);
  expect(lines[0]).toContain("distributor_id");
  expect(lines.length).toBe(1 + (await all("/api/v1/distributors?search=L10")));
});

async function all(path) {
  let rows = 0, after = "";
  do {
    const page = await api(`${path}&limit=200&after=${encodeURIComponent(after)}`);
    rows += page.data.length;
    after = page.next_cursor;
  } while (after);
  return rows;
}

test("scroll through a hundred thousand rows", async ({ page }) => {
  const rows = Array.from({ length: 100_000 }, (_, i) => ({ distributor_id: `P${i}`, status: "active", name: `Person ${i}`, created_at: "2026-01-01T00:00:00Z", codes: [] }));
  await page.route("**/api/v1/distributors?*", (route) => route.fulfill({ json: { data: rows, next_cursor: "" } }));
  await visit(page, "/distributors");
  await expect(page.getByRole("link", { name: "Person 0", exact: true })).toBeVisible();
  const drawn = () => page.locator("tr[data-row]").count();
  expect(await drawn()).toBeLessThan(200);
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await expect(page.getByRole("link", { name: "Person 99999", exact: true })).toBeVisible();
  expect(await drawn()).toBeLessThan(200);
  await settled(page);
});

test("import distributors from a file, mend a row, take it back", async ({ page }, info) => {
  const id = { light: "D210", dark: "D220", phone: "D230" }[setting(info)]; // it stands in a picture
  await visit(page, "/distributors/import");
  const csv = `ID,Sponsor,Name,Country,created_at\n${id}A,L1001,Ada Brandt,DE,2026-01-01\n${id}B,${id}A,Bo <b>,DE,2026-01-01\n${id}C,L10O1,Cy Okafor,DE,2026-01-01\n`;
  await page.getByLabel("CSV file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  await expect(page.locator("h1")).toHaveText("people.csv");
  await expect(page.getByText(/row(s)? (is|are) wrong/)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Import/ })).toBeDisabled();
  await inspect(page, { shifts: false });
  await picture(page, `import-${setting(info)}`);
  const wrong = page.getByLabel(/^Row 3/).first();
  await wrong.fill("L1001");
  await page.getByRole("button", { name: "Mend" }).first().click();
  await expect(page.getByText("Every row is right")).toBeVisible(); // it is checked by itself
  await page.getByRole("button", { name: "Import 3 distributors" }).click();
  await expect(page.getByText("What was done")).toBeVisible({ timeout: 15_000 });
  expect((await api(`/api/v1/distributors?search=${id}`)).data.length).toBe(3);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Taken back")).toBeVisible();
  await expect.poll(() => api(`/api/v1/distributors/${id}B`).then((d) => d.status)).toBe("terminated");
});
