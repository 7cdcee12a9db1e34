import { fetchOutgoing } from '../subgraph-calls/outgoing';

/** Far more than any of the documents that are fetched has. */
const mostBytes = 1024 * 1024;

/** Fetches a JSON document; a redirect, another status than 200, and a document that is too large reject. */
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
