// Measures the screens as on a slow phone: 1.6 Mbit/s, 150 ms round trip, processor four times slower. Prints the median
// of five loads (LCP, CLS), the worst of the interactions (INP), and what Lighthouse says of the same page.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
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

async function slowPage() {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await context.newPage();
  await page.addInitScript((k) => {
    sessionStorage.setItem("upline.key", k);
    window.seen = { lcp: 0, cls: 0, inp: 0 };
    new PerformanceObserver((l) => { for (const e of l.getEntries()) window.seen.lcp = e.startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.seen.cls += e.value; }).observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((l) => { for (const e of l.getEntries()) if (e.interactionId) window.seen.inp = Math.max(window.seen.inp, e.duration); }).observe({ type: "event", durationThreshold: 16, buffered: true });
  }, key);
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
  await page.keyboard.type("L1002", { delay: 60 });
  await page.getByRole("option", { name: /L1002/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForTimeout(1500);
  const { inp } = await page.evaluate(() => window.seen);
  await context.close();
  return inp;
}

const rows = [];
for (const [name, path] of [["overview", "/"], ["orders", "/orders"], ["order", `/orders/${order}`]]) rows.push([name, await loads(path)]);
for (const [name, { lcp, cls }] of rows) console.log(`${name.padEnd(10)} LCP ${String(lcp).padStart(5)} ms   CLS ${cls}`);
console.log(`worst interaction ${await interactions()} ms`);
await browser.close();

for (const [name, path] of [["sign-in", "/"], ["overview", `/#key=${key}`]]) {
  const out = `${process.env.UPLINE_TEST_DATA}.json`;
  const said = spawnSync(process.execPath, [lighthouse, url + path, "--quiet", "--output=json", `--output-path=${out}`, "--only-categories=performance,accessibility,best-practices",
    "--chrome-flags=--headless=new --no-sandbox"], { encoding: "utf8", env: { ...process.env, CHROME_PATH: executablePath } });
  if (said.status !== 0) console.log(`Lighthouse of ${name} failed: ${said.stderr.split("\n")[0]}`);
  else {
    const { categories, audits } = JSON.parse(readFileSync(out, "utf8"));
    const score = (id) => Math.round(categories[id].score * 100);
    console.log(`Lighthouse ${name.padEnd(9)} performance ${score("performance")}, accessibility ${score("accessibility")}, best practices ${score("best-practices")}, LCP ${audits["largest-contentful-paint"].displayValue}`);
    rmSync(out, { force: true });
  }
}
await stop();
