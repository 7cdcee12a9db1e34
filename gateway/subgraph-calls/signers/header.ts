import type { Signer } from '../contract/signer';

/** Sends a constant value, such as an API key or a long-lived token. */
export function staticHeader(name: string, value: string): Signer {
  const header = name.toLowerCase();
  const headers = [header, value];
  return { headers: [header], sign: () => headers };
}
