// Shopify's own library and our code have to agree on what is signed, in both directions.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { top } from "./shopify.mjs";
import { atNow, judge, now, vectors } from "./vectors.mjs";

const read = (path) => JSON.parse(readFileSync(join(top, "adapters/shopify", path), "utf8"));

test("the Go tests' vectors are what the library makes and says", async () => {
  assert.deepEqual(read("testdata/vectors.json"), await vectors());
});

const ours = read("shopifytest/testdata/signed.json");

test("what our stand-in signs was signed at the vectors' moment", () => assert.equal(ours.now, now));

for (const kind of ["session", "query", "proxy"]) {
  test(`the library takes what our stand-in signs: ${kind}`, async () => {
    const list = Object.entries(ours[kind]);
    assert.ok(list.length > 0);
    for (const [name, text] of list) assert.equal(await atNow(() => judge[kind](text)), true, name);
  });
}

test("the library takes what our stand-in signs: webhook", async () => {
  for (const { body, hmac } of ours.webhook) {
    assert.equal(await atNow(() => judge.webhook(body, hmac)), true);
    assert.equal(await atNow(() => judge.webhook(`${body} `, hmac)), false);
  }
});
