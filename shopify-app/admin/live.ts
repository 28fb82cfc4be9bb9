// What the server says by itself: that something changed. The screens then read it again. Without that channel they are
// read again every so often, as long as somebody looks.

import { stale } from './data.ts';

const EVERY_MS = 10_000;
let running = 0;

export function startLive(): void {
  clearInterval(running);
  running = window.setInterval(() => { if (document.visibilityState === 'visible') void stale(); }, EVERY_MS);
}
