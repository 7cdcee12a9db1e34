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
    ...['edge/whole-messages:WholeRequest', 'edge/front:takeBody', 'edge/known-operations:parseRequest'],
    ...['continue', 'unpack-request', 'node:_http_server', 'node:_http_common', 'node:_http_incoming'],
  ],
  'request: object': [
    ...['client-request', 'client-address', 'transports/headers', 'header-limits', 'health'],
    ...['telemetry/trace-context', 'telemetry/request-id', 'auth/signed-identity'],
  ],
  admission: [
    ...['edge/front', 'limits/overload', 'limits/waiting-room', 'limits/places', 'limits/plan-waits'],
    ...['limits/unread-answers', 'limits/unsent-requests', 'limits/rate', 'limits/shared-counts', 'turns'],
  ],
  authentication: ['auth/'],
  'look-ups': [
    ...[
      'edge/',
      'operations',
      'planning/',
      'limits/',
      'auth/directives/',
      'programs',
      'generation',
      'gateway',
    ],
    ...['cache/memory', 'cache/tiered', 'npm:graphql/'],
  ],
  execution: ['execution/', 'transports/scopes-served'],
  completion: [
    ...['execution/complete', 'execution/execute:() =>', 'execution/error-paths', 'execution/introspection'],
    'execution/run:takeOutput',
  ],
  'call: around': [
    ...['transports/', 'subgraph-calls', 'subgraph-caches', 'cache/'],
    'execution/exchange:exchange',
  ],
  'call: write': [
    'transports/request-body',
    'transports/http:#dispatch',
    'transports/http:#send',
    'npm:undici/',
  ],
  'call: read': [
    ...['onRe', '#answer', 'get #contentLength'].map((name) => `transports/http:${name}`),
    ...['execute', 'on', 'readMore', 'trackHeader', 'wasm_on'].map(
      (name) => `npm:undici/lib/dispatcher/client-h1.js:${name}`,
    ),
    ...['node:internal/stream_base_commons:onStreamRead', 'node:internal/streams/readable:emitReadable_'],
    ...['node:internal/streams/readable:maybeReadMore_', 'node:internal/streams/readable:flow'],
  ],
  'call: scan': ['execution/json/scan', 'execution/exchange:read'],
  reply: [
    ...['edge/known-operations:(execution)', 'edge/known-operations:responseBytes', 'edge/answer-headers'],
    ...['edge/prepared', 'edge/whole-messages:', 'response-data', 'cors', 'security-headers', 'http-errors'],
    ...['execution/run:release', 'node:_http_outgoing', 'node:internal/streams/writable:afterWrite'],
  ],
  log: ['telemetry/logger', 'client-requests:factsOf', 'telemetry/audit/', 'npm:pino/'],
  metrics: ['telemetry/', 'client-requests:#record', 'usage/', 'npm:@opentelemetry/'],
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
