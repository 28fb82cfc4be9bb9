// Inside a stand-in of Shopify's admin: a page that frames ours, App Bridge that gives real session tokens, and Shopify's
// elements made of the published manifest. In the setting "embedded-blocked" Shopify's elements do not load.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { api, expect, picture, test, url } from "./kit.mjs";
import { clientId, secret } from "./serve.mjs";

const shop = "lumina-naturals-eu.myshopify.com";
const manifest = JSON.parse(readFileSync(new URL("../../node_modules/@shopify/polaris-types/dist/custom-elements.json", import.meta.url), "utf8"));
const tags = manifest.modules.flatMap((m) => m.declarations ?? []).filter((d) => d.tagName).map((d) => d.tagName);

const base64 = (value) => Buffer.from(value).toString("base64url");
function token() {
  const now = Math.floor(Date.now() / 1000);
  const head = base64(JSON.stringify({ alg: "HS256", typ: "JWT" }));
  const body = base64(JSON.stringify({ iss: `https://${shop}/admin`, dest: `https://${shop}`, aud: clientId, sub: "42", exp: now + 60, nbf: now - 1, iat: now - 1, jti: crypto.randomUUID(), sid: "s" }));
  return `${head}.${body}.${createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url")}`;
}

const bridge = () => `window.shopify = {
  config: {}, environment: { embedded: true }, idToken: () => Promise.resolve(${JSON.stringify(token())}),
  toast: { show: (text) => parent.postMessage({ toast: text }, "*") }, saveBar: { show: () => Promise.resolve(), hide: () => Promise.resolve() },
};`;

// Elements that show what they are given, as far as the tests look at it: headings, labels, and clicks that come through.
const elements = `for (const tag of ${JSON.stringify(tags)}) customElements.define(tag, class extends HTMLElement {
  static observedAttributes = ["heading", "label", "value", "href", "disabled"];
  connectedCallback() { this.draw(); }
  attributeChangedCallback() { if (this.isConnected) this.draw(); }
  draw() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const heading = this.getAttribute("heading");
    const level = tag === "s-page" ? "h1" : "h2";
    root.innerHTML = "<slot name='breadcrumb-actions'></slot><div part='head'></div><slot name='primary-action'></slot><slot name='secondary-actions'></slot><slot></slot><slot name='supplemental-start'></slot><slot name='aside'></slot>";
    if (heading) { const h = document.createElement(level); h.textContent = heading; root.querySelector("[part=head]").append(h); }
    if (tag === "s-link" && this.getAttribute("href")) { this.setAttribute("role", "link"); this.tabIndex = 0; }
    if (tag === "s-button") { this.setAttribute("role", this.getAttribute("href") ? "link" : "button"); this.tabIndex = 0; }
  }
  showOverlay() { this.open = true; this.dispatchEvent(new Event("show")); }
  hideOverlay() { this.open = false; }
});
customElements.define("s-app-nav", class extends HTMLElement { connectedCallback() { this.hidden = true; } });`;

async function open(page, info, path = "/") {
  const blocked = info.project.name.endsWith("blocked");
  await page.route("https://cdn.shopify.com/**", (route) => {
    if (route.request().url().includes("app-bridge")) return route.fulfill({ contentType: "text/javascript", body: bridge() });
    return blocked ? route.abort() : route.fulfill({ contentType: "text/javascript", body: elements });
  });
  const src = `${url}${path}${path.includes("?") ? "&" : "?"}shop=${shop}&host=x&embedded=1&id_token=${token()}`;
  await page.route("https://admin.shopify.com/**", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><title>Admin</title><script>window.said=[];addEventListener("message",(e)=>said.push(e.data))</script><iframe title="Upline" style="width:100%;height:820px;border:0" src="${src.replaceAll("&", "&amp;")}"></iframe>` }));
  await page.goto("https://admin.shopify.com/store/lumina/apps/upline");
  const frame = page.frameLocator("iframe");
  return { frame, blocked };
}

const title = (frame, blocked, text) => (blocked ? frame.locator("h1") : frame.locator("s-page h1")).filter({ hasText: text });

test("the screens inside the admin", async ({ page, context }, info) => {
  const { frame, blocked } = await open(page, info);
  await expect(title(frame, blocked, "Overview")).toBeVisible();
  await expect(frame.locator("#app")).toContainText("From store to ledger");
  expect(await context.cookies()).toEqual([]);
  await picture(page, `overview-${info.project.name}`);
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join("; ")}`)).toEqual([]);
});

test("explain a commission inside the admin", async ({ page }, info) => {
  const order = (await api("/api/v1/orders?search=%231001")).data[0].order_id;
  const { frame, blocked } = await open(page, info, `/orders/${order}`);
  await expect(title(frame, blocked, "Order #1001")).toBeVisible();
  await expect(frame.locator("#app")).toContainText("136 CV × 15% = 20.40");
  await expect(frame.locator("#app")).toContainText("Passed over");
  await picture(page, `order-${info.project.name}`);
  await (blocked ? frame.getByRole("link", { name: "Orders" }).last() : frame.locator("s-link[href='/orders']").last()).click();
  await expect(title(frame, blocked, "Orders")).toBeVisible();
});

test("another site cannot frame it", async ({ page }, info) => {
  await open(page, info);
  await page.route("https://evil.example/**", (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="${url}/?shop=${shop}&amp;embedded=1&amp;id_token=${token()}"></iframe>` }));
  const refused = page.waitForEvent("console", (m) => /frame-ancestors/.test(m.text()));
  await page.goto("https://evil.example/").catch(() => undefined);
  await refused;
  await expect(page.frameLocator("iframe").locator("#app")).toHaveCount(0);
});
