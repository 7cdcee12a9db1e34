import { digest } from '../cache/responses/response-keys';
import type { Options } from '../options';

/** What decides whose answers a subgraph's are. */
export interface OriginFacts {
  /** As they are configured: URLs, or targets of discovery. */
  readonly endpoints: readonly { readonly url: string }[];
  readonly auth: Options['subgraphs'][string]['auth'] | undefined;
  readonly appsync: Options['subgraphs'][string]['appsync'] | undefined;
}

/**
 * The identity of a subgraph's endpoints in cache keys: nothing that was cached is found under another one. Equal in all
 * processes with equal options. Instances that discovery finds, zones and the order of endpoints make no other identity. The
 * credentials of the gateway do, as a subgraph may answer by them; a secret by which tokens are fetched does not.
 */
export function originOf({ endpoints, auth, appsync }: OriginFacts): string {
  const urls = endpoints.map(({ url }) => url).sort();
  return digest(
    JSON.stringify([urls, auth, appsync], (name, value: unknown) =>
      name === 'clientSecret' ? undefined : value,
    ),
  );
}
