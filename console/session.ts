/** The admin token of this tab, and whether the gateway has refused it. */
import { tokenIn } from './route';

export type Access = 'unknown' | 'refused' | 'granted';

const key = 'weir-admin-token';
const listeners = new Set<() => void>();
let token = stored();
let access: Access = 'unknown';

export const currentToken = (): string | undefined => token;
export const currentAccess = (): Access => access;

/** Keeps the token until the tab is closed. */
export function keepToken(value: string): void {
  token = value;
  access = 'unknown';
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // Storage is switched off: the token is kept until the page is loaded again.
  }
  tell();
}

/** Keeps the token of the page's address, if it has one, and removes it there: it would stay in the browser's history. */
export function takeToken(): void {
  const given = tokenIn(location.hash);
  if (given === undefined) return;
  history.replaceState(undefined, '', location.pathname);
  keepToken(given);
}

/** Notes whether the gateway accepts this tab. */
export function noteAccess(value: Access): void {
  if (access === value) return;
  access = value;
  tell();
}

/** @returns what ends it */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(): void {
  for (const listener of listeners) listener();
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
