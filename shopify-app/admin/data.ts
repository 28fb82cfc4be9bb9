// What the screens show, kept and refreshed: on a message of the server, when the tab is looked at again, and when the
// network is back. What was read stays on the screen while it is read again, and when it cannot be.

import { QueryClient, keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/preact-query';
import { useCallback, useMemo } from 'preact/hooks';
import { Failure, ask, at } from './api.ts';

/** names are what the distributors of the rows are called, by id. */
export interface Page<T> { data: T[]; next_cursor: string; names?: Record<string, string> }

const FRESH_MS = 15_000;

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS, gcTime: 300_000, networkMode: 'always',
      // Only what may heal by itself is asked again.
      retry: (times, error) => times < 2 && (!(error instanceof Failure) || error.status === 0 || error.status === 503),
      retryDelay: (n) => 600 * 2 ** n,
    },
  },
});

/** Takes what the page's head asked for into what was read, as far as it is there within so many milliseconds: the first thing drawn is then the screen itself. */
export async function takeEarly(within: number): Promise<void> {
  const begun = globalThis.begun ?? {};
  const take = async (path: string): Promise<void> => {
    const answer = await begun[path];
    if (!answer?.ok || !begun[path]) return; // whoever asks for it hears why
    delete begun[path];
    const data: unknown = await answer.json();
    if (/[?&]limit=/.test(path)) client.setQueryData(['list', path], { pages: [data], pageParams: [''] });
    else client.setQueryData([path], data);
  };
  await Promise.race([Promise.allSettled(Object.keys(begun).map(take)), new Promise((r) => setTimeout(r, within))]);
}

export interface Remote<T> { data: T | undefined; error: Failure | undefined; again(): void; loading: boolean; at: number }

/** One answer. An empty path asks nothing. */
export function useGet<T>(path: string, every?: number): Remote<T> {
  const q = useQuery({
    queryKey: [path], enabled: path !== '', refetchInterval: every ?? false,
    queryFn: ({ signal }: { signal: AbortSignal }) => ask<T>(path, { signal }),
  }, client);
  return { data: q.data as T | undefined, error: (q.error ?? undefined) as Failure | undefined, again: () => void q.refetch(), loading: q.isLoading, at: q.dataUpdatedAt };
}

export interface List<T> extends Remote<T[]> { onMore?: () => void; loadingMore: boolean; names?: Record<string, string> }

/** Rows of a list, page after page as they are asked for. */
export function useList<T>(path: string, query: Record<string, string | undefined>, limit = 50): List<T> {
  const base = at(path, { ...query, limit });
  const q = useInfiniteQuery({
    queryKey: ['list', base], initialPageParam: '', placeholderData: keepPreviousData,
    queryFn: ({ pageParam, signal }: { pageParam: string; signal: AbortSignal }) => ask<Page<T>>(at(path, { ...query, limit, after: pageParam }), { signal }),
    getNextPageParam: (last: Page<T>) => last.next_cursor || undefined,
  }, client);
  const pages = q.data?.pages as Page<T>[] | undefined;
  const data = useMemo(() => pages?.flatMap((p) => p.data), [pages]);
  const names = useMemo(() => Object.assign({}, ...(pages?.map((p) => p.names) ?? [])) as Record<string, string>, [pages]);
  const next = q.fetchNextPage;
  const more = useCallback(() => { void next(); }, [next]);
  return {
    data, names, error: (q.error ?? undefined) as Failure | undefined, again: () => void q.refetch(), loading: q.isLoading, at: q.dataUpdatedAt,
    onMore: q.hasNextPage ? more : undefined, loadingMore: q.isFetchingNextPage,
  };
}

/** What was read is old now: it is read again where it is on the screen, and when it comes there. */
export const stale = (): Promise<void> => client.invalidateQueries();

/** A list of so many pages is not read again page by page each time that something changes somewhere, only when somebody asks. */
const DEEP = 5;

/** The same where nobody asked for it. */
export const refresh = (): Promise<void> => client.invalidateQueries({
  predicate: (q) => ((q.state.data as { pages?: unknown[] } | undefined)?.pages?.length ?? 0) <= DEEP,
});
export { useQueryClient };
