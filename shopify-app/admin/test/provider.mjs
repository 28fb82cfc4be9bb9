// An OpenID Connect provider that vouches for one address, as an identity provider would after its own sign-in.
import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Starts the provider; email is whom it vouches for. */
export async function provider(email) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const journeys = new Map();
  const server = createServer((request, response) => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const at = new URL(request.url, issuer);
    const say = (value, status = 200) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    if (at.pathname === "/.well-known/openid-configuration") {
      say({ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys`, id_token_signing_alg_values_supported: ["RS256"], response_types_supported: ["code"], subject_types_supported: ["public"] });
    } else if (at.pathname === "/keys") {
      say({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }] });
    } else if (at.pathname === "/authorize") {
      const code = `code-${journeys.size}`;
      journeys.set(code, at.searchParams);
      response.writeHead(302, { Location: `${at.searchParams.get("redirect_uri")}?${new URLSearchParams({ code, state: at.searchParams.get("state") })}` }).end();
    } else if (at.pathname === "/token") {
      let body = "";
      request.on("data", (chunk) => { body += chunk; }).on("end", () => {
        const form = new URLSearchParams(body), asked = journeys.get(form.get("code"));
        journeys.delete(form.get("code"));
        const proof = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
        if (!asked || proof !== asked.get("code_challenge")) return say({ error: "invalid_grant" }, 400);
        const now = Math.floor(Date.now() / 1000);
        const text = `${part({ alg: "RS256", kid: "1", typ: "JWT" })}.${part({ iss: issuer, aud: asked.get("client_id"), sub: "person-1", email, email_verified: true, nonce: asked.get("nonce"), iat: now, exp: now + 300 })}`;
        return say({ access_token: "none", token_type: "Bearer", id_token: `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}` });
      });
    } else say({ error: "not_found" }, 404);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { issuer: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
