// Measures the screens as on a slow phone: 1.6 Mbit/s, 150 ms round trip, processor four times slower. Prints the median
// of five loads (LCP, CLS), the worst of the interactions (INP), and what Lighthouse says of the same page.
//
// UPLINE_BENCH_COMPANY names a folder that `upline bench api --keep` filled on SQLite: the interactions are then measured
// in its lists too, of a million orders and 100,000 people. The first lines say how busy the machine was.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import setup from "./serve.mjs";

const executablePath = process.env.UPLINE_CHROMIUM || "/usr/bin/chromium";
const lighthouse = fileURLToPath(new URL("../../oracle/node_modules/lighthouse/cli/index.js", import.meta.url));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const stop = await setup();
const url = process.env.UPLINE_TEST_URL, key = process.env.UPLINE_TEST_KEY;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const order = (await (await fetch(`${url}/api/v1/orders?search=%231001`, { headers: { Authorization: `Bearer ${key}` } })).json()).data[0].order_id;

async function slowPage(proof = key) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await context.newPage();
  await page.addInitScript((k) => {
    sessionStorage.setItem("upline.key", k);
    window.seen = { lcp: 0, cls: 0, inp: 0 };
    new PerformanceObserver((l) => { for (const e of l.getEntries()) window.seen.lcp = e.startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.seen.cls += e.value; }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((l) => { for (const e of l.getEntries()) if (e.interactionId) window.seen.inp = Math.max(window.seen.inp, e.duration); }).observe({ type: "event", durationThreshold: 16, buffered: true });
  }, proof);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 94_000 });
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  return { page, context };
}

async function loads(path) {
  const lcp = [], cls = [];
  for (let i = 0; i < 5; i++) {
    const { page, context } = await slowPage();
    await page.goto(url + path);
    await page.locator("h1").waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" }).catch(() => undefined);
    await page.waitForTimeout(2500); // the stream of changes never ends, so the network is never idle
    const seen = await page.evaluate(() => window.seen);
    lcp.push(seen.lcp);
    cls.push(seen.cls);
    await context.close();
  }
  return { lcp: Math.round(median(lcp)), cls: Number(Math.max(...cls).toFixed(3)) };
}

/** The worst interaction of a walk: to a list, into its search, to a row, through the palette. */
async function interactions() {
  const { page, context } = await slowPage();
  await page.goto(url);
  await page.getByText("From store to ledger").waitFor();
  await page.getByRole("navigation").getByRole("link", { name: /^Orders/ }).click();
  await page.getByRole("searchbox").fill("#1001");
  await page.getByRole("link", { name: "#1001", exact: true }).click();
  await page.getByRole("button", { name: "Re-check" }).click();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("combobox").waitFor();
  await page.keyboard.type("L1002", { delay: 60 });
  await page.getByRole("option", { name: /L1002/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForTimeout(1500);
  const { inp } = await page.evaluate(() => window.seen);
  await context.close();
  return inp;
}

/** The worst interactions of a walk through lists that are long, each by its name. */
async function longLists(at, proof) {
  const { page, context } = await slowPage(proof);
  const worst = {};
  const during = async (name, act) => {
    await page.evaluate(() => { window.seen.inp = 0; });
    await act();
    await page.locator(".loading, .table-end [role=status]").waitFor({ state: "detached", timeout: 30_000 }).catch(() => undefined);
    await page.waitForTimeout(600);
    worst[name] = (await page.evaluate(() => window.seen.inp));
  };
  await page.goto(`${at}/distributors`);
  await page.locator("tr[data-row]").first().waitFor();
  await during("typing in the search of people", () => page.getByRole("searchbox").pressSequentially("D10500", { delay: 90 }));
  await during("taking the search back", () => page.getByRole("searchbox").fill(""));
  for (let i = 0; i < 30; i++) { // as far as somebody scrolls
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.waitForTimeout(400);
  }
  const rows = Number(await page.locator("table").getAttribute("aria-rowcount").then(() => page.locator("tr[data-row]").last().getAttribute("aria-rowindex")));
  await during(`the palette over ${rows} rows`, async () => { await page.keyboard.press("Control+k"); await page.getByRole("dialog").getByRole("combobox").waitFor(); await page.keyboard.type("D1005", { delay: 90 }); await page.keyboard.press("Escape"); });
  await during("to the orders", () => page.getByRole("navigation").getByRole("link", { name: /^Orders/ }).click());
  await page.locator("tr[data-row]").first().waitFor();
  await during("opening a filter", async () => { await page.getByRole("combobox").first().focus(); await page.keyboard.press("ArrowDown"); });
  await during("another view", () => page.getByRole("button", { name: "Parked", exact: true }).click());
  await during("to an order", () => page.locator("a.row-link").first().click());
  await context.close();
  return worst;
}

const busy = () => `load ${loadavg().map((n) => n.toFixed(1)).join(" ")}`;
console.log(busy());
const screens = [["overview", "/"], ["orders", "/orders"], ["order", `/orders/${order}`], ["distributors", "/distributors"], ["distributor", "/distributors/L1002"],
  ["products", "/products"], ["commissions", "/commissions"], ["deliveries", "/deliveries"]];
for (const [name, path] of screens) {
  const { lcp, cls } = await loads(path);
  console.log(`${name.padEnd(12)} LCP ${String(lcp).padStart(5)} ms   CLS ${cls}`);
}
console.log(`worst interaction ${await interactions()} ms`);
if (process.env.UPLINE_BENCH_COMPANY) {
  const folder = process.env.UPLINE_BENCH_COMPANY, company = JSON.parse(readFileSync(`${folder}/bench.json`, "utf8"));
  const addr = "127.0.0.1:19650", upline = fileURLToPath(new URL("../../../bin/upline", import.meta.url));
  const server = spawn(upline, ["serve", "--data", `${folder}/data`, "--addr", addr, "--log-level", "error"], { stdio: ["ignore", "ignore", "inherit"] });
  for (let tries = 0; tries < 300 && !await fetch(`http://${addr}/readyz`).then((r) => r.ok, () => false); tries++) await new Promise((r) => setTimeout(r, 100));
  for (const [name, inp] of Object.entries(await longLists(`http://${addr}`, company.key))) console.log(`${name.padEnd(34)} ${String(inp).padStart(4)} ms`);
  server.kill("SIGTERM");
  await new Promise((r) => (server.exitCode === null ? server.once("exit", r) : r()));
}
await browser.close();

const lighthouses = [["sign-in", "/"], ...screens.filter(([name]) => ["overview", "orders", "order", "distributors", "products"].includes(name)).map(([name, path]) => [name, `${path}#key=${key}`])];
// Lighthouse now and then misses where the page begins, and says so; then it is asked again.
const lighthouseOf = (path) => {
  const out = `${process.env.UPLINE_TEST_DATA}.json`;
  for (let tries = 0, said; ; tries++) {
    said = spawnSync(process.execPath, [lighthouse, url + path, "--quiet", "--output=json", `--output-path=${out}`, "--only-categories=performance,accessibility,best-practices",
      "--chrome-flags=--headless=new --no-sandbox"], { encoding: "utf8", env: { ...process.env, CHROME_PATH: executablePath } });
    if (said.status !== 0 && tries < 2) continue;
    if (said.status !== 0) return { failed: said.stderr.split("\n")[0] };
    const told = JSON.parse(readFileSync(out, "utf8"));
    rmSync(out, { force: true });
    return told;
  }
};
for (const [name, path] of lighthouses) {
  const { failed, categories, audits } = lighthouseOf(path);
  if (failed) {
    console.log(`Lighthouse of ${name} failed: ${failed}`);
    continue;
  }
  const score = (id) => Math.round(categories[id].score * 100);
  console.log(`Lighthouse ${name.padEnd(12)} performance ${score("performance")}, accessibility ${score("accessibility")}, best practices ${score("best-practices")}, LCP ${audits["largest-contentful-paint"].displayValue}`);
}
console.log(busy());
await stop();
