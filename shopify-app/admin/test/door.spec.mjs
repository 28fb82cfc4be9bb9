// The first owner, from the printed link to a company of their own; signing out and in again; and from an empty database to the
// first commission explained, by the screens alone. The tests go on where the one before ended.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { magentoWorld } from "../../browser/magento.mjs";
import { expect, inspect, picture, pictures, test } from "./kit.mjs";

const empty = process.env.UPLINE_TEST_EMPTY;

test("become the owner, sign out, sign in", async ({ page }) => {
  expect(process.env.UPLINE_TEST_SETUP, "upline serve prints a link").toContain("/setup#");
  await page.goto(empty);
  await expect(page.getByText("Nobody has signed in here yet")).toBeVisible();
  await expect(page.getByText("Set up your company")).toBeVisible();
  await expect(page.getByRole("link", { name: "Go there" })).toHaveCount(0); // from outside there is nowhere to go
  await page.goto("about:blank");
  await page.goto(`${empty}/#%E0%A4`); // an address that was cut off
  await expect(page.locator("h1")).toHaveText("Welcome to Upline");
  await page.goto(process.env.UPLINE_TEST_SETUP);
  await page.getByLabel("Company").fill("Acme & Söhne <b>");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByText(/at least 12/i).first()).toBeVisible();
  await expect(page.getByLabel("Company")).toHaveValue("Acme & Söhne <b>");
  await inspect(page, { shifts: false });
  await picture(page, "owner-setup-light");
  await page.getByLabel("New password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.locator("h1")).toHaveText("Overview");
  await expect(page.getByText("Set up your company")).toBeVisible();
  expect(page.url()).not.toContain("#");
  await expect(page.getByRole("dialog")).toHaveCount(0); // that the page before knew nobody is over
  await inspect(page, { shifts: false });
  await picture(page, "overview-empty-light");
  for (const path of ["/orders", "/distributors", "/products", "/commissions", "/deliveries", "/stores"]) {
    await page.goto(empty + path); // every list has something to say when it is empty
    await expect(page.locator(".empty").first()).toBeVisible();
    await inspect(page, { shifts: false });
  }
  await page.goto(`${empty}/settings`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.locator("h1")).toHaveText("Welcome to Upline");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill("wrong wrong wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.locator("h1")).toHaveText("Overview");
  await page.goto(process.env.UPLINE_TEST_SETUP); // the link works once
  await expect(page.getByText("There is an owner already")).toBeVisible();
});

const password = "correct horse battery staple";

async function signIn(page) {
  await page.goto(empty);
  await page.getByLabel("E-mail").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.locator("h1")).toHaveText("Overview");
}

test("from nothing to the first commission explained", async ({ page }) => {
  await signIn(page);
  await page.goto(`${empty}/stores`);
  const connect = page.getByRole("region", { name: "Connect a store" });
  await connect.getByLabel("Platform").selectOption("custom");
  await connect.getByLabel("Domain").fill("till.acme.example");
  await connect.getByRole("button", { name: "Connect a store" }).click();
  await expect(page.getByText("The store is known here")).toBeVisible();
  await expect(connect).toContainText("Signing secret"); // what is copied says what it is
  await expect(connect).toContainText(`curl ${empty}/api/mlm/orders`);
  await inspect(page, { shifts: false });
  await expect(connect.getByRole("link", { name: "Make a key" })).toHaveAttribute("href", "/settings");
  await connect.getByRole("button", { name: "Connect another" }).click();
  await connect.getByLabel("Platform").selectOption("woocommerce");
  await expect(connect).toContainText("WooCommerce > Settings > Upline");
  await connect.getByLabel("Platform").selectOption("shopify");
  await expect(connect).toContainText("Shopify is switched off on this server");
  await inspect(page, { shifts: false });

  await page.goto(`${empty}/distributors/import`);
  await page.getByLabel("CSV file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from("Member No,Upline,Name,created_at\nTOP,,Tilda Top,2026-01-01\nANA,TOP,Ana Ruiz,2026-01-01\n") });
  await expect(page.getByLabel("What Upline means").locator("option:checked")).toHaveText("Sponsor’s ID *");
  await page.getByRole("button", { name: "Import 2 distributors" }).click();
  await expect(page.getByText("What was done")).toBeVisible();

  await page.goto(`${empty}/plans`);
  await page.getByLabel("Begin with").selectOption("retail-unilevel");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText("Counts now")).toBeVisible();
  await inspect(page, { shifts: false });

  await page.goto(`${empty}/settings`);
  await page.getByRole("button", { name: "Make a key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Till");
  await dialog.getByLabel("Role").selectOption("admin");
  await dialog.getByLabel("May post orders of").selectOption({ index: 1 });
  await dialog.getByRole("button", { name: "Make a key" }).click();
  await expect(dialog.getByText("Copy the key now")).toBeVisible();
  const key = /upk_[a-z0-9]+/.exec(await dialog.textContent())[0];

  // The till sells: the one thing that is not done on a screen of ours.
  const sold = await fetch(`${empty}/api/mlm/orders`, {
    method: "POST", headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ platform_order_id: "T-1", currency: "EUR", items: [{ platform_sku: "TEA", qty: 1, unit_price: "100.00" }], total: "100.00", distributor_ref: "ANA" }),
  });
  expect(sold.status).toBe(202);

  await page.goto(`${empty}/products`);
  await page.getByLabel("Choose custom/TEA/EUR").check();
  await page.getByRole("button", { name: "Map 1 chosen" }).click();
  await page.getByRole("dialog").getByLabel("Commission class").fill("tea");
  await page.getByRole("dialog").getByRole("button", { name: "Save mapping" }).click();
  await expect(page.getByText("1 parked order was released")).toBeVisible();

  await page.goto(`${empty}/orders`);
  await expect(async () => { // it settles by itself, within moments
    await page.reload();
    await expect(page.getByText("Commissioned").first()).toBeVisible({ timeout: 2000 });
  }).toPass({ timeout: 30_000 });
  await page.getByRole("link", { name: "T-1" }).first().click();
  await expect(page.locator("main")).toContainText("Ana Ruiz");
  await expect(page.locator("main")).toContainText("× 20% = 20.00");
  await expect(page.locator("main")).toContainText("Tilda Top");
  await inspect(page, { shifts: false });
  await picture(page, "first-commission-light");
});

test("add a passkey and sign in by it", async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  await signIn(page);
  await page.goto(`${empty}/settings`);
  const today = () => new Date().toISOString().slice(0, 10);
  const began = today(); // midnight may come in between
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(async () => {
    await expect(page.getByText(new RegExp(`${began}|${today()}`)).first()).toBeVisible({ timeout: 2000 });
  }).toPass({ timeout: 30_000 });
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.locator("h1")).toHaveText("Welcome to Upline");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.locator("h1")).toHaveText("Overview");
});

test("sign in by an identity provider", async ({ page }) => {
  await page.goto(empty);
  await page.getByRole("link", { name: "Sign in with Acme ID" }).click();
  await expect(page.locator("h1")).toHaveText("Overview");
  await page.goto(`${empty}/settings`);
  await expect(page.getByText("ada@example.com").first()).toBeVisible();
});

test("invite somebody, who joins with a role and sees what it allows", async ({ page, browser }) => {
  await signIn(page);
  await page.goto(`${empty}/settings`);
  await page.getByRole("button", { name: "Invite somebody" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill("ben@example.com");
  await dialog.getByLabel("Role").selectOption("support");
  await dialog.getByRole("button", { name: "Make a link" }).click();
  await expect(dialog.getByText(/\/join#/)).toBeVisible();
  const link = (await dialog.locator("code").textContent()).trim();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  const other = await browser.newContext({ locale: "en-US" });
  try {
    const ben = await other.newPage();
    await ben.goto(link);
    await expect(ben.getByText("You are invited to Acme & Söhne <b> as Support, as ben@example.com.")).toBeVisible();
    expect(ben.url()).not.toContain("#"); // the code is in no history
    await ben.getByLabel("Your name").fill("Ben");
    await ben.getByLabel("New password").fill("another long password");
    await pictures(ben, "join");
    await ben.getByRole("button", { name: "Join", exact: true }).click();
    await expect(ben.locator("h1")).toHaveText("Overview");
    await ben.goto(`${empty}/settings`);
    await expect(ben.getByText("ben@example.com")).toBeVisible();
    await expect(ben.getByText("Danger zone")).toHaveCount(0);
    await expect(ben.getByRole("button", { name: "Invite somebody" })).toHaveCount(0);
    await ben.goto(link); // once
    await expect(ben.getByText("This invitation is no longer good")).toBeVisible();
  } finally {
    await other.close();
  }
  await page.reload();
  await expect(page.getByText("ben@example.com")).toBeVisible();
});

test("connect a Magento store, from the code to the first message", async ({ page }) => {
  const magento = await magentoWorld();
  try {
    await signIn(page);
    await page.goto(`${empty}/stores`);
    const connect = page.getByRole("region", { name: "Connect a store" });
    await connect.getByLabel("Platform").selectOption("magento");
    await connect.getByLabel("Domain").fill(magento.shop);
    await connect.getByLabel("Name").fill("Acme Botanica");
    await connect.getByRole("button", { name: "Connect a store" }).click();
    const server = await connect.getByRole("region", { name: "Server address" }).textContent();
    const code = await connect.getByRole("region", { name: "One-time code" }).textContent();
    await picture(page, "magento-code-light");
    // The merchant pastes both into Magento and presses its button; Magento then shakes hands by itself.
    expect((await magento.post("connect", { server: server.trim(), code: code.trim() })).status).toBe(200);
    await expect(connect.getByText("The store is connected")).toBeVisible();
    const store = page.getByRole("region", { name: "Acme Botanica" });
    await expect(store).toContainText("Connected");
    await expect(store).toContainText("nothing received yet");
    await inspect(page, { shifts: false });
    await picture(page, "magento-connected-light");
    // What the module was told opens the door: its first order is on the screen.
    const told = await magento.told();
    const body = Buffer.from(JSON.stringify({ ...JSON.parse(readFileSync(new URL("../../../adapters/magento/testdata/module/placed.json", import.meta.url))), site: told.site }));
    const id = "evt-1", at = String(Math.floor(Date.now() / 1000));
    const signature = createHmac("sha256", told.secret).update(`${id}.${at}.`).update(body).digest("base64");
    const pushed = await fetch(told.webhook_url, { method: "POST", body, headers: { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": `v1,${signature}`, "Content-Type": "application/json" } });
    expect(pushed.status, await pushed.text()).toBe(200);
    await expect(store).not.toContainText("nothing received yet");
    await store.getByRole("button", { name: "Test" }).click();
    await expect(store.getByText("Messages")).toBeVisible();
    // The day from which it pays can be corrected.
    await store.getByText("Change", { exact: true }).click();
    await store.getByLabel("Pays from").fill("2026-01-31");
    await store.getByRole("button", { name: "Save" }).click();
    await expect(store.getByText(/^Jan 31/)).toBeVisible();
    await expect(store.getByRole("button", { name: "Save" })).toBeDisabled();
    // Half a date is no date at all, and least of all "none".
    await store.getByLabel("Pays from").focus();
    await page.keyboard.press("Delete");
    await store.getByRole("button", { name: "Save" }).click();
    expect(await store.getByLabel("Pays from").evaluate((field) => field.validity.badInput)).toBe(true);
    await page.reload();
    await expect(store.getByText(/^Jan 31/)).toBeVisible();
    await inspect(page, { shifts: false });
  } finally {
    await magento.stop();
  }
});

test("begin to connect a Magento store", async ({ page }) => {
  await signIn(page);
  await page.goto(`${empty}/stores`);
  const connect = page.getByRole("region", { name: "Connect a store" });
  await connect.getByLabel("Platform").selectOption("magento");
  await connect.getByLabel("Domain").fill("ftp://shop");
  await connect.getByRole("button", { name: "Connect a store" }).click();
  await expect(connect.locator("[aria-invalid=true]").first()).toBeVisible();
  await connect.getByLabel("Domain").fill("http://127.0.0.1:9");
  await connect.getByRole("button", { name: "Connect a store" }).click();
  await expect(connect.getByText(/Paste|paste/).first()).toBeVisible();
  await expect(connect.locator("code, pre").filter({ hasText: empty }).first()).toBeVisible();
  await inspect(page, { shifts: false });
});

test("dress the pages in the company's name, accent and logo", async ({ page }) => {
  await signIn(page);
  await page.goto(`${empty}/settings`);
  const branding = page.getByRole("region", { name: "Branding" });
  await branding.getByLabel("Company name").fill("Söhne of Acme");
  await branding.getByLabel("Accent colour").fill("#2f7dd1");
  await branding.getByLabel("Logo").first().setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64") });
  await expect(branding.getByRole("img", { name: "Logo" })).toBeVisible();
  await branding.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Söhne of Acme").first()).toBeVisible();
  await page.goto(`${empty}/orders`); // on every screen, not at the door alone
  await expect(page.locator(".company")).toHaveText("Söhne of Acme");
  await expect(page.locator(".brand img")).toHaveAttribute("src", /^data:image\/png;base64,/);
  await expect.poll(() => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--brand"))).toBe("#2f7dd1");
  await inspect(page);
  await pictures(page, "branded");
});

test("disconnect a store", async ({ page }) => {
  await signIn(page);
  await page.goto(`${empty}/settings`);
  const danger = page.getByRole("region", { name: "Danger zone" });
  await danger.getByRole("button", { name: "Disconnect", exact: true }).first().click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Disconnect", exact: true })).toBeDisabled();
  const asked = /Write (\S+) to confirm/.exec(await dialog.textContent())[1];
  await dialog.getByLabel(/to confirm/).fill(asked);
  await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(page.getByText("The store is disconnected")).toBeVisible();
  await page.goto(`${empty}/audit`);
  await expect(page.getByText("store.disconnect").first()).toBeVisible();
});

test("close the company: what goes, what stays, the files first, and then nobody but owners", async ({ page }) => {
  await signIn(page);
  await page.goto(`${empty}/settings`);
  await page.getByRole("button", { name: "Close the company …" }).click();
  const dialog = page.getByRole("dialog");
  const close = dialog.getByRole("button", { name: "Close for good" });
  await expect(dialog.getByText("What stays, under ids")).toBeVisible();
  await expect(dialog.getByText("Not paid yet")).toBeVisible();
  await expect(close).toBeDisabled();
  await pictures(page, "close");
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Ledger (CSV)" }).click()]);
  expect(file.suggestedFilename()).toBe("ledger.csv");
  const [whole] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Everything (ZIP)" }).click()]);
  expect(whole.suggestedFilename()).toBe("upline.zip");
  const packed = readFileSync(await whole.path());
  expect(packed.subarray(-22, -18).toString("latin1")).toBe("PK\u0005\u0006"); // its directory: it came to its end
  for (const name of ["ledger.csv", "distributors.csv", "manifest.json"]) expect(packed.includes(name)).toBe(true);
  await dialog.getByLabel(/to confirm/).fill("Acme & Söhne <b>");
  await expect(close).toBeDisabled(); // what is owed has to be said
  await dialog.getByLabel("What is owed is paid elsewhere").check();
  await close.click();
  await expect(page.getByText(/This company was closed on/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Close the company …" })).toHaveCount(0);
  await page.goto(`${empty}/orders`); // the books can be read
  await expect(page.getByRole("link", { name: "T-1" })).toBeVisible();
  await page.goto(`${empty}/distributors`);
  await expect(page.getByText("ANA").first()).toBeVisible();
  await expect(page.getByText("Ana Ruiz")).toHaveCount(0);
  await inspect(page, { shifts: false });
  const refused = await page.request.post(`${empty}/api/auth/sign-in`, { data: { email: "ben@example.com", password: "another long password" }, headers: { Origin: empty } });
  expect(refused.status()).toBe(403);
});
