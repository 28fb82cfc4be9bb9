// A Magento store for one test: it runs the shop, and does there what the merchant does.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { end, firstLine } from "./upline.mjs";

const binary = join(fileURLToPath(new URL("../../", import.meta.url)), "bin/magentoworld");

// magentoWorld gives {shop, post(what, fields), told(), stop()}.
export async function magentoWorld() {
  const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] });
  const { shop, control } = JSON.parse(await firstLine(child));
  return {
    shop,
    post: (what, fields) => fetch(`${control}/${what}`, { method: "POST", body: new URLSearchParams(fields) }),
    told: () => fetch(`${control}/told`).then((answer) => answer.json()),
    stop: () => { child.stdin.end(); return end(child); },
  };
}
