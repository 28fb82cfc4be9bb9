// What was built: small enough, and of Shopify's elements only what is published.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const at = (path) => new URL(`../../../${path}`, import.meta.url);
const dist = (path) => new URL(`../../../../server/web/dist/${path}`, import.meta.url);
const FIRST_LOAD = 60_000; // bytes of gzip, of the reference for the screens

test("the types fit, also those of Shopify's elements", () => {
  const said = spawnSync(process.execPath, [fileURLToPath(at("node_modules/typescript/bin/tsc")), "-p", fileURLToPath(at("admin/tsconfig.json"))], { encoding: "utf8" });
  assert.equal(said.status, 0, said.stdout + said.stderr);
});

for (const build of ["own", "polaris"]) {
  test(`${build}: the first load is at most ${FIRST_LOAD} bytes of gzip`, () => {
    const index = readFileSync(dist(`${build}/index.html`), "utf8");
    const files = [...index.matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)].map((m) => m[1]);
    assert.ok(files.length >= 2, "the page loads a script and a style");
    const sizeOf = (f) => gzipSync(readFileSync(dist(`${build}/assets/${f}`)), { level: 9 }).length;
    // A screen that is a file of its own comes with the first load: the largest counts.
    const screens = readdirSync(dist(`${build}/assets`)).filter((f) => f.endsWith(".js") && !files.includes(f) && !/^(ar|de|es|ja|pt)-/.test(f));
    const size = files.reduce((sum, f) => sum + sizeOf(f), 0) + Math.max(0, ...screens.map(sizeOf));
    console.log(`${build}: ${size} bytes`);
    assert.ok(size <= FIRST_LOAD, `${size} bytes`);
  });
}

// The licence of Shopify's elements allows them inside its admin only.
test("our own look has nothing of Shopify's", () => {
  for (const name of readdirSync(dist("own/assets"))) {
    if (/\.(js|css)$/.test(name)) assert.doesNotMatch(readFileSync(dist(`own/assets/${name}`), "utf8"), /["'`<]s-(page|section|table|button)\b|polaris/i, name);
  }
});

const manifest = JSON.parse(readFileSync(at("node_modules/@shopify/polaris-types/dist/custom-elements.json"), "utf8"));
const elements = new Map(manifest.modules.flatMap((m) => m.declarations ?? []).filter((d) => d.tagName).map((d) => [d.tagName, {
  attributes: new Set((d.attributes ?? []).map((a) => a.name)), events: new Set((d.events ?? []).map((e) => e.name)), slots: new Set((d.slots ?? []).map((s) => s.name)),
}]));

/** The opening tags of Shopify's elements in a source, with the names of their properties; what is in braces is passed over. */
function* uses(source) {
  for (const { 1: tag, index } of source.matchAll(/<(s-[a-z-]+)(?=[\s/>])/g)) {
    let depth = 0, text = "", i = index + tag.length + 1;
    for (; i < source.length && !(depth === 0 && source[i] === ">"); i++) {
      if (source[i] === "{") depth++;
      if (depth === 0) text += source[i];
      if (source[i] === "}") depth--;
    }
    yield { tag, line: source.slice(0, index).split("\n").length, names: [...text.replace(/"[^"]*"/g, "").matchAll(/([A-Za-z][\w-]*)/g)].map((m) => m[1]), slot: /\bslot="([^"]+)"/.exec(text)?.[1] };
  }
}

const everywhere = new Set(["key", "ref", "slot", "id", "class"]);

test("every s-* element, attribute, event and slot is published", () => {
  assert.equal(elements.size, 62);
  const source = readFileSync(at("ui/ui.polaris.tsx"), "utf8");
  const faults = [], slots = new Set([...elements.values()].flatMap((e) => [...e.slots]));
  let seen = 0;
  for (const { tag, line, names, slot } of uses(source)) {
    seen++;
    const element = elements.get(tag);
    if (!element) faults.push(`${line}: there is no ${tag}`);
    for (const name of element ? names : []) {
      const event = /^on[A-Z]/.test(name) ? name.slice(2).toLowerCase() : undefined;
      if (everywhere.has(name) || (event ? element.events.has(event) : element.attributes.has(name.toLowerCase()))) continue;
      faults.push(`${line}: ${tag} has no ${event ? `event ${event}` : `attribute ${name}`}`);
    }
    if (slot && !slots.has(slot)) faults.push(`${line}: no element has the slot ${slot}`);
  }
  for (const [, slot] of source.matchAll(/slotted\('([^']+)'/g)) if (!slots.has(slot)) faults.push(`no element has the slot ${slot}`);
  assert.deepEqual(faults, []);
  assert.ok(seen > 40, `only ${seen} uses were found; the pattern no longer fits`);
});

test("the check of elements sees what is wrong", () => {
  const found = [...uses('<s-page heading={a > b ? "x" : "y"} wrong="1" onNope={() => {}}><s-none /></s-page>')];
  assert.deepEqual(found.map((f) => [f.tag, f.names]), [["s-page", ["heading", "wrong", "onNope"]], ["s-none", []]]);
});

test("no screen writes an element of Shopify's or a class", () => {
  for (const folder of ["admin", "admin/screens"]) {
    for (const name of readdirSync(at(folder)).filter((n) => n.endsWith(".tsx") && n !== "palette.tsx")) {
      assert.doesNotMatch(readFileSync(at(`${folder}/${name}`), "utf8"), /<s-|\bclass=|className=/, name);
    }
  }
});
