// Every screen, in every setting: it shows what it is about and passes the checks that hold of all.
import { expect, inspect, picture, test, visit } from "./kit.mjs";
import { order, screens } from "./places.mjs";

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
