// Starts bin/upline twice on free ports: with the demo company, and empty. What the tests need to know is in the
// environment.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../.ci/node/port.mjs";
import { provider } from "./provider.mjs";

const upline = fileURLToPath(new URL("../../../bin/upline", import.meta.url));

async function serve(data, env = {}, host = "127.0.0.1") {
  const port = await freePort();
  const url = `http://${host}:${port}`;
  const server = spawn(upline, ["serve", "--data", data, "--addr", `127.0.0.1:${port}`, "--log-level", "error"], {
    stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, UPLINE_PUBLIC_URL: url, UPLINE_TEST_LOOPBACK_SHOPS: "true", ...env },
  });
  let said = "";
  server.stdout.on("data", (chunk) => { said += chunk; });
  for (const end = Date.now() + 60_000; Date.now() < end && server.exitCode === null;) {
    if (await fetch(`${url}/readyz`).then((r) => r.ok, () => false)) return { url, server, said: () => said };
    await new Promise((r) => setTimeout(r, 100));
  }
  server.kill();
  throw new Error("upline serve does not answer");
}

export default async function setup() {
  const folder = mkdtempSync(join(tmpdir(), "upline-screens-"));
  const demo = JSON.parse(execFileSync(upline, ["demo", "--json", "--data", join(folder, "demo"), "--log-level", "error"], { encoding: "utf8", maxBuffer: 1 << 24 }));
  const full = await serve(join(folder, "demo"));
  const vouches = await provider("ada@example.com");
  // A passkey belongs to a name, and an address is none.
  const empty = await serve(join(folder, "empty"), { UPLINE_OIDC_ISSUER: vouches.issuer, UPLINE_OIDC_CLIENT_ID: "upline", UPLINE_OIDC_CLIENT_SECRET: "secret", UPLINE_OIDC_NAME: "Acme ID" }, "localhost");
  Object.assign(process.env, {
    UPLINE_TEST_URL: full.url, UPLINE_TEST_KEY: demo.api_key, UPLINE_TEST_EMPTY: empty.url,
    UPLINE_TEST_SETUP: /(\S+\/setup#\S+)/.exec(empty.said())?.[1] ?? "", UPLINE_TEST_DATA: join(folder, "demo"),
  });
  return async () => {
    vouches.close();
    for (const { server } of [full, empty]) {
      server.kill("SIGTERM");
      await new Promise((r) => (server.exitCode === null ? server.once("exit", r) : r()));
    }
    rmSync(folder, { recursive: true, force: true });
  };
}
