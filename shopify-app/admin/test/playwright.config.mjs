// Walks the screens in a real browser against the real program: our own look in light, dark and on a phone, and inside
// a stand-in of Shopify's admin with and without Shopify's network.
import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

const executablePath = process.env.UPLINE_CHROMIUM || "/usr/bin/chromium";
const desktop = { width: 1280, height: 860 };

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
    { name: "light", testMatch: ["screens.spec.mjs", "jobs.spec.mjs", "faults.spec.mjs", "door.spec.mjs"], use: { viewport: desktop, colorScheme: "light" } },
    { name: "dark", testMatch: ["screens.spec.mjs", "jobs.spec.mjs"], use: { viewport: desktop, colorScheme: "dark" } },
    { name: "phone", testMatch: ["screens.spec.mjs", "jobs.spec.mjs"], use: { viewport: { width: 390, height: 844 }, hasTouch: true } },
    { name: "embedded", testMatch: "embedded.spec.mjs", use: { viewport: desktop } },
    { name: "embedded-blocked", testMatch: "embedded.spec.mjs", use: { viewport: desktop } },
  ],
});
