// The API, with whatever proves who asks: the session's cookie, a key kept in this tab, or the Shopify admin's token.

import { t } from '#text';

/** A failed answer; the message is the server's own sentence. Status 0: there was no answer at all. */
export class Failure extends Error {
  readonly status: number;
  readonly field: string;
  readonly errors: readonly { field: string; detail: string }[];
  readonly requestId: string;
  constructor(status: number, body: Partial<{ detail: string; field: string; errors: { field: string; detail: string }[]; request_id: string }> | null) {
    super(body?.detail ?? (status === 0 ? t('error.no_answer') : t('error.status', { status: String(status) })));
    this.status = status;
    this.field = body?.field ?? '';
    this.errors = body?.errors ?? [];
    this.requestId = body?.request_id ?? '';
  }
}

interface Bridge { idToken(): Promise<string> }
const bridge = (): Bridge | undefined => {
  const b = (globalThis as { shopify?: Partial<Bridge> }).shopify;
  return b?.idToken ? (b as Bridge) : undefined;
};
/** Are we a frame of Shopify's admin? Then no cookie may be needed, and storage may be closed. */
export const embedded = (): boolean => document.documentElement.dataset.embedded !== undefined;

// ---- the key of this tab ----------------------------------------------------

const PLACE = 'upline.key';
let memory = '';
export const key = {
  get(): string {
    try {
      return sessionStorage.getItem(PLACE) ?? memory;
    } catch {
      return memory;
    }
  },
  set(value: string): void {
    memory = value;
    try {
      if (value) sessionStorage.setItem(PLACE, value);
      else sessionStorage.removeItem(PLACE);
    } catch { /* memory holds it until the tab is closed */ }
  },
};

// ---- one request --------------------------------------------------------------

let csrf = '';
export const useCsrf = (token: string): void => { csrf = token; };

let whenSignedOut = (): void => undefined;
/** Called when the server no longer knows us. What is on the screen stays there. */
export const onSignedOut = (then: () => void): void => { whenSignedOut = then; };

/** Slow is told after a while by whoever waits; this long a request may take before it counts as no answer. */
const PATIENCE_MS = 20_000;

async function proof(): Promise<Record<string, string>> {
  const b = bridge();
  if (embedded() && b) return { Authorization: `Bearer ${await b.idToken()}` };
  if (key.get()) return { Authorization: `Bearer ${key.get()}` };
  return csrf ? { 'X-Upline-CSRF': csrf } : {};
}

// ---- what the page asked before we were there --------------------------------------

declare global { var begun: Record<string, Promise<Response>> | undefined }

/** How long after the page began an answer still is of now. */
const EARLY_MS = 15_000;

/** The answer that the page's head asked for already; each is taken once. */
function taken(path: string): Promise<Response> | undefined {
  const found = globalThis.begun?.[path];
  if (found) delete globalThis.begun?.[path];
  return performance.now() < EARLY_MS ? found : undefined;
}

/** Somebody else looks now: what was asked before is of nobody's interest. */
export const forgetEarly = (): void => { globalThis.begun = undefined; };

export interface Call { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal; quiet?: boolean; endless?: boolean }

async function once(path: string, call: Call): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...(await proof()), ...call.headers };
  const raw = call.body instanceof Blob || typeof call.body === 'string';
  if (call.body !== undefined && !raw) headers['Content-Type'] = 'application/json';
  const early = call.method === undefined ? taken(path) : undefined;
  if (early) {
    const answer = await early.catch(() => undefined); // what did not work so early is asked again
    if (call.signal?.aborted) throw call.signal.reason;
    if (answer) return answer;
  }
  const ends = [call.signal, call.endless ? undefined : AbortSignal.timeout(PATIENCE_MS)].filter((s) => s !== undefined);
  try {
    return await fetch(path, {
      method: call.method ?? 'GET', headers, cache: 'no-store', credentials: embedded() || key.get() ? 'omit' : 'same-origin',
      body: call.body === undefined ? undefined : raw ? (call.body as BodyInit) : JSON.stringify(call.body),
      signal: AbortSignal.any(ends),
    });
  } catch (error) {
    if (call.signal?.aborted) throw error;
    throw new Failure(0, null);
  }
}

/** The answer itself; throws a Failure unless it is a good one. */
export async function open(path: string, call: Call = {}): Promise<Response> {
  const asked = csrf;
  let answer = await once(path, call);
  if (answer.status === 401 && embedded() && bridge()) answer = await once(path, call); // a token lives a minute; a new one may do
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null) as ConstructorParameters<typeof Failure>[1];
  if (answer.status === 401) forgetEarly();
  if (answer.status === 401 && !call.quiet && asked === csrf) whenSignedOut(); // who has signed in meanwhile is not meant
  throw new Failure(answer.status, body);
}

/** The answer's JSON with its ETag, where it has one. */
export async function ask<T>(path: string, call: Call = {}): Promise<T> {
  const answer = await open(path, call);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const post = <T>(path: string, body: unknown, call: Call = {}): Promise<T> => ask<T>(path, { method: 'POST', body, ...call });

/** A path with a query; empty values are left out. */
export function at(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).filter(([, v]) => v !== '' && v !== undefined).map(([k, v]) => [k, String(v)]);
  return given.length > 0 ? `${path}?${new URLSearchParams(given as [string, string][])}` : path;
}
