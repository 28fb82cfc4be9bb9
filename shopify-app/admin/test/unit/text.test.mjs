// Every sentence is there in every language, with the same places and the plural forms the language has.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../../../ui/text/", import.meta.url);
const catalogue = (language) => JSON.parse(readFileSync(new URL(`${language}.json`, folder), "utf8"));
const english = catalogue("en");
const places = (sentence) => [...new Set((typeof sentence === "string" ? [sentence] : Object.values(sentence)).flatMap((s) => s.match(/\{\w+\}/g) ?? []))].sort();

const languages = readdirSync(folder).filter((n) => n.endsWith(".json") && n !== "en.json").map((n) => n.slice(0, -5));

for (const language of languages) {
  test(`${language} says everything`, () => {
    const said = catalogue(language);
    assert.deepEqual(Object.keys(english).filter((k) => !(k in said)), [], "missing");
    assert.deepEqual(Object.keys(said).filter((k) => !(k in english)), [], "no longer used");
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, sentence] of Object.entries(said)) {
      assert.deepEqual(places(sentence), places(english[key]), `${key} has other places`);
      assert.equal(typeof sentence, typeof english[key], `${key} is a plural in one language only`);
      if (typeof sentence === "object") {
        for (const form of forms) assert.ok(sentence[form], `${key} lacks the form ${form}`);
      }
    }
  });
}

test("English has its own plural forms", () => {
  for (const [key, sentence] of Object.entries(english)) if (typeof sentence === "object") assert.ok(sentence.one && sentence.other, key);
});

test("every sentence is used, and every one that is used is there", () => {
  const sources = ["admin", "admin/screens", "ui", "ui/viz"].flatMap((f) => {
    const at = new URL(`../../../${f}/`, import.meta.url);
    return readdirSync(at).filter((n) => /\.tsx?$/.test(n)).map((n) => readFileSync(new URL(n, at), "utf8"));
  }).join("\n");
  for (const [, key] of sources.matchAll(/\bt[x]?\('([a-z_]+\.[A-Za-z_]+)'/g)) assert.ok(key in english, `${key} is used and not there`);
  const grouped = new Set([...sources.matchAll(/word\((?:[^'()]*\? )?'(\w+)'(?: : '(\w+)')?/g)].flatMap((m) => [m[1], m[2]]).concat([...sources.matchAll(/\bt\(`(\w+)\.\$\{/g)].map((m) => m[1])));
  const unused = Object.keys(english).filter((key) => !sources.includes(`'${key}'`) && !grouped.has(key.split(".")[0]));
  assert.deepEqual(unused, []);
});
