/**
 * Every module of the gateway that keeps or shares something, and why nothing of one graph comes to another one. A test
 * fails when a module of that kind is not here: say of a new one how it separates graphs, and add what it does to the random
 * requests of `graphs-isolation.test.ts` where clients can see it.
 *
 * - `own`: each open graph has an instance, or each of its supergraphs, executions or requests.
 * - `key`: all graphs share it, and the name of the graph is in its keys.
 * - `process`: it depends on clients, credentials or addresses, not on a graph.
 */
export const keptByGraphs: Readonly<Record<string, 'own' | 'key' | 'process'>> = {
  'admission/rates/rate-counter.ts': 'process',
  'admission/stream-resets.ts': 'process',
  'auth/directives/authorization.ts': 'own',
  'auth/directives/policies.ts': 'process',
  'auth/modes/access-keys.ts': 'process',
  'auth/modes/iam.ts': 'process',
  'auth/modes/lambda.ts': 'process',
  'auth/modes/tokens.ts': 'process',
  'cache/answer-tags.ts': 'own',
  'cache/entities/entity-keys.ts': 'own',
  'cache/entities/observed-lifetimes.ts': 'own',
  'cache/responses/cached-answers.ts': 'own',
  'cache/responses/packed-bodies.ts': 'own',
  'cache/responses/response-cache.ts': 'own',
  // By `cache/stores/store-of-graph.ts`.
  'cache/stores/memory.ts': 'key',
  'console/request-log.ts': 'process',
  'discovery/discovery.ts': 'process',
  // Only the default graph is fed by events.
  'events/event-hub.ts': 'process',
  'graph/operation-cache/operation-memory.ts': 'own',
  'graph/operation-cache/plan-cache.ts': 'own',
  'graph/subscriptions/preparation.ts': 'own',
  'http/parts-types.ts': 'process',
  'limits/document-limits.ts': 'own',
  'net/media-type.ts': 'process',
  'planning/planner.ts': 'own',
  'process/process-parts.ts': 'own',
  'request/persisted/persisted-operations.ts': 'own',
  'request/requests-in-flight.ts': 'process',
  'subgraph-calls/connect.ts': 'own',
  'subgraph-calls/endpoints/breakers.ts': 'own',
  // Connections, by the address that they go to.
  'subgraph-calls/endpoints/connections.ts': 'process',
  'subgraph-calls/interceptors/dedupe.ts': 'own',
  'subgraph-calls/sharing/live-set.ts': 'own',
  'subgraph-calls/sharing/pending-calls.ts': 'own',
  'subgraph-calls/signers/token-exchange.ts': 'own',
  'subgraph-calls/sources/graphql/call-graphql.ts': 'own',
  'subgraph-calls/sources/rest/revalidate.ts': 'own',
  'subgraph-calls/sources/rest/selections.ts': 'own',
  'subgraph-calls/subscriptions/subscription-transport.ts': 'process',
  'subgraph-calls/wire/http.ts': 'process',
  'supergraph/graph-lookup.ts': 'key',
  'supergraph/registry-history.ts': 'own',
  'telemetry/statistics/cache-statistics.ts': 'process',
};

/** What such a module is known by. */
export const keeps = /\bnew (?:LRUCache|LiveIndex|LiveSet|Leases|PendingCalls|OperationMemory|RecordRing)\b/;
