// The first owner, from the printed link to a company of their own; signing out and in again.
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
