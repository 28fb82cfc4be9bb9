// Views of lists that somebody keeps. The server has them, so that they are there on every device and inside a frame that
// may store nothing; this browser keeps a copy, and what the server could not take, until it can.

import { useEffect, useState } from 'preact/hooks';
import { toast } from '#ui';
import { t } from '#text';
import { Failure, ask, post } from './api.ts';
import { client, useGet, type Page, type Remote } from './data.ts';
import { may, whoLooks } from './session.ts';

/** A view without an id is one that the server does not have yet. */
export interface View { view_id?: string; list: string; name: string; query: string; shared: boolean; mine: boolean }

const api = '/api/v1/views';
const place = 'upline.views';

/** What this tab knows, where nothing can be stored. */
let memory: View[] = [];

const isView = (v: unknown): v is View => ['list', 'name', 'query'].every((part) => typeof (v as Record<string, unknown> | null)?.[part] === 'string');

/** The browser's copy, as far as it is of whoever looks. */
function copy(): View[] {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? 'null') as { of?: string; views?: unknown[] } | null;
    return kept?.of === whoLooks() ? (kept.views ?? []).filter(isView) : [];
  } catch {
    return memory;
  }
}

/** Whether the copy outlives this tab. */
function keepCopy(views: View[]): boolean {
  memory = views;
  try {
    localStorage.setItem(place, JSON.stringify({ of: whoLooks(), views }));
    return true;
  } catch {
    return false;
  }
}

const same = (a: View, b: View): boolean => a.list === b.list && a.name === b.name;
const put = (v: View): Promise<View> => post<View>(api, { list: v.list, name: v.name, query: v.query, shared: v.shared });
const others = (views: View[], v: View): View[] => views.filter((x) => !(x.mine && same(x, v)));

/** No answer, or none that says anything of the view. */
const isAway = (e: unknown): boolean => e instanceof Failure && (e.status === 0 || e.status >= 500);

export interface Kept { views: View[]; keep(v: View): Promise<boolean>; drop(v: View): Promise<boolean> }

/** The views of a list, and how to keep and drop one; both tell whether it is done, and say why where it is not. */
export function useViews(list: string): Kept {
  const read: Remote<Page<View>> = useGet<Page<View>>(api);
  const [here, setHere] = useState(copy);
  const there = read.data?.data;
  const set = (views: View[]): boolean => { setHere(views); return keepCopy(views); };
  useEffect(() => { // the server answered: the copy is renewed, and it is given what it does not have
    if (!there) return;
    const missing = copy().filter((v) => !v.view_id && !there.some((x) => x.mine && same(x, v)));
    set([...there, ...missing]);
    if (missing.length > 0) {
      void Promise.allSettled(missing.map(put)).then((done) => {
        if (done.some((d) => d.status === 'fulfilled')) void client.invalidateQueries({ queryKey: [api] });
      });
    }
  }, [read.at]);
  const answered = (change: (views: View[]) => View[]): void => {
    client.setQueryData<Page<View>>([api], (page) => page && { ...page, data: change(page.data) });
    set(change(copy()));
  };
  const failed = (e: unknown): boolean => { toast((e as Error).message); return false; };
  const keep = async (v: View): Promise<boolean> => {
    try {
      const made = await put(v);
      answered((views) => [...others(views, v), made]);
    } catch (e) {
      if (!isAway(e)) return failed(e);
      toast(set([...others(copy(), v), { ...v, view_id: undefined }]) ? t('list.view_here') : t('list.view_not_kept'));
    }
    return true;
  };
  const drop = async (v: View): Promise<boolean> => {
    try {
      if (v.view_id) await ask(`${api}/${encodeURIComponent(v.view_id)}`, { method: 'DELETE' });
    } catch (e) {
      if (!(e instanceof Failure && e.status === 404)) return failed(e); // gone is gone
    }
    answered((views) => views.filter((x) => !(x.view_id === v.view_id && same(x, v))));
    return true;
  };
  const shown = there ? [...there, ...here.filter((v) => !v.view_id && !there.some((x) => x.mine && same(x, v)))] : here;
  return { views: shown.filter((v) => v.list === list), keep, drop };
}

/** Whether whoever looks may take a view away. */
export const mayDrop = (v: View): boolean => v.mine || may('settings.manage');
