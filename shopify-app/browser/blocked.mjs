// A browser whose owner has blocked all cookies and storage in its settings:
// Chromium then throws where a page touches its storage.
import { chromium } from "@playwright/test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import config from "./playwright.config.mjs";

const BLOCK = 2; // Chromium's CONTENT_SETTING_BLOCK

// withStorageBlocked gives a page of such a browser to run, and closes it.
export async function withStorageBlocked(run) {
  const folder = mkdtempSync(join(tmpdir(), "upline-blocked-"));
  mkdirSync(join(folder, "Default"));
  writeFileSync(join(folder, "Default/Preferences"), JSON.stringify({ profile: { default_content_setting_values: { cookies: BLOCK } } }));
  const context = await chromium.launchPersistentContext(folder, config.use.launchOptions);
  try {
    const page = await context.newPage();
    await run(page, context);
  } finally {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// storageOf says what a page or frame finds of its storage.
export const storageOf = (frame) => frame.evaluate(() => {
  try {
    return String(window.localStorage);
  } catch (error) {
    return error.name;
  }
});
