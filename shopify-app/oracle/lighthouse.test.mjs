// What the app embed costs a shop, by Lighthouse.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./lighthouse.mjs";

test("the embed costs at most one point of Lighthouse's performance", { timeout: 600_000 }, async (t) => {
  const found = await compare(3);
  for (const name of ["without", "with"]) t.diagnostic(`${name} the embed: ${JSON.stringify(found[name])}`);
  assert.ok(found.without.best - found.with.best <= 1);
  assert.ok(found.with.cls <= 0.1);
});
