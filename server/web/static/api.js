// The API with the key of this tab. The key lives in the session's storage, or in memory where a browser refuses that.

const PLACE = 'upline.key';
let memory = '';

export const key = {
  get() {
    try {
      return sessionStorage.getItem(PLACE) ?? memory;
    } catch {
      return memory;
    }
  },
  set(value) {
    memory = value;
    try {
      if (value) {
        sessionStorage.setItem(PLACE, value);
      } else {
        sessionStorage.removeItem(PLACE);
      }
    } catch { /* memory holds it until the tab is closed */ }
  },
};

/** A failed answer; detail is the server's own sentence. */
export class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** GET a path; throws a Failure, with status 0 where there was no answer at all. */
export async function get(path, withKey = key.get()) {
  let answer;
  try {
    answer = await fetch(path, {
      headers: withKey ? { Authorization: `Bearer ${withKey}` } : {},
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new Failure(0, 'Upline does not answer. Is it running?');
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new Failure(answer.status, body?.detail ?? `the server answered ${answer.status}`);
  }
  return body;
}

/** A path with a query; empty values are left out. */
export function at(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
