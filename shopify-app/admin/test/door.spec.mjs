// The first owner, from the printed link to a company of their own; signing out and in again; and from an empty database to the
// first commission explained, by the screens alone. The tests go on where the one before ended.
import { expect, inspect, picture, test } from "./kit.mjs";

const empty = process.env.UPLINE_TEST_EMPTY;

test("become the owner, sign out, sign in", async ({ page }) => {
  expect(process.env.UPLINE_TEST_SETUP, "upline serve prints a link").toContain("/setup#");
  await page.goto(empty);
  await expect(page.getByText("Nobody has signed in here yet")).toBeVisible();
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

  await page.goto(`${empty}/distributors/import`);
  await page.getByLabel("CSV file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from("ID,Sponsor,Name,created_at\nTOP,,Tilda Top,2026-01-01\nANA,TOP,Ana Ruiz,2026-01-01\n") });
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
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText(new Date().toISOString().slice(0, 10)).first()).toBeVisible();
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
