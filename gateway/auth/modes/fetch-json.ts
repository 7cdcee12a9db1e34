import { fetchOutgoing } from '../../net/outgoing';

/** Far more bytes than any of the fetched documents has. */
const mostBytes = 1024 * 1024;

/** Fetches a JSON document; rejects for a redirect, a status other than 200, or a document that is too large. */
export async function fetchJson(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetchOutgoing(url, { ...init, redirect: 'error' });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered with status ${response.status}.`);
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > mostBytes) throw new Error(`${url} answered with more than ${mostBytes} bytes.`);
    pieces.push(piece);
  }
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
}
