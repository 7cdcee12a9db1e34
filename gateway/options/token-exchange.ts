import type { z } from 'zod';
import type { SubgraphAuth } from './subgraph-auth';

interface ExchangeOptions {
  readonly subgraphs: Readonly<Record<string, { readonly auth?: SubgraphAuth | undefined }>>;
  readonly events: { readonly sources: Readonly<Record<string, object>> };
}

/** Refuses to exchange tokens for requests that belong to no caller. */
export function checkTokenExchange({ subgraphs, events }: ExchangeOptions, context: z.RefinementCtx): void {
  for (const [name, source] of Object.entries(events.sources))
    if ('subgraph' in source && subgraphs[source.subgraph as string]?.auth?.type === 'TOKEN_EXCHANGE')
      context.addIssue({
        code: 'custom',
        path: ['events', 'sources', name, 'subgraph'],
        message: 'must not be a subgraph with TOKEN_EXCHANGE: its events belong to no caller',
      });
}
