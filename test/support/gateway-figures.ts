import type { RequestSummary } from '../../gateway/console/api';
import type { GatewayFigures } from '../../gateway/console/gateway-summary';

/** A recorded request, as lists have it. */
export const summaryAt = (id: string, at: number, more: Partial<RequestSummary> = {}): RequestSummary => ({
  ...{ id, at, ms: 1, codes: [], calls: { planned: 0, sent: 0, saved: 0 } },
  ...more,
});

/** What a gateway has counted that has called one service. @param calls in the last minute, all of them fast */
export function figuresOf(service: string, calls: number, isOpen = false): GatewayFigures {
  const counted: [string, number[]][] = [[service, [0, calls, ...new Array<number>(14).fill(0)]]];
  const tables = { codes: [], services: counted, operations: [], clients: [] };
  const pairs = {
    ...{ since: 0, at: 60_000 },
    pairs: [
      {
        ...{ operation: 'Page', subgraph: service, requests: calls, advice: `Advice of ${calls}.` },
        ...{ callsPerRequest: calls, plannedPerRequest: 1 },
        saved: { merged: 1, deduplicated: 0, batched: 0, cached: 0 },
      },
    ],
    services: [{ from: 'gateway', to: service, calls }],
  };
  const operations = { since: 0, newest: 0, operations: [] };
  return {
    operations: { quarter: operations, hour: operations, day: operations },
    errors: { errors: [], others: { requests: 0, last: 0 } },
    live: { since: 0, steps: [], tables, recent: tables, recentSeconds: 60 },
    graph: [{ name: service, endpoints: [{ url: `http://${service}/graphql`, isOpen }] }],
    quarter: pairs,
    minute: pairs,
    caches: {
      ...{ store: 'redis', since: 0, processes: 1, entities: [], operations: [], tags: [], otherTags: 0 },
      responses: { hit: calls, stale: 0, coalesced: 0, miss: 0, pass: 0, stored: 0, entries: 0, bytes: 0 },
      invalidations: {
        counts: { operator: 0, mutation: calls, answer: 0, event: 0, program: 0 },
        recent: [{ at: calls, kind: 'mutation', tags: [], more: 0 }],
      },
    },
    streams: {
      clients: calls,
      fields: [
        {
          ...{ field: 'changed', subgraph: service, source: 'websocket', executions: 1, sources: 1 },
          ...{ clients: calls, largest: calls, protocols: { sse: calls } },
        },
      ],
      others: 0,
    },
    loads: { running: [{ supergraph: service, since: 1, processes: 1 }], loads: [] },
  };
}
