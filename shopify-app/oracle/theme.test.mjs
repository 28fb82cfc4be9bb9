// The app embed as Shopify's theme check and Shopify's size limits see it.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { shopify, top } from "./shopify.mjs";

const embed = join(top, "shopify-app/extensions/upline-theme");
const files = readdirSync(embed, { recursive: true }).map((f) => join(embed, f)).filter((f) => statSync(f).isFile());
const bytes = (list) => list.reduce((sum, f) => sum + statSync(f).size, 0);

function offences(path) {
  const { status, stdout, stderr } = shopify(["theme", "check", "--path", path, "--config", "theme-check:theme-app-extension",
    "--output", "json", "--fail-level", "info"]);
  assert.match(stdout, /^\s*\[/, `theme check said: ${stdout}${stderr}`);
  const list = JSON.parse(stdout).flatMap((f) => f.offenses.map((o) => `${f.path}:${o.start_row + 1} ${o.check} ${o.message}`));
  assert.equal(status === 0, list.length === 0, `theme check ended with ${status} over ${list.length} offences`);
  return list;
}

test("theme check finds nothing", () => assert.deepEqual(offences(embed), []));

test("theme check would find a text that no locale has", (t) => {
  const copy = mkdtempSync(join(tmpdir(), "upline-theme-"));
  t.after(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(embed, copy, { recursive: true });
  appendFileSync(join(copy, "blocks/upline.liquid"), "\n{{ 'nowhere' | t }}\n");
  assert.match(offences(copy).join("\n"), /TranslationKeyExists/);
});

test("the script is below 5 kB compressed", () => {
  const size = gzipSync(readFileSync(join(embed, "assets/upline.js")), { level: 9 }).length;
  assert.ok(size < 5_000, `${size} bytes`);
});

test("the embed is within Shopify's limits: 10 MB in all, 500 kB of Liquid", () => {
  assert.ok(bytes(files) < 10_000_000);
  assert.ok(bytes(files.filter((f) => f.endsWith(".liquid"))) < 500_000);
});

test("the script sets no cookie and runs no text", () => {
  const code = readFileSync(join(embed, "assets/upline.js"), "utf8");
  for (const never of ["document.cookie =", "document.cookie=", "innerHTML", "eval(", "document.write", "new Function", "http:", "https:"]) {
    assert.ok(!code.includes(never), never);
  }
});

test("every language says the same things", () => {
  const keys = (object, prefix = "") => Object.entries(object).flatMap(([k, v]) => (typeof v === "string" ? [prefix + k] : keys(v, `${prefix}${k}.`)));
  const names = readdirSync(join(embed, "locales"));
  for (const [suffix, first] of [[".schema.json", "en.default.schema.json"], [".json", "en.default.json"]]) {
    const all = names.filter((n) => (suffix === ".json" ? !n.endsWith(".schema.json") : n.endsWith(suffix)));
    assert.ok(all.length >= 6, "at least six languages");
    const of = (n) => keys(JSON.parse(readFileSync(join(embed, "locales", n), "utf8"))).sort();
    for (const n of all) assert.deepEqual(of(n), of(first), n);
  }
});
