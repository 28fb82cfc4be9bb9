// The plugin in WordPress, from its zip to the ledger of the real server. The shop is a stand-in: what WooCommerce itself
// does is measured in a real one, see docs/benchmarks.md.
import { expect, test } from "@playwright/test";
import { admin, openStore } from "./store.mjs";

test.describe.configure({ mode: "serial" });

/** @type {Awaited<ReturnType<typeof openStore>>} */
let store;
let key;
let storeID;
const settings = (section = "") => `${store.url}/wp-admin/admin.php?page=wc-settings&tab=upline&section=${section}`;

// ledger waits until ANNA has an amount by an order.
async function ledger(order, amount) {
  await expect.poll(async () => {
    const answer = await fetch(`${store.server}/api/mlm/commissions?order_id=${order}`, { headers: { authorization: `Bearer ${key}` } });
    const rows = (await answer.json()).data ?? [];
    return rows.filter((row) => row.referrer_id === "ANNA").map((row) => row.value).join() || "0.00";
  }, { message: `order ${order}` }).toBe(amount);
}

// explained is what the server says of an order, "" before it has arrived.
function explained(order) {
  try { return store.cli("explain", String(order)); } catch { return ""; }
}

async function signIn(page) {
  await page.goto(`${store.url}/wp-login.php`);
  // A fifth of a second after the page has come, WordPress moves the focus to the name: a password that is filled in at that
  // moment would land there.
  await expect(page.locator("#user_login")).toBeFocused();
  await page.fill("#user_login", admin.user);
  await page.fill("#user_pass", admin.password);
  await page.click("#wp-submit");
  await page.waitForSelector("#wpadminbar");
}

// buy places an order in a fresh browser that came by an address, and gives its number.
async function buy(browser, path, fill = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const touched = path.includes("ref=") ? page.waitForResponse(/touch/).catch(() => null) : null;
  await page.goto(store.url + path);
  await touched;
  await page.goto(`${store.url}/`);
  for (const [name, value] of Object.entries(fill)) await page.fill(`[name=${name}]`, value);
  await page.click("#place_order");
  const order = await page.textContent("#received");
  await context.close();
  return order;
}

test.beforeAll(async () => { store = await openStore(); });
test.afterAll(async () => { await store?.close(); });
test.afterEach(() => {
  const { status, expectedStatus } = test.info();
  if (store && status !== expectedStatus) process.stderr.write(`The server's last words:\n${store.serverLog().split("\n").slice(-40).join("\n")}\nPHP's:\n${store.debugLog().split("\n").slice(-20).join("\n")}\n`);
});

test("the button connects the shop, and the settings are kept", async ({ page }) => {
  test.info().annotations.push({ type: "WordPress", description: store.version });
  // The owner of the server, in the same browser.
  const link = store.setupLink();
  await page.goto(link);
  const code = link.split("#")[1];
  const set = await page.evaluate(async (body) => (await fetch("/api/auth/setup", { method: "POST", headers: { "content-type": "application/json" }, body })).status,
    JSON.stringify({ code, email: "owner@example.org", password: "correct-horse-battery-staple", name: "Owner" }));
  expect(set).toBe(200);
  await signIn(page);
  await page.goto(settings());
  await page.fill("#upline_server", store.server);
  await page.click("button[value=connect]");
  await page.click("button:has-text('Connect')");
  await expect(page.locator(".notice-success").first()).toContainText("Connected");
  await expect(page.locator(".upline-card").first()).toContainText("reached");
  storeID = /"store_id": "([^"]+)"/.exec(store.cli("admin", "store", "list", "--json"))?.[1];
  key = JSON.parse(store.cli("admin", "api-key", "create", "--store", storeID, "--json")).api_key;
  await page.goto(settings("attribution"));
  await page.fill("[name=upline_consent]", "implied");
  await page.fill("[name=upline_field]", "yes");
  await page.click("button[name=save]");
  await page.goto(settings("attribution"));
  await expect(page.locator("[name=upline_consent]")).toHaveValue("implied");
  // A button without its nonce does nothing.
  const bare = await page.request.post(settings(), { form: { upline_do: "disconnect" } });
  expect(bare.status()).toBe(403);
});

test("an order by a share link is the distributor's, through everything that can happen to it", async ({ browser }) => {
  const order = await buy(browser, "/?ref=ANNA10");
  await ledger(order, "5.98");
  await store.act("refund", { id: order, amount: "32.89", total: "29.90", tax: "2.99" });
  await ledger(order, "0.00");
  await store.act("delete_refund", { id: order });
  await ledger(order, "5.98");
  await store.act("edit", { id: order });
  await ledger(order, "17.94");
  await store.act("trash", { id: order });
  await ledger(order, "0.00");
  await store.act("untrash", { id: order });
  await ledger(order, "17.94");
  await store.act("status", { id: order, status: "cancelled" });
  await ledger(order, "0.00");
  await store.act("status", { id: order, status: "completed" });
  await ledger(order, "17.94");
  await store.act("refund", { id: order, amount: "10.00" }); // money alone: spread over goods and tax
  await ledger(order, "16.12");
  await store.act("delete", { id: order });
  await ledger(order, "0.00");
});

test("links, the field at checkout and nobody", async ({ browser }) => {
  await ledger(await buy(browser, "/r/ANNA10"), "5.98");
  await ledger(await buy(browser, "/", { upline_referrer: "ANNA10" }), "5.98");
  const nobody = await buy(browser, "/");
  await expect.poll(() => explained(nobody)).toContain("settled");
  await ledger(nobody, "0.00");
});

test("the order screen says who was paid and lets a distributor be chosen", async ({ page }) => {
  const { id } = await store.act("buy");
  await expect.poll(() => explained(id)).toContain("settled");
  await signIn(page);
  await page.goto(`${store.url}/wp-admin/admin.php?page=wc-orders&action=edit&id=${id}`);
  await expect(page.locator("#upline-explanation")).toContainText("Nobody is paid");
  await page.locator("#upline_manual").pressSequentially("AN");
  await expect(page.locator("#upline-distributors option")).toHaveAttribute("value", "ANNA");
  await page.fill("#upline_manual", "ANNA");
  await page.click("#save_order");
  await ledger(id, "5.98");
  await page.reload();
  await expect(page.locator("#upline-explanation")).toContainText("chosen for this order: ANNA");
  await expect(page.locator("#upline-explanation")).toContainText("20% of 29.90 EUR");
  // A single-use code opens the server's own page, signed in.
  const opened = page.context().waitForEvent("page");
  await page.click("#upline-explanation a");
  const there = await opened;
  await there.waitForLoadState();
  expect(there.url()).toMatch(new RegExp(`^${store.server}/orders/[^/]+/${id}$`));
});

test("what an outage leaves is told in batches, and reconciliation finds nothing missing", async ({ page }) => {
  await store.stopServer();
  const orders = [];
  for (let i = 0; i < 12; i++) orders.push((await store.act("buy")).id);
  await signIn(page);
  await page.goto(settings("queue"));
  await expect(page.locator("body")).toContainText("12 waiting");
  await store.startServer();
  await page.click("button[value='retry:0']");
  await expect(page.locator("body")).toContainText("Everything was told");
  for (const order of orders) await expect.poll(() => explained(order)).toContain("settled"); // what was told is not settled yet
  expect(store.cli("reconcile")).toContain("difference 0.00 EUR");
  expect(store.cli("verify")).toContain("sound");
});

/** Changes what is kept of an order that could not be told, once that is known. */
const spoil = (what) => expect.poll(() => store.act("spoil", what).then((done) => done.rows)).toBeGreaterThan(0);

test("a change that the server cannot read is told alone, and does not hold up the others", async ({ page }) => {
  await store.stopServer();
  const orders = [];
  for (let i = 0; i < 4; i++) orders.push((await store.act("buy")).id);
  await spoil({ id: orders[0], what: "order.snapshot", with: "nonsense" });
  await store.startServer();
  await signIn(page);
  await page.goto(settings("queue"));
  await page.click("button[value='retry:0']");
  await expect(page.locator("body")).toContainText("Tried again: 4. Waiting still: 0.");
  for (const order of orders.slice(1)) await expect.poll(() => explained(order)).toContain("settled");
  // The server refused the batch whole, and takes each alone; of the one that it cannot read it knows no order.
  expect(explained(orders[0])).toBe("");
  // The next change of the order has a snapshot of its own, and settles what was refused.
  await store.act("edit", { id: orders[0] });
  await expect.poll(() => explained(orders[0])).toContain("settled");
});

test("a change that is refused stands in the order's notes and in the queue until it is told", async ({ page }) => {
  await store.stopServer();
  const { id } = await store.act("buy");
  await spoil({ id, what: "id" }); // its message has an id that is none
  await store.startServer();
  await signIn(page);
  await page.goto(settings("queue"));
  await page.click("button[value='retry:0']");
  await expect(page.locator("body")).toContainText("Tried again: 1. Waiting still: 1.");
  await expect(page.locator(".notice-error", { hasText: "Upline:" })).toContainText("1 change was refused by Upline; the queue says why. It is kept, and tried once a day.");
  await expect(page.locator("tbody tr").first()).toContainText(/refused.*422/);
  const refused = await store.act("notes", { id });
  expect(refused).toEqual([expect.stringMatching(/^Upline could not be told of this order yet \(422: .+\)\. It will be tried again; nothing is lost\.$/)]);
  // Once is enough, however often it is tried.
  await page.click("tbody tr:first-child button");
  await expect(page.locator("tbody tr").first()).toContainText("2");
  expect(await store.act("notes", { id })).toEqual(refused);
  await store.act("edit", { id });
  await expect.poll(() => explained(id)).toContain("settled");
  expect(await store.act("notes", { id })).toEqual([...refused, "Upline has now been told of this order."]);
});

test("what was written under another address is written anew, and holds up nothing", async () => {
  await store.stopServer();
  const orders = [(await store.act("buy")).id, (await store.act("buy")).id];
  const here = JSON.stringify(store.url).replaceAll("/", "\\/");
  await spoil({ id: orders[0], what: here, with: '"http:\\/\\/copy.example.com"' });
  await store.startServer();
  await store.act("age", { days: 0, attempts: 1, due_in: 0 });
  await store.act("schedule");
  for (const order of orders) await expect.poll(() => explained(order)).toContain("settled");
});

test("two days without the server are said plainly, and over soon after it is back", async ({ page }) => {
  await store.stopServer();
  const orders = [];
  for (let i = 0; i < 3; i++) orders.push((await store.act("buy")).id);
  expect(await store.act("notes", { id: orders[0] })).toEqual([]); // nobody is bothered by the first minutes
  expect((await store.act("age", { days: 2, attempts: 5, due_in: 0 })).rows).toBe(3);
  await store.act("schedule");
  for (const order of orders) expect(await store.act("notes", { id: order })).toEqual([expect.stringMatching(/could not be told of this order yet \(no answer: .+\)/)]);
  expect((await store.act("age", { days: 0, attempts: 55, due_in: 3600 })).rows).toBe(3);
  await signIn(page);
  await page.goto(settings());
  await expect(page.locator(".upline-card").first()).toContainText("Upline cannot be reached");
  await expect(page.locator(".upline-bad", { hasText: "3, the oldest since 2 days ago" })).toBeVisible();
  await expect(page.locator(".notice-error", { hasText: "Upline:" })).toContainText("3 changes have been waiting, the oldest for more than 15 minutes. Nothing is lost");
  // The next report of the shop finds the server there: what waits is due at once, not up to an hour later.
  await store.startServer();
  await store.act("schedule");
  await store.act("schedule");
  await page.goto(settings("queue"));
  await expect(page.locator("body")).toContainText("Everything was told");
  for (const order of orders) {
    await expect.poll(() => explained(order)).toContain("settled");
    expect((await store.act("notes", { id: order }))[1]).toBe("Upline has now been told of this order.");
  }
  expect(store.cli("reconcile")).toContain("difference 0.00 EUR");
});

test("a distributor sees earnings and link in the account, and opens a page of their own", async ({ page }) => {
  const bound = await fetch(`${store.server}/api/v1/customers/bindings`, {
    method: "POST", headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ data: [{ store_id: storeID, customer_id: "1", kind: "self", distributor_id: "ANNA" }] }),
  });
  expect(bound.status).toBe(200);
  await signIn(page);
  await page.goto(`${store.url}/?account=upline`);
  await expect(page.locator("#upline-link")).toHaveValue(/ref=ANNA10$/);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.click("a.button");
  await expect(page).toHaveURL(`${store.server}/my`);
  await expect(page.locator("h1")).toContainText("ANNA");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.locator("li a").first().click();
  await expect(page.locator("body")).toContainText(/\d+% of [\d.,]+\sEUR/);
  expect((await page.request.get(`${store.server}/api/v1/orders`)).status()).toBe(401);
  await page.click("button");
  await expect(page.locator("body")).toContainText("Open this page from your account in the shop");
});

test("a buyer who is erased in WordPress is forgotten, and the distributor keeps what was earned", async ({ browser }) => {
  const email = "forget-me@example.org";
  const order = await buy(browser, "/?ref=ANNA10", { email });
  const trashed = await buy(browser, "/?ref=ANNA10", { email });
  await ledger(order, "5.98");
  await ledger(trashed, "5.98");
  await store.act("trash", { id: trashed });
  await ledger(trashed, "0.00");
  const { said, now } = await store.act("erase", { id: order, email });
  expect(said.join(" ")).toContain("The code of the distributor stays in the orders");
  expect(said.join(" ")).toContain("What Upline received of this customer is erased");
  expect(now.email).toBe("deleted@site.invalid");
  const touches = JSON.parse(now.meta._upline_touches);
  expect(touches.last).toEqual({ ref: "ANNA10", at: expect.any(Number), url: "/" });
  // Told anew without its buyer, it is ANNA's still; so is the one that comes back from the trash.
  await store.act("edit", { id: order });
  await ledger(order, "17.94");
  await store.act("untrash", { id: trashed });
  await ledger(trashed, "5.98");
  expect((await store.act("erase", { id: trashed, email: "nobody@example.org" })).said).toEqual([]);
});

test("past orders are told with their progress, and a copy of the shop keeps still", async ({ page }) => {
  await signIn(page);
  await page.goto(settings());
  const day = (ago) => new Date(Date.now() - ago * 864e5).toISOString().slice(0, 10);
  await page.fill("#upline_from", day(1)); // the orders of before may be of the day before
  await page.fill("#upline_to", day(0));
  await page.click("button[value=backfill]");
  await expect(page.locator(".notice-success").first()).toContainText("orders of these days");
  await expect.poll(async () => (await store.act("schedule")).join()).not.toContain("upline_backfill");
  await page.goto(settings());
  await expect(page.locator("body")).toContainText("orders were put into the queue");
  await page.goto(settings("queue"));
  await expect(page.locator("body")).toContainText("Everything was told");
  await store.act("option", { name: "upline_connected_site", value: "https://shop.example.com" });
  await store.act("buy");
  await page.goto(settings());
  await expect(page.locator("body")).toContainText("Is this a copy of your shop?");
  await page.goto(settings("queue"));
  await expect(page.locator("body")).toContainText("1 waiting");
});

test("PHP complained of nothing of ours", () => {
  const ours = store.debugLog().split("\n").filter((line) => /\] PHP .*upline-for-woocommerce/.test(line));
  expect(ours).toEqual([]);
});
