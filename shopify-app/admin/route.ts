// Addresses. A click on any link of ours, be it an anchor or one of Shopify's elements, changes the screen without
// loading the page again; everything a screen is about stands in its address, so that it can be kept and sent.

import { useEffect, useState } from 'preact/hooks';

export interface Place { path: string; query: URLSearchParams }

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });
const listeners = new Set<() => void>();
const tell = (): void => listeners.forEach((f) => f());

/** What App Bridge puts into the address; it stays there, because its reload needs it. */
const kept = ['shop', 'host', 'embedded', 'locale'];

export function go(href: string, replace = false): void {
  const to = new URL(href, location.href);
  for (const name of kept) {
    const value = new URLSearchParams(location.search).get(name);
    if (value !== null && !to.searchParams.has(name)) to.searchParams.set(name, value);
  }
  if (!replace) left.set(location.pathname, location.pathname + location.search);
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  if (!replace) scrollTo(0, 0);
  tell();
}

/** The address of a list as it was when somebody left it, so that the way back keeps its filters. */
const left = new Map<string, string>();
export const backTo = (path: string): string => left.get(path) ?? path;

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const changed = (): void => set(here());
    listeners.add(changed);
    return () => { listeners.delete(changed); };
  }, []);
  return place;
}

/** Changes some of the address's query; '' takes a name out. */
export function refine(change: Record<string, string>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ''), true);
}

/** Does the address lead out of the screens? */
const outside = /^\/(api|webhooks|metrics|healthz|readyz|r|sso|shopify|assets)(\/|$)/;

function clicked(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.composedPath().find((el): el is HTMLElement => el instanceof HTMLElement && el.hasAttribute('href'));
  const href = link?.getAttribute('href');
  if (!link || !href?.startsWith('/') || href.startsWith('//') || link.hasAttribute('download') || link.getAttribute('target') || outside.test(href)) return;
  event.preventDefault();
  go(href);
}

export function startRouting(): void {
  addEventListener('popstate', tell);
  document.addEventListener('click', clicked);
  // App Bridge tells of a click in the admin's own navigation this way.
  document.addEventListener('shopify:navigate', (event) => {
    const href = (event.target as HTMLElement | null)?.getAttribute('href');
    if (href) go(href);
  });
}
