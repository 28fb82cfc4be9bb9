import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

// The system's Chromium, which the tests of every folder share.
const executablePath = process.env.UPLINE_CHROMIUM || "/usr/bin/chromium";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.mjs",
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  outputDir: "../node_modules/.playwright",
  reporter: [["list"], [fileURLToPath(new URL("../../.ci/node/playwright-counts.mjs", import.meta.url))]],
  use: { browserName: "chromium", launchOptions: { executablePath, args: [
      "--no-sandbox",
      // The admin's page is a stand-in of a public address, and frames a server of this machine.
      "--disable-features=LocalNetworkAccessChecks",
    ] } },
});
