import type { Signer, UnsignedCall } from '../contract/signer';

/** How requests to a subgraph are sent that belong to no client. */
export interface OwnRequests {
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer | undefined;
}

/** The headers of such a request, with its signature. Rejects if the signer has no key or token. */
export async function ownHeaders(
  { headers, signer }: OwnRequests,
  call: Pick<UnsignedCall, 'method' | 'url' | 'body'>,
): Promise<Readonly<Record<string, string>>> {
  const caller = { headers: {}, signedIdentity: undefined };
  const signed = (await signer?.sign({ ...call, caller })) ?? [];
  const own = signed.flatMap((each, i) => (i % 2 === 0 ? [[each, signed[i + 1]!]] : []));
  return { ...headers, ...(Object.fromEntries(own) as Record<string, string>) };
}
