// Vectors for what Shopify signs and what its token endpoint is sent, made by Shopify's own library at one fixed moment:
//
//   node vectors.mjs > ../../adapters/shopify/testdata/vectors.json
//
// The Go tests hold the adapter against them; vectors.test.mjs holds the file against the library.
import "@shopify/shopify-api/adapters/node";
import { createHmac } from "node:crypto";
import { mock } from "node:test";
import { fileURLToPath } from "node:url";
import { setAbstractFetchFunc } from "@shopify/shopify-api/runtime";
import { shopifyApi, ApiVersion, LogSeverity, RequestedTokenType } from "@shopify/shopify-api";

export const now = 1795348800; // seconds; the library and the adapter both believe that it is this moment
export const clientID = "8d1a2b3c4d5e6f708192a3b4c5d6e7f8";
export const secret = "shpss_0123456789abcdef0123456789abcdef";
export const oldSecret = "shpss_before_the_last_rotation_000000";
export const shop = "upline-test.myshopify.com";

const newApi = (apiSecretKey) => shopifyApi({
  apiKey: clientID, apiSecretKey, scopes: ["read_orders"], hostName: "app.example.com", apiVersion: ApiVersion.July26 ?? "2026-07",
  isEmbeddedApp: true, logger: { level: LogSeverity.Error, log: () => {} },
});
export const api = newApi(secret);

// atNow runs f with the clock stopped at the moment of the vectors.
export async function atNow(f) {
  mock.timers.enable({ apis: ["Date"], now: now * 1000 });
  try {
    return await f();
  } finally {
    mock.timers.reset();
  }
}

// agrees says whether the library takes something: it throws or answers false where it does not.
export async function agrees(f) {
  try {
    return (await f()) !== false;
  } catch {
    return false;
  }
}

const base64url = (v) => Buffer.from(typeof v === "string" ? v : JSON.stringify(v)).toString("base64url");

function token(claims, { key = secret, header = { alg: "HS256", typ: "JWT" }, hash = "sha256" } = {}) {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${hash ? createHmac(hash, key).update(signed).digest("base64url") : ""}`;
}

const claims = (changes = {}) => {
  const all = {
    iss: `https://${shop}/admin`, dest: `https://${shop}`, aud: clientID, sub: "902541635", exp: now + 60, nbf: now, iat: now,
    jti: "f8912129-1af6-4cad-9ca3-76b0f7621087", sid: "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685", ...changes,
  };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  return all;
};
const on = (host) => ({ iss: `https://${host}/admin`, dest: `https://${host}` });

function sessionTokens() {
  const good = token(claims());
  const [head, body, signature] = good.split(".");
  return {
    "good": good,
    "expired nine seconds ago": token(claims({ exp: now - 9 })),
    "expired a minute ago": token(claims({ exp: now - 60, nbf: now - 120, iat: now - 120 })),
    "begins in nine seconds": token(claims({ nbf: now + 9 })),
    "begins in a minute": token(claims({ nbf: now + 60 })),
    "for another app": token(claims({ aud: "another" })),
    "for two apps": token(claims({ aud: [clientID, "another"] })),
    "for nobody": token(claims({ aud: undefined })),
    "signed with another secret": token(claims(), { key: "another" }),
    "signed with the empty secret": token(claims(), { key: "" }),
    "alg none": token(claims(), { header: { alg: "none", typ: "JWT" }, hash: "" }),
    "alg none with a signature": token(claims(), { header: { alg: "none", typ: "JWT" } }),
    "HS512": token(claims(), { header: { alg: "HS512", typ: "JWT" }, hash: "sha512" }),
    "HS384": token(claims(), { header: { alg: "HS384", typ: "JWT" }, hash: "sha384" }),
    "says RS256": token(claims(), { header: { alg: "RS256", typ: "JWT" } }),
    "a critical extension": token(claims(), { header: { alg: "HS256", typ: "JWT", crit: ["x"], x: 1 } }),
    "another body under the signature": `${head}.${base64url(claims(on("victim.myshopify.com")))}.${signature}`,
    "one bit of the signature": `${head}.${body}.${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`,
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "padded": `${head}.${body}.${signature}=`,
    "not JSON": (() => { const s = `${head}.${base64url("x")}`; return `${s}.${createHmac("sha256", secret).update(s).digest("base64url")}`; })(),
    "exp is text": token(claims({ exp: "soon" })),
    "empty": "",
    "without exp": token(claims({ exp: undefined })),
    "issued in a minute": token(claims({ iat: now + 60 })),
    "iss and dest apart": token(claims({ iss: "https://victim.myshopify.com/admin" })),
    "without iss": token(claims({ iss: undefined })),
    "without dest": token(claims({ dest: undefined })),
    "without sub": token(claims({ sub: undefined })),
    "foreign host": token(claims(on("evil.com"))),
    "host that only begins like a shop": token(claims(on("upline-test.myshopify.com.evil.com"))),
    "shop in the path": token(claims({ iss: "https://evil.com/upline-test.myshopify.com/admin", dest: "https://evil.com/upline-test.myshopify.com" })),
    "shop as user": token(claims({ iss: "https://upline-test.myshopify.com@evil.com/admin", dest: "https://upline-test.myshopify.com@evil.com" })),
    "with a port": token(claims(on("upline-test.myshopify.com:8443"))),
    "by http": token(claims({ iss: `http://${shop}/admin`, dest: `http://${shop}` })),
  };
}

// queries are what the admin signs; each becomes a query string with its hmac.
const queries = {
  "as documented": { code: "0907a61c0c8d55e99db179b68161bc00", shop, state: "0.6784241404160823", timestamp: `${now}` },
  "a host that ends in =": { code: "c", host: "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvdQ==", shop, state: "s", timestamp: `${now}` },
  "blanks, ampersands and more": { code: "a b&c=d%e+f", shop, state: "ü €*~'()!/?:@", timestamp: `${now}` },
  "embedded": { embedded: "1", hmac_like: "x", host: "aG9zdA", id_token: "a.b.c", locale: "en-US", session: "5f", shop, timestamp: `${now}` },
};

async function adminQueries() {
  const list = {};
  for (const [name, query] of Object.entries(queries)) {
    const hmac = await hmacOf(query);
    list[name] = { query: `${new URLSearchParams({ ...query, hmac })}`, values: query };
  }
  return list;
}

// The library keeps its signer of admin queries to itself, so this is its rule; the test asks its validator to agree.
async function hmacOf(query) {
  const text = new URLSearchParams(Object.entries(query).sort(([a], [b]) => a.localeCompare(b))).toString().replace(/\+/g, "%20");
  return createHmac("sha256", secret).update(text).digest("hex");
}

const proxied = {
  "a visitor": [["shop", shop], ["path_prefix", "/apps/upline"], ["timestamp", `${now}`], ["logged_in_customer_id", ""]],
  "a customer": [["shop", shop], ["path_prefix", "/apps/upline"], ["timestamp", `${now}`], ["logged_in_customer_id", "207119551"], ["code", "CYD10"]],
  "repeated values": [["extra", "1"], ["extra", "2"], ["shop", shop], ["path_prefix", "/apps/upline"], ["timestamp", `${now}`]],
  "keys of which one begins the other": [["a", "1"], ["a1", "2"], ["ab", "3"], ["shop", shop], ["timestamp", `${now}`]],
};

function proxyQueries() {
  return Object.fromEntries(Object.entries(proxied).map(([name, pairs]) => {
    const values = {};
    for (const [key, value] of pairs) (values[key] ??= []).push(value);
    const text = Object.keys(values).sort((a, b) => a.localeCompare(b)).map((key) => `${key}=${values[key].join(",")}`).join("");
    const signature = createHmac("sha256", secret).update(text).digest("hex");
    return [name, { query: `${new URLSearchParams([...pairs, ["signature", signature]])}` }];
  }));
}

// bodies are what the library sends to the token endpoint, to the byte.
async function bodies() {
  const sent = {};
  const send = async (name, f) => {
    setAbstractFetchFunc(async (url, options) => {
      sent[name] = { url: `${url}`, method: options.method, content_type: options.headers["Content-Type"], body: options.body };
      return new Response(JSON.stringify({ access_token: "t", scope: "read_orders", expires_in: 3600, refresh_token: "r", refresh_token_expires_in: 7776000 }),
        { status: 200, headers: { "Content-Type": "application/json" } });
    });
    await f();
  };
  await send("exchange", () => api.auth.tokenExchange({
    shop, sessionToken: token(claims()), requestedTokenType: RequestedTokenType.OfflineAccessToken, expiring: true,
  }));
  await send("refresh", () => api.auth.refreshToken({ shop, refreshToken: "shprt_<&>\u00e9" }));
  await send("migrate", () => api.auth.migrateToExpiringToken({ shop, nonExpiringOfflineAccessToken: "shpat_old" }));
  return sent;
}

export function withHmac(query) {
  return Object.fromEntries(new URLSearchParams(query));
}

export const judge = {
  session: (text) => agrees(() => api.session.decodeSessionToken(text)),
  query: (text) => agrees(() => api.utils.validateHmac(withHmac(text))),
  proxy: (text) => agrees(() => api.utils.validateHmac(new URLSearchParams(text), { signator: "appProxy" })),
  webhook: (body, hmac) => agrees(async () => (await api.webhooks.validate({ rawBody: body, rawRequest: webhookRequest(body, hmac) })).valid),
};

function webhookRequest(body, hmac) {
  return {
    method: "POST", url: "/webhooks/shopify",
    headers: {
      "x-shopify-hmac-sha256": hmac, "x-shopify-topic": "orders/paid", "x-shopify-shop-domain": shop,
      "x-shopify-api-version": "2026-10", "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    },
  };
}

function webhooks() {
  const all = { "plain": '{"id":820982911946154508}', "not ASCII": '{"name":"Zo\u00eb \u20ac \ud83d\ude80"}', "blanks at the end": '{"id": 1}\n\n' };
  return Object.fromEntries(Object.entries(all).map(([name, body]) => [name, { body, hmac: createHmac("sha256", secret).update(body).digest("base64") }]));
}

export function vectors() {
  return atNow(async () => {
    const v = { now, client_id: clientID, secret, old_secret: oldSecret, shop, sessions: {}, queries: await adminQueries(), proxied: proxyQueries(), webhooks: webhooks() };
    for (const [name, text] of Object.entries(sessionTokens())) v.sessions[name] = { token: text, official: await judge.session(text) };
    for (const q of Object.values(v.queries)) q.official = await judge.query(q.query);
    for (const q of Object.values(v.proxied)) q.official = await judge.proxy(q.query);
    for (const w of Object.values(v.webhooks)) w.official = await judge.webhook(w.body, w.hmac);
    v.old_secret_session = token(claims(), { key: oldSecret });
    v.bodies = await bodies();
    return v;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${JSON.stringify(await vectors(), null, 1)}\n`);
