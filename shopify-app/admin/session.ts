// Who looks, and what they may do. The server enforces it; the screens hide what would be refused.

import { forgetEarly, key, useCsrf } from './api.ts';
import { client } from './data.ts';

export type Role = 'owner' | 'admin' | 'finance' | 'support' | 'viewer';
export const roles: Role[] = ['owner', 'admin', 'finance', 'support', 'viewer'];

export interface Session {
  kind: 'api_key' | 'person' | 'link' | 'shopify'; program_id: string; role: Role; actions: string[]; name: string; store_id?: string;
  person?: { person_id: string; email: string; name: string; has_password: boolean; has_totp: boolean };
  programs: { program_id: string; name: string; role: Role }[]; csrf_token?: string;
}

export const SESSION = '/api/v1/session';
let now: Session | undefined;

export function useSession(session: Session | undefined): void {
  now = session;
  useCsrf(session?.csrf_token ?? '');
}
/** Who looks, in one word; what a browser keeps is theirs alone. */
export const whoLooks = (): string => (now ? `${now.program_id}/${now.person?.person_id ?? `${now.kind}/${now.name}`}` : '');
export const may = (action: string): boolean => now?.actions.includes(action) ?? false;

/** Takes the session that a sign-in answered with. What somebody else may have read here is forgotten. */
export function enter(session: Session): void {
  if (now && (now.program_id !== session.program_id || now.person?.person_id !== session.person?.person_id)) client.clear();
  key.set('');
  forgetEarly();
  useSession(session);
  client.setQueryData([SESSION], session);
  void client.invalidateQueries();
}

export function leave(): void {
  key.set('');
  forgetEarly();
  useSession(undefined);
  client.clear();
}
