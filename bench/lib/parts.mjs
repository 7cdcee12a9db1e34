/**
 * The parts of a request, and the functions that belong to each. What no part claims is shown as `other`, with its
 * functions: whoever moves a file moves its line here.
 *
 * A function is `FILE:NAME`: below `dist/gateway/` for Weir, `node:FILE:NAME` for Node, `npm:PACKAGE/FILE:NAME` for a
 * package, `(NAME)` for V8 itself. One without a name is called by the beginning of its source. A line claims all
 * functions that begin with it; the longest line wins. In a stack the innermost function counts that is claimed, so what
 * libraries do belongs to their caller: `node:net` is on no list.
 */
export const parts = {
  'request: read': [
    ...['http/whole-messages:WholeRequest', 'http/body', 'http/receive', 'request/parsed-request'],
    ...['node:_http_server', 'node:_http_common', 'node:_http_incoming'],
  ],
  'request: object': [
    ...[
      'request/incoming-request',
      'http/begin-request',
      'http/client-address',
      'subgraph-calls/header-rules',
    ],
    ...[
      'http/header-limits',
      'http/repeated-credentials',
      'http/paths',
      'process/clients/routes',
      'process/clients/health',
    ],
    ...['telemetry/trace-context', 'telemetry/request-id', 'auth/signed-identity'],
  ],
  admission: ['admission/', 'request/pipeline'],
  authentication: ['auth/'],
  'look-ups': [
    ...['request/', 'cache/responses/', 'graph/', 'planning/', 'limits/', 'auth/directives/'],
    ...['cache/stores/memory', 'cache/stores/tiered', 'net/media-type', 'npm:graphql/'],
  ],
  execution: ['execution/', 'subgraph-calls/sharing/scopes-in-flight'],
  completion: [...['execution/complete/', 'execution/execute:()=>', 'execution/run/run:takeOutput']],
  'call: around': [...['subgraph-calls/', 'cache/'], 'execution/run/call-subgraph:callSubgraph'],
  'call: write': [
    ...['subgraph-calls/wire/request-body', 'subgraph-calls/sent-headers', 'subgraph-calls/wire/http:#send'],
    ...['subgraph-calls/wire/http1/pool', 'subgraph-calls/wire/http1/connection'],
    'npm:undici/',
  ],
  'call: read': [
    ...['onRe', 'onAnswer', '#unpack', '#answer', 'get #contentLength'].map(
      (name) => `subgraph-calls/wire/http:${name}`,
    ),
    ...['subgraph-calls/wire/http1/answer-', 'subgraph-calls/wire/http1/connection:onBytes'],
    'subgraph-calls/wire/http1/connection:callback',
    ...['execute', 'on', 'readMore', 'trackHeader', 'wasm_on'].map(
      (name) => `npm:undici/lib/dispatcher/client-h1.js:${name}`,
    ),
    ...['node:internal/stream_base_commons:onStreamRead', 'node:internal/streams/readable:emitReadable_'],
    ...['node:internal/streams/readable:maybeReadMore_', 'node:internal/streams/readable:flow'],
  ],
  'call: scan': ['execution/json/scan', 'execution/run/call-subgraph:read'],
  reply: [
    ...['request/reply', 'request/answers/response-body', 'http/http-sink', 'http/error-answer', 'http/cors'],
    ...[
      'cache/responses/answer-headers',
      'cache/responses/prepared',
      'http/prepared',
      'http/whole-messages:',
    ],
    ...['http/security-headers', 'execution/run/run:release'],
    ...['node:_http_outgoing', 'node:internal/streams/writable:afterWrite'],
  ],
  log: ['telemetry/logger', 'telemetry/access-line', 'telemetry/printable', 'telemetry/audit/', 'npm:pino/'],
  metrics: ['telemetry/', 'request/requests-in-flight:#record', 'usage/'],
  'event loop': [
    ...['node:internal/timers', 'node:internal/process/task_queues', 'node:internal/process/promises'],
    ...['node:internal/async_hooks', 'node:async_hooks', 'node:internal/async_local_storage', '(program)'],
  ],
  garbage: ['(garbage collector)'],
};

/** Parts of which there is one for each call of a subgraph. */
export const isOfCalls = (part) => part.startsWith('call: ');

const byLine = Object.entries(parts).flatMap(([part, lines]) => lines.map((line) => ({ line, part })));

/** The part that claims a function, if any does. */
export function partOf(name) {
  let best;
  for (const each of byLine)
    if (name.startsWith(each.line) && !(best?.line.length >= each.line.length)) best = each;
  return best?.part;
}
