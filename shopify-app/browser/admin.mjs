// A stand-in for the Shopify admin in the browser: a page of its origin that
// frames the app, and its two scripts. App Bridge gives tokens that the other
// side of the tests signs; the elements are empty boxes with their names.
import { expect } from "@playwright/test";

const POLARIS = "https://cdn.shopify.com/shopifycloud/polaris-2.js";
const BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js";

// What our screens use of App Bridge. A document with shopify-reload in its
// address is the token page: App Bridge loads the page again with a token.
const bridge = `(() => {
  const first = document.querySelector("script");
  if (!first || first.src !== document.currentScript.src) throw new Error("app-bridge.js has to be the first script");
  const meta = document.querySelector('meta[name="shopify-api-key"]');
  const key = meta ? meta.content : document.currentScript.dataset.apiKey;
  if (!key) throw new Error("app-bridge.js finds no api key");
  let asked = 0;
  const waiting = new Map();
  addEventListener("message", (e) => { if (e.data && waiting.has(e.data.answer)) waiting.get(e.data.answer)(e.data.token); });
  const ask = (what) => new Promise((resolve) => { waiting.set(++asked, resolve); parent.postMessage({ ...what, id: asked }, "*"); });
  const idToken = () => new Promise((resolve) => { waiting.set(++asked, resolve); parent.postMessage({ ask: asked, key }, "*"); });
  window.shopify = {
    idToken, config: { apiKey: key, locale: "en", shop: new URLSearchParams(location.search).get("shop") }, toast: { show: (text) => parent.postMessage({ toast: text }, "*") },
    saveBar: { show: async () => {}, hide: async () => {} }, loading() {}, environment: { embedded: true },
    app: { extensions: async () => EXTENSIONS },
    scopes: { request: (scopes) => ask({ grant: scopes }), revoke: (scopes) => ask({ revoke: scopes }) },
  };
  const reload = new URLSearchParams(location.search).get("shopify-reload");
  if (reload) idToken().then((token) => { const to = new URL(reload, location.origin); to.searchParams.set("id_token", token); location.replace(to); });
})();`;

// Every element of the admin's that a page writes exists, and holds its children.
const polaris = `for (const name of ["s-page","s-app-nav","s-link","s-section","s-button","s-text","s-paragraph","s-heading","s-badge","s-banner","s-box",
  "s-stack","s-grid","s-table","s-table-header-row","s-table-header","s-table-body","s-table-row","s-table-cell","s-text-field","s-select","s-option",
  "s-checkbox","s-spinner","s-modal","s-divider","s-search-field","s-number-field","s-text-area","s-unordered-list","s-list-item","s-query-container"])
  if (!customElements.get(name)) customElements.define(name, class extends HTMLElement {
    constructor() {
      super();
      if (name === "s-button") this.addEventListener("click", () => { if (this.getAttribute("type") === "submit" && !this.hasAttribute("disabled")) this.closest("form")?.requestSubmit(); });
    }
  });`;

const frame = (src) => `<!doctype html><title>Shopify admin</title><style>body{margin:0}iframe{border:0;width:100vw;height:100vh}</style>
<iframe name="app-iframe" src="${src.replaceAll("&", "&amp;")}"></iframe>
<script>window.toasts = []; window.granted = []; addEventListener("message", async (e) => {
  if (e.data && (e.data.grant || e.data.revoke)) {
    window.granted = [...window.granted.filter((s) => !(e.data.revoke || []).includes(s)), ...(e.data.grant || [])];
    e.source.postMessage({ answer: e.data.id, token: { result: "granted-all", detail: { granted: window.granted, required: [], optional: [] } } }, "*");
  }
  if (e.data && e.data.toast) toasts.push(e.data.toast);
  if (e.data && e.data.ask) { window.asked = e.data.key; e.source.postMessage({ answer: e.data.ask, token: await window.freshToken() }, "*"); }
});</script>`;

// What app.extensions() tells of the theme extension, as @shopify/app-bridge-types 0.7 has it.
const extensions = (embed) => JSON.stringify(embed === "missing" ? [] : [{
  handle: "upline-theme", type: "theme_app_extension",
  activations: [{ target: "body", handle: "upline", name: "Upline", status: embed, activations: [] }],
}]);

// openAdmin opens the app in the admin and gives the app's frame. token()
// is asked whenever App Bridge is; bridge and elements may be "blocked";
// origin may be another site's; embed is the app embed's status, or missing.
export async function openAdmin(page, { src, token, bridge: bridgeState, elements, origin = "https://admin.shopify.com", embed = "active" }) {
  const scripts = [[BRIDGE, bridge.replace("EXTENSIONS", extensions(embed)), bridgeState], [POLARIS, polaris, elements]];
  for (const [url, text, state] of scripts) {
    await page.route(url, (route) => (state === "blocked" ? route.abort() : route.fulfill({ contentType: "text/javascript", body: text })));
  }
  await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: frame(src) }));
  await page.exposeFunction("freshToken", token);
  await page.goto(`${origin}/store/sample/apps/upline`);
  await expect.poll(() => page.frames().length).toBe(2);
  return page.frame({ name: "app-iframe" });
}
