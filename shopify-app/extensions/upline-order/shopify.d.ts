import "@shopify/ui-extensions";

declare module "./src/OrderBlock.jsx" {
  const shopify: import("@shopify/ui-extensions/admin.order-details.block.render").Api;
  const globalThis: { shopify: typeof shopify };
}
