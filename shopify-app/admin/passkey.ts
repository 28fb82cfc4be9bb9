// Passkeys: the server's options go to the browser, and what its authenticator answers goes back.

import { post } from './api.ts';
import type { Session } from './session.ts';

interface Ceremony { ceremony_id: string; options: { publicKey: Record<string, unknown> } }
interface Parsers {
  parseCreationOptionsFromJSON(json: unknown): PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON(json: unknown): PublicKeyCredentialRequestOptions;
}

const parsers = (): Parsers | undefined => {
  const known = (globalThis as { PublicKeyCredential?: Partial<Parsers> }).PublicKeyCredential;
  return known?.parseCreationOptionsFromJSON && known.parseRequestOptionsFromJSON ? (known as Parsers) : undefined;
};

/** Can this browser do passkeys at all? */
export const passkeys = (): boolean => parsers() !== undefined;

const toJSON = (credential: Credential | null): unknown => (credential as PublicKeyCredential | null)?.toJSON();

export async function signInByPasskey(): Promise<Session> {
  const c = await post<Ceremony>('/api/auth/passkey/begin', {}, { quiet: true });
  const publicKey = parsers()?.parseRequestOptionsFromJSON(c.options.publicKey);
  return post<Session>('/api/auth/passkey', { ceremony_id: c.ceremony_id, credential: toJSON(await navigator.credentials.get({ publicKey })) }, { quiet: true });
}

export async function addPasskey(name: string): Promise<void> {
  const c = await post<Ceremony>('/api/v1/account/passkeys/begin', {});
  const publicKey = parsers()?.parseCreationOptionsFromJSON(c.options.publicKey);
  await post('/api/v1/account/passkeys/finish', { ceremony_id: c.ceremony_id, name, credential: toJSON(await navigator.credentials.create({ publicKey })) });
}
