// Ports for servers under test.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

const isFree = (port) => new Promise((resolve) => {
  const probe = createServer().once("error", () => resolve(false)).listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
});

// freePort gives a port on which nothing listens. It is one that no machine gives to a connection, nor to a server that
// asks for any: those get ports from 32768 on. So it is still free when a server that was stopped comes back to it.
export async function freePort() {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
}
