// What the server says by itself: that something changed. The screens then read it again. Where that channel does not
// hold they are read again every so often, as long as somebody looks.

import { open } from './api.ts';
import { refresh } from './data.ts';

const EVERY_MS = 15_000;
const QUIET_MS = 1000; // several changes within it are read once

let stop = new AbortController();
let polling = 0;
let pending = 0;

/** Reads again soon; a tab that nobody looks at reads when it is looked at. */
function changed(): void {
  if (document.visibilityState !== 'visible') return;
  pending ||= window.setTimeout(() => { pending = 0; void refresh(); }, QUIET_MS);
}

/** Tells of each event named change. An EventSource cannot send what proves who asks, so the stream is read here. */
async function listen(signal: AbortSignal): Promise<void> {
  const answer = await open('/api/v1/events', { headers: { Accept: 'text/event-stream' }, signal, quiet: true, endless: true });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let text = '', first = true;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (!/^event: ?change$/m.test(event)) continue;
      if (!first) changed(); // the first one says how things are, and that is on the screen
      first = false;
    }
  }
}

async function follow(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await listen(signal).catch(() => undefined);
    if (signal.aborted) return;
    await new Promise((r) => setTimeout(r, 3000));
  }
}

export function startLive(): void {
  stop.abort();
  stop = new AbortController();
  void follow(stop.signal);
  clearInterval(polling);
  polling = window.setInterval(() => { if (document.visibilityState === 'visible') void refresh(); }, EVERY_MS);
  document.addEventListener('visibilitychange', changed, { signal: stop.signal });
}
