// The web pixel, run with the events that Shopify would send it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

let run;
globalThis.shopify = { extend: (point, callback) => { assert.equal(point, "WebPixel::Render"); run = callback; } };
await import("../extensions/upline-pixel/src/index.js");

let sent, stored, handlers;
const start = (settings = { endpoint: "https://upline.example.com/hint" }) => run({
  settings,
  init: { data: { shop: { myshopifyDomain: "sample.myshopify.com" } } },
  analytics: { subscribe: (name, handler) => { handlers[name] = handler; } },
  browser: {
    sessionStorage: { getItem: async (k) => stored[k] ?? null, setItem: async (k, v) => { stored[k] = v; } },
    sendBeacon: async (url, body) => { sent.push([url, JSON.parse(body)]); return true; },
  },
});
const view = (search) => handlers.page_viewed({ context: { document: { location: { search } } } });
const complete = (checkout) => handlers.checkout_completed({ id: "sh-1", data: { checkout } });

beforeEach(() => {
  sent = [];
  stored = {};
  handlers = {};
});

test("a completed checkout tells reference, checkout token and event, and nothing of the buyer", async () => {
  start();
  await complete({ token: "c1", email: "buyer@example.com", totalPrice: { amount: 10 }, attributes: [{ key: "_upline_ref", value: "ANA.sig" }] });
  assert.deepEqual(sent, [["https://upline.example.com/hint",
    { shop: "sample.myshopify.com", checkout_token: "c1", event_id: "sh-1", ref: "ANA.sig" }]]);
});

test("without the cart attribute the code of the link stands in", async () => {
  start();
  await view("?utm_source=x&ref=ANA");
  await view("?page=2");
  await complete({ token: "c1", attributes: [] });
  assert.equal(sent[0][1].ref, "ANA");
});

test("the signed reference of the cart wins over the link", async () => {
  start();
  await view("?ref=BO");
  await complete({ token: "c1", attributes: [{ key: "other", value: "x" }, { key: "_upline_ref", value: "ANA.sig" }] });
  assert.equal(sent[0][1].ref, "ANA.sig");
});

for (const [what, act] of [
  ["without a reference", () => complete({ token: "c1", attributes: [] })],
  ["without a checkout token", () => complete({ attributes: [{ key: "_upline_ref", value: "ANA.sig" }] })],
  ["without a checkout", () => complete(undefined)],
  ["for an e-mail address in the link", async () => { await view("?ref=a%40example.com"); await complete({ token: "c1" }); }],
  ["for an over-long code", async () => { await view(`?ref=${"A".repeat(256)}`); await complete({ token: "c1" }); }],
]) {
  test(`nothing is sent ${what}`, async () => {
    start();
    await act();
    assert.deepEqual(sent, []);
  });
}

test("nothing is sent while no endpoint is set", async () => {
  start({});
  await complete({ token: "c1", attributes: [{ key: "_upline_ref", value: "ANA.sig" }] });
  assert.deepEqual(sent, []);
});

test("blocked storage loses the link and nothing else", async () => {
  start();
  const blocked = { getItem: async () => { throw new Error("blocked"); }, setItem: async () => { throw new Error("blocked"); } };
  run({ settings: { endpoint: "https://upline.example.com/hint" }, init: {}, analytics: { subscribe: (n, h) => { handlers[n] = h; } },
    browser: { sessionStorage: blocked, sendBeacon: async (url, body) => { sent.push([url, JSON.parse(body)]); } } });
  await view("?ref=ANA");
  await complete({ token: "c1", attributes: [{ key: "_upline_ref", value: "ANA.sig" }] });
  assert.equal(sent.length, 1);
});
