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
    loads: { running: [{ supergraph: service, since: 1, processes: 1 }], loads: [] },
  };
}
