import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The screens of the extensions, compiled as Shopify's tool compiles them.
export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { include: ["oracle/*.vitest.mjs"], environment: "happy-dom", server: { deps: { inline: ["@shopify/ui-extensions-tester"] } } },
});
