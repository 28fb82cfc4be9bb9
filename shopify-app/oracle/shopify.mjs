// Runs Shopify's command line tool without a login and without a network.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const top = fileURLToPath(new URL("../../", import.meta.url));
const tool = fileURLToPath(new URL("node_modules/.bin/shopify", import.meta.url));

export function shopify(args, cwd = top) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...args], {
    cwd,
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 64 << 20,
    env: { ...process.env, CI: "1", NO_COLOR: "1", SHOPIFY_CLI_NO_ANALYTICS: "1", OPT_OUT_INSTRUMENTATION: "true" },
  });
  return { status, stdout: stdout || "", stderr: stderr || "" };
}

// copyApp gives a folder with what the tool sees of this repository; changes
// there hurt nobody. The test context removes it.
export function copyApp(t, { extensions = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "upline-app-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(top, "shopify.app.toml"), join(folder, "shopify.app.toml"));
  mkdirSync(join(folder, "shopify-app"));
  if (extensions) {
    cpSync(join(top, "shopify-app", "extensions"), join(folder, "shopify-app", "extensions"), { recursive: true });
    symlinkSync(join(top, "shopify-app", "node_modules"), join(folder, "shopify-app", "node_modules"));
  }
  return folder;
}
