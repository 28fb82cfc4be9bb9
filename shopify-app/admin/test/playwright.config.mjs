// Walks the screens in a real browser against the real program: our own look in light, dark and on a phone, and inside
// a stand-in of Shopify's admin with and without Shopify's network.
import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

const executablePath = process.env.UPLINE_CHROMIUM || "/usr/bin/chromium";
const desktop = { width: 1280, height: 860 };

const settings = [
  ["light", { viewport: desktop, colorScheme: "light" }, ["faults.spec.mjs", "door.spec.mjs"]],
  ["dark", { viewport: desktop, colorScheme: "dark" }, []],
  ["phone", { viewport: { width: 390, height: 844 }, hasTouch: true }, ["late.spec.mjs"]],
];

export default defineConfig({
  testDir: ".",
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  globalSetup: "./serve.mjs",
  outputDir: "../../node_modules/.playwright-screens",
  reporter: [["list"], [fileURLToPath(new URL("../../../.ci/node/playwright-counts.mjs", import.meta.url))]],
  use: { browserName: "chromium", locale: "en-US", timezoneId: "UTC", launchOptions: { executablePath, args: ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"] } },
  projects: [
    ...settings.map(([name, use, more]) => ({ name, testMatch: ["screens.spec.mjs", ...more], use })),
    { name: "embedded", testMatch: "embedded.spec.mjs", use: { viewport: desktop } },
    { name: "embedded-blocked", testMatch: "embedded.spec.mjs", use: { viewport: desktop } },
    // Jobs change what the screens show, and a screen follows such changes at once: it would jump while its loading is judged.
    ...settings.map(([name, use]) => ({ name: `${name}-jobs`, testMatch: ["jobs.spec.mjs", "company.spec.mjs"], use, dependencies: settings.map(([n]) => n) })),
  ],
});
