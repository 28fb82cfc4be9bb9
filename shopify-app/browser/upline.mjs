// Runs the real server, and a Shopify for it to talk to, for one test.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../.ci/node/port.mjs";

const top = fileURLToPath(new URL("../../", import.meta.url));
export const binary = process.env.UPLINE_BINARY || join(top, "bin/upline");
const worldBinary = process.env.UPLINE_SHOPIFYWORLD || join(top, "bin/shopifyworld");
export const CLIENT_ID = "0123456789abcdef0123456789abcdef";
export const SECRET = "shpss_a-secret-of-the-tests-alone";

// firstLine waits for a child's first line, and fails with what it said when
// it ends before.
export function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    child.on("exit", (code) => reject(new Error(`it ended with ${code}: ${text}`)));
  });
}

export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}

// startUpline gives {url, world(path, body), cli(...args), stop(), restart()}. Shops are those that could
// install the app; prepare(cli) runs before the server starts.
export async function startUpline({ shops = ["sample.myshopify.com"], prepare = () => {}, env = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "upline-story-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const worldProcess = spawn(worldBinary, ["--app", url, "--client-id", CLIENT_ID, "--secret", SECRET, ...shops], { stdio: ["pipe", "pipe", "inherit"] });
  const { shopify, control } = JSON.parse(await firstLine(worldProcess));
  const settings = {
    ...process.env, UPLINE_DATA: join(folder, "data"), UPLINE_ADDR: `127.0.0.1:${port}`, DATABASE_URL: "", UPLINE_LOG_FORMAT: "json",
    SHOPIFY_API_KEY: CLIENT_ID, SHOPIFY_API_SECRET: SECRET, SHOPIFY_API_SECRET_OLD: "", UPLINE_SHOPIFY_TEST_HOST: shopify, ...env,
  };
  const cli = (...args) => execFileSync(binary, args, { env: settings, encoding: "utf8", cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let server;
  const start = async () => {
    server = spawn(binary, ["serve"], { env: settings, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    server.stderr.on("data", (part) => { log += part; });
    for (const end = Date.now() + 60_000; ;) {
      const up = await fetch(`${url}/readyz`).then((r) => r.ok, () => false);
      if (up) return;
      if (Date.now() > end || server.exitCode !== null) throw new Error(`the server does not start: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const stop = async () => {
    await end(server);
    worldProcess.stdin.end();
    await end(worldProcess);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await prepare(cli, folder);
    await start();
  } catch (error) {
    if (server) await end(server);
    await end(worldProcess);
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  // world does something in Shopify: world("POST", "/webhook", {shop, topic}, body).
  const world = async (method, path, query, body) => {
    const answer = await fetch(`${control}${path}?${new URLSearchParams(query)}`, { method, body });
    return { status: answer.status, text: await answer.text() };
  };
  return { url, shop: shops[0], world, cli, stop, folder, log: () => log };
}
