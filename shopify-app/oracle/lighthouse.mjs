// Measures the sample shop with and without the app embed by Lighthouse, the
// way Shopify looks at storefronts: mobile, performance.
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import { startStorefront } from "../browser/storefront.mjs";

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function measure(url, chrome) {
  const { lhr } = await lighthouse(url, { port: chrome.port, onlyCategories: ["performance"], logLevel: "error" });
  if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
  return {
    score: lhr.categories.performance.score * 100,
    lcp_ms: lhr.audits["largest-contentful-paint"].numericValue,
    tbt_ms: lhr.audits["total-blocking-time"].numericValue,
    cls: lhr.audits["cumulative-layout-shift"].numericValue,
  };
}

// compare returns {with, without}: medians over the runs, which take turns so
// that a busy machine slows both alike, and the best score among them: what
// else a machine does takes points away and never adds any.
export async function compare(runs = 3) {
  const shops = { with: await startStorefront(), without: await startStorefront({ embed: false }) };
  const found = { with: [], without: [] };
  const chrome = await launch({ chromePath: process.env.UPLINE_CHROMIUM, chromeFlags: ["--headless=new", "--no-sandbox"] });
  // The browser is in a process group of its own: a test run that is stopped
  // would leave it behind.
  const stopped = () => { chrome.kill(); process.exit(143); };
  process.once("SIGTERM", stopped);
  try {
    for (let i = 0; i < runs; i++) {
      for (const name of ["without", "with"]) found[name].push(await measure(`${shops[name].url}/products/p1?ref=ANA`, chrome));
    }
    if (shops.with.asked("/apps/upline/ref").length < runs) throw new Error("the embed did not do its work while it was measured");
  } finally {
    await Promise.all([shops.with.close(), shops.without.close()]);
    process.off("SIGTERM", stopped);
    await chrome.kill();
  }
  const middle = (list) => ({ ...Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((m) => m[key]))])), best: Math.max(...list.map((m) => m.score)) });
  return { with: middle(found.with), without: middle(found.without) };
}
