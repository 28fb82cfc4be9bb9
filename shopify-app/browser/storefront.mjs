// A sample shop to try the app embed on: pages, cart, discount links and
// consent the way a Shopify storefront has them, and the app proxy. The embed
// is the extension's own files, rendered by a Liquid engine.
//
//   node storefront.mjs [PORT]     serves it at http://127.0.0.1:PORT
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { Liquid } from "liquidjs";

const extension = new URL("../extensions/upline-theme/", import.meta.url);
const file = (path) => readFileSync(new URL(path, extension), "utf8");

// renderEmbed is what Shopify puts before </body>: the block with the
// merchant's settings and the visitor's language.
export async function renderEmbed(settings = {}, locale = "en.default") {
  const words = JSON.parse(file(`locales/${locale}.json`));
  const liquid = new Liquid();
  liquid.registerFilter("asset_url", (name) => `/embed/${name}`);
  liquid.registerFilter("t", (key, ...pairs) =>
    pairs.reduce((text, [name, value]) => text.replaceAll(`{{ ${name} }}`, value), words[key]));
  const [template, schema] = file("blocks/upline.liquid").split("{% schema %}");
  const defaults = Object.fromEntries(JSON.parse(schema.replace("{% endschema %}", ""))
    .settings.filter((s) => s.id).map((s) => [s.id, s.default]));
  return liquid.parseAndRender(template, { block: { settings: { ...defaults, ...settings } } });
}

const product = (n) => `<article><svg viewBox="0 0 300 300" role="img" aria-label="Product ${n}">
<rect width="300" height="300" fill="hsl(${n * 40} 60% 80%)"/><circle cx="150" cy="150" r="${60 + n * 5}" fill="hsl(${n * 40} 60% 55%)"/></svg>
<h2><a href="/products/p${n}">Serum ${n}</a></h2><p>$${20 + n}.00</p><button type="button" data-add="${n}">Add to cart</button></article>`;

// The shop's own script: it loads the privacy API when asked to, as Shopify's
// does, and adds to the cart.
const shopScript = (consent) => `
window.Shopify = { shop: "sample.myshopify.com", routes: { root: "/" } };
Shopify.loadFeatures = (features, done) => setTimeout(() => {
  Shopify.customerPrivacy = { consent: ${consent},
    marketingAllowed() { return this.consent; }, analyticsProcessingAllowed() { return this.consent; },
    setTrackingConsent({ marketing }) { this.consent = marketing; document.dispatchEvent(new CustomEvent("visitorConsentCollected")); } };
  done();
}, 30);
document.addEventListener("click", async (e) => {
  const id = e.target.dataset && e.target.dataset.add;
  if (id) { await fetch("/cart/add.js", { method: "POST", body: JSON.stringify({ id }) }); document.title = "added"; }
});`;

const page = (embed, consent, title) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title>
<meta name="description" content="A sample shop with nine products."><link rel="icon" href="data:,">
<style>body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#222}header,footer{padding:24px;background:#f4f0ea}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:24px;padding:24px}
svg{inline-size:100%;block-size:auto;aspect-ratio:1}h2{font-size:18px}a{color:#0b4f6c}button{min-height:44px;padding:0 16px}</style>
<script>${shopScript(consent)}</script></head><body><header><h1>Sample shop</h1><p>Everything for bright mornings.</p></header>
<main>${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(product).join("")}</main><footer>Free shipping from $50.00</footer>${embed}</body></html>`;

// sign stands in for the server's signed references.
const key = "a key of this sample alone";
export const sign = (code) => `${code}.${createHmac("sha256", key).update(code).digest("base64url").slice(0, 22)}`;
async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

// startStorefront serves the shop. Options: embed (false leaves it out),
// settings of the block, consent (true, false), locale, people (code ->
// {name, discount}), proxy(url) -> [status, body] in place of the stand-in.
export async function startStorefront(options = {}) {
  const { embed = true, settings, consent = true, locale, port = 0 } = options;
  const people = options.people || { ANA: { name: "Ana Ruiz" }, BO: { name: "Bo Lind", discount: "BO10" } };
  const html = embed ? await renderEmbed(settings, locale) : "";
  const seen = { requests: [], carts: new Map(), proxyStatus: 0 };
  let made = 0;

  const standIn = (url) => {
    if (seen.proxyStatus) return [seen.proxyStatus, "<h1>no</h1>"];
    const code = url.searchParams.get("code");
    const person = people[code];
    return person ? [200, JSON.stringify({ ref: sign(code), ...person })] : [404, "{}"];
  };
  const cartOf = (request, response) => {
    const token = decodeURIComponent(/(?:^|; )cart=([^;]*)/.exec(request.headers.cookie || "")?.[1] || "");
    if (seen.carts.has(token)) return seen.carts.get(token);
    const cart = { token: `tok${++made}?key=k${made}`, attributes: {}, items: [] };
    seen.carts.set(cart.token, cart);
    response.setHeader("Set-Cookie", `cart=${encodeURIComponent(cart.token)}; Path=/; SameSite=Lax`);
    return cart;
  };
  const send = (response, status, type, text, headers = {}) => {
    response.writeHead(status, { "Content-Type": type, "Cache-Control": type.includes("script") ? "max-age=31536000" : "no-store", ...headers });
    response.end(text);
  };

  const routes = {
    "/apps/upline/ref": async (url, _q, response) => {
      const [status, text] = await (options.proxy || standIn)(url);
      send(response, status, "application/json", text);
    },
    "/cart/update.js": async (_u, request, response) => {
      const cart = cartOf(request, response);
      Object.assign(cart.attributes, (await body(request)).attributes);
      send(response, 200, "application/json", JSON.stringify(cart));
    },
    "/cart/add.js": async (_u, request, response) => {
      const cart = cartOf(request, response);
      cart.items.push(await body(request));
      send(response, 200, "application/json", JSON.stringify(cart));
    },
    "/embed/upline.js": async (_u, _q, response) => send(response, 200, "text/javascript", file("assets/upline.js")),
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://shop.invalid");
    seen.requests.push(`${request.method} ${request.url}`);
    try {
      if (routes[url.pathname]) return await routes[url.pathname](url, request, response);
      const discount = /^\/discount\/([^/]+)$/.exec(url.pathname);
      if (discount) {
        const to = url.searchParams.get("redirect") || "/";
        const location = /^\/(?![/\\])/.test(to) ? to : "/"; // as Shopify: the shop's own pages only
        return send(response, 302, "text/plain", "", { Location: location, "Set-Cookie": `discount_code=${discount[1]}; Path=/` });
      }
      return send(response, 200, "text/html; charset=utf-8", page(html, consent, "Sample shop"));
    } catch (error) {
      return send(response, 500, "text/plain", String(error));
    }
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    asked: (path) => seen.requests.filter((r) => r.includes(path)),
    cart: () => [...seen.carts.values()].at(-1),
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shop = await startStorefront({ port: Number(process.argv[2] || 0), embed: !process.env.WITHOUT_EMBED });
  console.log(shop.url);
}
