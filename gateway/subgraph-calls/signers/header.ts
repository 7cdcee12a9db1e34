import type { Signer } from '../signer';

/** Sends a value that is always the same: an API key, a token that somebody has made out. */
export function staticHeader(name: string, value: string): Signer {
  const header = name.toLowerCase();
  const headers = [header, value];
  return { headers: [header], sign: () => headers };
}
