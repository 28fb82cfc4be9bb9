import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The screens of the extensions, compiled as Shopify's tool compiles them.
export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The Go tests run beside these: five seconds, which is the default, are not always enough then.
  test: { include: ["oracle/*.vitest.mjs"], environment: "happy-dom", testTimeout: 60_000, hookTimeout: 60_000, server: { deps: { inline: ["@shopify/ui-extensions-tester"] } } },
});
