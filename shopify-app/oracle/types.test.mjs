// The extensions against the types that Shopify publishes for them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { top } from "./shopify.mjs";

test("the block on the order page uses elements, attributes and the API as they are", () => {
  const app = join(top, "shopify-app");
  const { status, stdout, stderr } = spawnSync(process.execPath,
    [join(app, "node_modules/typescript/bin/tsc"), "-p", join(app, "extensions/upline-order/tsconfig.json")], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});
