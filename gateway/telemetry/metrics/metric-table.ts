/**
 * Every metric of a gateway. Names, units and attributes are those of OpenTelemetry's semantic conventions, if there
 * are any. `docs/metrics.md` is generated from this table. Over 300 lines, as it is a list.
 *
 * Clients must not control the number of values of an attribute, as each value takes memory here and in the metrics
 * database. Names that clients choose are bounded by `TopSeries`.
 */
export interface MetricDefinition {
  /** `upDownCounter`: a sum that also falls. `gauge`: a value that cannot be added over processes. */
  readonly kind: 'counter' | 'upDownCounter' | 'gauge' | 'histogram';
  /** A UCUM unit as in OpenTelemetry: `s`, `By`, `1` for a ratio, or the counted thing in braces. */
  readonly unit: string;
  /** One sentence. */
  readonly description: string;
  /** The meaning of each attribute. @default none */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Upper ends of the buckets of a histogram, ascending, in its unit. */
  readonly boundaries?: readonly number[];
  /**
   * The name and labels of Prometheus' client libraries, if they differ.
   *
   * @default the translation of OpenTelemetry's
   */
  readonly prometheus?: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** The buckets of the semantic conventions for durations of HTTP requests. */
const httpBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;

const subgraph = 'The name of the subgraph.';
const discoveryTarget = 'The target in the options, without its parameters.';
const eventSource = 'The name of the source in the options.';
const operationName =
  'The name of the operation; `anonymous` without one, `other` for those that are not among the most used.';
const method = 'The HTTP method; `_OTHER` for one that HTTP does not have.';

export const metricTable = {
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Duration of requests of clients, health probes left out.',
    attributes: {
      'http.request.method': method,
      'url.scheme': '`https` if the gateway has `tls`, else `http`.',
      'http.route': 'The path of the endpoint, or of the tools of agents; missing for all others.',
      'http.response.status_code': 'The status; missing if the client left before the answer.',
      'error.type':
        'The status if it is 500 or above, `client_disconnected` if the client left; otherwise missing.',
      'weir.graph':
        'With the option `graphs`: the graph that the request has chosen, `other` for one that the options do not name; otherwise missing.',
    },
    boundaries: httpBoundaries,
  },
  'http.server.active_requests': {
    kind: 'upDownCounter',
    unit: '{request}',
    description: 'Requests of clients that are not answered yet, health probes left out.',
    attributes: { 'http.request.method': method, 'url.scheme': 'As above.' },
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of HTTP requests to subgraphs, each retry on its own. A call that is answered from a cache, shares one in flight, or is refused by a circuit breaker makes none.',
    attributes: {
      subgraph,
      'http.request.method': '`POST`; for a REST source the method of its operation.',
      'server.address': 'The host of the endpoint; `other`, as the subgraph, beyond 1,000 endpoints.',
      'server.port': 'The port of the endpoint.',
      'http.response.status_code': 'The status; missing without a response.',
      'error.type':
        'The status if it is 400 or above, except 404 and 410 to a GET of a REST source: what was requested does not exist; without a usable response why: `unreachable`, `refused`, `connect-timeout`, `timeout`, `reset`, `not-http`, `too-large`, `encoding`, `aborted` (nobody waits for it any more), `closed` (shutting down), `unsendable`; otherwise missing.',
    },
    boundaries: httpBoundaries,
  },
  'weir.graphql.operation.duration': {
    kind: 'histogram',
    unit: 's',
    description:
      'Duration of requests by operation, whole requests: each operation of a batch counts with the time of the batch. The 100 most used operations of each type have series of their own.',
    attributes: {
      'graphql.operation.type': '`query` or `mutation`.',
      'graphql.operation.name': operationName,
    },
    boundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  'weir.graphql.errors': {
    kind: 'counter',
    unit: '{error}',
    description: 'GraphQL errors in answers, of the gateway and of subgraphs.',
    attributes: {
      code: '`extensions.code`; `other` for codes of subgraphs that are not among the 100 most frequent.',
      service: '`extensions.service`: the subgraph; missing for errors of the gateway.',
    },
  },
  'weir.client.requests': {
    kind: 'counter',
    unit: '{request}',
    description:
      'Requests by client application, as it names itself in `apollographql-client-name` and `-version`; without a name both are missing. The 100 most frequent have series of their own.',
    attributes: {
      'client.name': 'At most 64 printable characters; `other` for the rest.',
      'client.version': 'Likewise.',
    },
  },
  'weir.graphs.open': {
    kind: 'upDownCounter',
    unit: '{graph}',
    description: 'Graphs besides the default one that are open, or are being opened.',
  },
  'weir.graphs.openings': {
    kind: 'counter',
    unit: '{opening}',
    description: 'Openings of graphs besides the default one.',
    attributes: {
      result:
        '`opened`, or why it was not: `unknown` (there is no such graph), `busy` (too many are in use, or wait to be opened) or `failed`.',
    },
  },
  'weir.requests.waiting': {
    kind: 'upDownCounter',
    unit: '{request}',
    description: 'Requests that wait for a slot.',
  },
  'weir.requests.refused': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that were refused because of overload.',
  },
  'weir.requests.limited': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests and operations that exceeded a rate.',
    attributes: { rate: 'The name of the rate in the options.' },
  },
  'weir.websocket.connections': {
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Open WebSocket connections of clients.',
    attributes: {
      protocol:
        '`graphql-transport-ws`, `graphql-ws` for AppSync’s clients, or `other` for those that are being closed as they speak none.',
    },
  },
  'weir.websocket.closes': {
    kind: 'counter',
    unit: '{connection}',
    description: 'WebSocket connections that the gateway has closed.',
    attributes: { code: 'The close code, such as 1001 or 4401.' },
  },
  'weir.rates.store.failures': {
    kind: 'counter',
    unit: '{exchange}',
    description: 'Exchanges of counts with other gateways that failed: each gateway counted for itself.',
  },
  'weir.subgraph.fetches': {
    kind: 'counter',
    unit: '{fetch}',
    description: 'Fetches of query plans, by result: only those that were sent cost a call.',
    attributes: { subgraph, result: '`merged`, `deduplicated`, `batched`, `cached` or `sent`.' },
  },
  'weir.subgraph.calls': {
    kind: 'counter',
    unit: '{call}',
    description:
      'Calls of subgraphs by operation of clients, to find the chattiest. The 100 most used operations have series of their own.',
    attributes: { subgraph, 'graphql.operation.name': operationName },
  },
  'weir.subgraph.retries': {
    kind: 'counter',
    unit: '{call}',
    description: 'Retries of subgraph calls.',
    attributes: { subgraph },
  },
  'weir.subgraph.endpoints.open': {
    kind: 'upDownCounter',
    unit: '{endpoint}',
    description: 'Endpoints of subgraphs whose circuit breaker is open.',
    attributes: { subgraph },
  },
  'weir.subgraph.strict.refusals': {
    kind: 'counter',
    unit: '{response}',
    description:
      'Responses that the client of `connections.strict` does not understand. After one undici makes the calls of the endpoint for a minute, then for longer, up to an hour; those are not counted.',
    attributes: {
      subgraph,
      reason: 'What the response is or has, such as `trailers`: docs/failures.md lists all.',
    },
  },
  'weir.discovery.age': {
    kind: 'gauge',
    unit: 's',
    description:
      'Time since the last successful look-up of endpoints in DNS or Cloud Map; before the first one, since look-ups began. While they fail it grows, and the last endpoints are used.',
    attributes: { subgraph, target: discoveryTarget },
  },
  'weir.discovery.endpoints': {
    kind: 'gauge',
    unit: '{endpoint}',
    description: 'Endpoints that were found and are used.',
    attributes: { subgraph, target: discoveryTarget },
  },
  'weir.discovery.changes': {
    kind: 'counter',
    unit: '{change}',
    description: 'Changes of the endpoints that were found.',
    attributes: { subgraph, target: discoveryTarget },
  },
  'weir.discovery.failures': {
    kind: 'counter',
    unit: '{failure}',
    description:
      'Look-ups of endpoints that failed: without an answer, or with one that is no list of endpoints.',
    attributes: { subgraph, target: discoveryTarget },
  },
  'weir.subgraph.connections': {
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'WebSockets to subgraphs, which subscriptions share.',
    attributes: { subgraph, protocol: '`websocket` or `appsync`.' },
  },
  'weir.subgraph.subscriptions.broken': {
    kind: 'counter',
    unit: '{subscription}',
    description: 'Subscriptions whose connection to the subgraph broke, by what became of them.',
    attributes: {
      subgraph,
      result:
        '`resumed` (nothing was lost), `gap` (events may be missing, and clients get a gap) or `ended` (it could not be opened again).',
    },
  },
  'weir.subgraph.events.dropped': {
    kind: 'counter',
    unit: '{event}',
    description: 'Events of subgraphs that were dropped because they came faster than they could be handled.',
    attributes: { subgraph },
  },
  'weir.events': {
    kind: 'counter',
    unit: '{event}',
    description: 'Events that were read from the sources of `events`.',
    attributes: {
      source: eventSource,
      result:
        '`used`, `repeated` (it was used before), `passed-over` (no option names its type) or `bad` (it cannot be used).',
      reason:
        'Why it is `bad`: `size`, `json`, `shape` (no CloudEvent), `version`, `key` (a value is missing) or `names` (not in the supergraph any more); otherwise missing.',
    },
  },
  'weir.events.gaps': {
    kind: 'counter',
    unit: '{gap}',
    description:
      'How often events may have been missed, so that whatever they may have changed was dropped from the caches.',
    attributes: { source: eventSource },
  },
  'weir.events.sources.up': {
    kind: 'upDownCounter',
    unit: '{source}',
    description: 'Sources of events that can be read: 1, or 0 while one cannot.',
    attributes: { source: eventSource },
  },
  'weir.response_cache.requests': {
    kind: 'counter',
    unit: '{query}',
    description: 'Queries by what the response cache did for them.',
    attributes: {
      result:
        '`hit`, `stale`, `miss`, `coalesced` (shared the execution of an equal query) or `pass` (its answer is not kept).',
    },
  },
  'weir.cache.entities': {
    kind: 'counter',
    unit: '{entity}',
    description: 'Requested entities, by source.',
    attributes: { subgraph, result: '`hit` and `stale` are from the cache, `miss` is from the subgraph.' },
  },
  'weir.cache.age': {
    kind: 'histogram',
    unit: 's',
    description: 'Age of answers and entities when they were served from a cache.',
    attributes: {
      cache: '`response` or `entity`.',
      subgraph: 'The name of the subgraph; missing for answers.',
      policy:
        'Why it may be served: `fresh` (within `max-age`), `stale-while-revalidate`, or `stale-if-error`.',
    },
    boundaries: [1, 5, 15, 60, 300, 900, 3600, 86_400],
  },
  'weir.cache.refreshes': {
    kind: 'counter',
    unit: '{refresh}',
    description:
      'Answers and entities that were fetched again after their lifetime, by whether they had changed: if so, they were out of date when they were served last.',
    attributes: {
      cache: 'As above.',
      subgraph: 'As above.',
      result: '`changed` or `unchanged`, compared byte for byte with what the same process had stored.',
    },
  },
  'weir.cache.store.available': {
    kind: 'upDownCounter',
    unit: '',
    description: 'Whether the shared cache store can be reached: 1 or 0. Missing without one.',
  },
  'weir.cdn.purges': {
    kind: 'counter',
    unit: '{call}',
    description: 'Invalidation calls to a CDN.',
    attributes: { result: '`sent`, `failed` (it is tried again) or `lost` (it is not: the gateway stops).' },
  },
  'weir.cdn.purge.paths_waiting': {
    kind: 'upDownCounter',
    unit: '{path}',
    description: 'Paths whose invalidation is not sent to the CDN yet.',
  },
  'weir.persisted_operations': {
    kind: 'counter',
    unit: '{operation}',
    description: 'Persisted operations that clients requested.',
    attributes: {
      result:
        '`found`, `not_found`, `registered`, or `untrusted`: sent although it is in no manifest, where that matters.',
    },
  },
  'weir.operation.cost': {
    kind: 'histogram',
    unit: '{cost}',
    description: 'What operations cost, of a sample.',
    attributes: { kind: '`estimated` before they ran, `actual` by their answers.' },
    boundaries: [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
  },
  'weir.subscriptions.active': {
    kind: 'upDownCounter',
    unit: '{subscription}',
    description: 'Subscriptions of clients that are open.',
  },
  'weir.subscriptions.upstreams': {
    kind: 'upDownCounter',
    unit: '{subscription}',
    description:
      'Subscriptions of the gateway at subgraphs: those of clients share them where the subgraph sees the same.',
  },
  'weir.subscriptions.events': {
    kind: 'counter',
    unit: '{event}',
    description: 'Events that subgraphs have sent.',
  },
  'weir.subscriptions.executions': {
    kind: 'counter',
    unit: '{execution}',
    description:
      'Executions for events, or uses of the answer to an equal event: subscriptions with the same answers share them.',
  },
  'weir.subscriptions.deliveries': {
    kind: 'counter',
    unit: '{answer}',
    description: 'Answers to events, each counted for each client.',
  },
  'weir.subscriptions.dropped': {
    kind: 'counter',
    unit: '{answer}',
    description:
      'Answers to events that clients did not get, as they read too slowly (`subscriptions.unread`).',
  },
  'weir.subscriptions.moved': {
    kind: 'counter',
    unit: '{execution}',
    description: 'Executions that a new supergraph or new options have moved.',
    attributes: { result: '`moved`, or `ended` where the subscription is not valid any more.' },
  },
  'weir.operations.kept': {
    kind: 'upDownCounter',
    unit: 'By',
    description: 'Heap memory of query plans and other data about operations.',
  },
  'weir.supergraph.updates': {
    kind: 'counter',
    unit: '{update}',
    description: 'New supergraphs.',
    attributes: {
      result: '`swapped`, `refused` (it does not build) or `unavailable` (it could not be read).',
    },
  },
  'weir.traces.spans': {
    kind: 'counter',
    unit: '{span}',
    description: 'Spans of traces. Only where traces are exported: docs/tracing.md.',
    attributes: {
      result:
        '`exported`; `failed`: the collector did not take them; `dropped`: the queue was full, or a trace had too many spans.',
    },
  },
  'weir.configuration.reloads': {
    kind: 'counter',
    unit: '{reload}',
    description: 'Reloads of options.',
    attributes: { result: '`live`, `unchanged` where nothing has changed, or `refused`.' },
  },
  'weir.usage.dropped': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests whose use of the schema was not counted, or could not be stored.',
  },
  'weir.shadow.queries': {
    kind: 'counter',
    unit: '{query}',
    description: 'Queries that are chosen for the shadow.',
    attributes: {
      result:
        '`equal` or `different`, if the answers were compared; `failed` without an answer of the shadow; `dropped`.',
      reason:
        'Why it failed, as in `error.type` of `http.client.request.duration`; or was dropped: `budget` (`shadow.perSecond`), `load` (the gateway is busy), `queue` (too many wait), `too-large`, or `closed` (the options are replaced, or the process ends). Missing if the answers were compared.',
    },
  },
  'weir.registry.webhooks': {
    kind: 'counter',
    unit: '{event}',
    description: 'Attempts to deliver events of the registry to webhooks.',
    attributes: {
      webhook: 'The name of the webhook in the options.',
      result: '`delivered`, `failed` (it is tried again) or `dropped` (it is not: too old, or too many).',
    },
  },
  'weir.mcp.calls': {
    kind: 'counter',
    unit: '{call}',
    description: 'Calls of tools by agents: operations of `mcp.operations`.',
    attributes: {
      'gen_ai.tool.name': 'The name of the tool.',
      outcome: '`ok`; `failed` with a result that is an error; `refused` where the caller may not call it.',
    },
  },
  'weir.audit.dropped': {
    kind: 'counter',
    unit: '{record}',
    description: 'Audit records that were dropped because their trail could not be written fast enough.',
    attributes: { trail: 'The position of the trail in the options, from 0 on.' },
  },
  'weir.build': {
    kind: 'gauge',
    unit: '',
    description: 'Always 1.',
    attributes: { version: 'The version of Weir.', node: 'The version of Node.' },
    prometheus: { name: 'weir_build_info' },
  },
  'process.cpu.time': {
    kind: 'counter',
    unit: 's',
    description: 'CPU time of the process, garbage collection included.',
    prometheus: { name: 'process_cpu_seconds_total' },
  },
  'process.memory.usage': {
    kind: 'upDownCounter',
    unit: 'By',
    description: 'Resident memory of the process.',
    prometheus: { name: 'process_resident_memory_bytes' },
  },
  'process.start_time': {
    kind: 'gauge',
    unit: 's',
    description: 'When the process started, in seconds since 1970.',
  },
  'process.unix.file_descriptor.count': {
    kind: 'upDownCounter',
    unit: '{file_descriptor}',
    description: 'Open file descriptors, connections among them. Linux only.',
    prometheus: { name: 'process_open_fds' },
  },
  'process.unix.file_descriptor.limit': {
    kind: 'gauge',
    unit: '{file_descriptor}',
    description: 'How many file descriptors may be open. Linux only; missing if there is no limit.',
    prometheus: { name: 'process_max_fds' },
  },
  'nodejs.eventloop.delay.mean': eventLoopDelay('mean', 'nodejs_eventloop_lag_mean_seconds'),
  'nodejs.eventloop.delay.p50': eventLoopDelay('median', 'nodejs_eventloop_lag_p50_seconds'),
  'nodejs.eventloop.delay.p90': eventLoopDelay('90th percentile', 'nodejs_eventloop_lag_p90_seconds'),
  'nodejs.eventloop.delay.p99': eventLoopDelay('99th percentile', 'nodejs_eventloop_lag_p99_seconds'),
  'nodejs.eventloop.delay.max': eventLoopDelay('maximum', 'nodejs_eventloop_lag_max_seconds'),
  'nodejs.eventloop.utilization': {
    kind: 'gauge',
    unit: '1',
    description: 'The share of time that the event loop was busy, since the start.',
  },
  'v8js.gc.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Duration of garbage collections.',
    attributes: { 'v8js.gc.type': '`minor`, `major`, `incremental` or `weakcb`.' },
    boundaries: [0.001, 0.01, 0.1, 1, 10],
    prometheus: { name: 'nodejs_gc_duration_seconds', labels: { 'v8js.gc.type': 'kind' } },
  },
  'v8js.memory.heap.used': {
    kind: 'upDownCounter',
    unit: 'By',
    description: 'Used heap memory, by space.',
    attributes: { 'v8js.heap.space.name': 'The name of the space, such as `old_space`.' },
    prometheus: { name: 'nodejs_heap_space_size_used_bytes', labels: { 'v8js.heap.space.name': 'space' } },
  },
  'nodejs.heap.size.used': { kind: 'upDownCounter', unit: 'By', description: 'Used heap memory.' },
  'nodejs.heap.size.total': { kind: 'upDownCounter', unit: 'By', description: 'Allocated heap memory.' },
  'nodejs.heap.size.limit': {
    kind: 'gauge',
    unit: 'By',
    description: 'The most heap memory that the process may have.',
  },
  'nodejs.external_memory': {
    kind: 'upDownCounter',
    unit: 'By',
    description: 'Memory outside of the heap that belongs to objects in it, such as Buffers.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

function eventLoopDelay<const Name extends string>(which: string, name: Name) {
  return {
    kind: 'gauge',
    unit: 's',
    description: `Delay of the event loop since it was last read, which every request waits on top of its own work: ${which}.`,
    prometheus: { name },
  } as const;
}

export type MetricTable = typeof metricTable;
export type MetricName = keyof MetricTable;

/** The metrics of these kinds. */
export type NamesOf<Kind extends MetricDefinition['kind']> = {
  [Name in MetricName]: MetricTable[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

/** The attributes of a metric. One without a value is left out of the series. */
export type AttributesOf<Name extends MetricName> = MetricTable[Name] extends {
  readonly attributes: infer Attributes;
}
  ? { readonly [Attribute in keyof Attributes]: string | number | undefined }
  : Readonly<Record<string, never>>;
