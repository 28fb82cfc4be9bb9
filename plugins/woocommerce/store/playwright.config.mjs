import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.mjs",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  outputDir: "node_modules/.playwright",
  reporter: [["list"], [fileURLToPath(new URL("../../../.ci/node/playwright-counts.mjs", import.meta.url))]],
  use: { browserName: "chromium", actionTimeout: 60_000, navigationTimeout: 60_000, launchOptions: { executablePath: process.env.UPLINE_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] } },
});
