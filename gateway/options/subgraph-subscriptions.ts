import { z } from 'zod';
import { duration, mapOf, positiveInt } from './values';

const urlRule = 'must be a ws, wss, http or https URL';

/** How the gateway subscribes at one subgraph. */
export const subgraphSubscriptions = mapOf({
  protocol: z
    .enum(['websocket', 'subscriptions-transport-ws', 'sse', 'multipart', 'callback'], {
      error: 'must be websocket, subscriptions-transport-ws, sse, multipart or callback',
    })
    .default('websocket')
    .describe(
      'What the subgraph speaks: `websocket` is the sub-protocol `graphql-transport-ws`, over which all subscriptions of callers with the same headers share a connection; `subscriptions-transport-ws` is the older sub-protocol `graphql-ws` of that library, over shared connections, too; `sse` is an event stream in response to a POST (`graphql-sse`), one connection for each subscription; `multipart` is Apollo’s multipart protocol (`subscriptionSpec=1.0`), one connection for each subscription; `callback` is the HTTP callback protocol of Apollo (`callback/1.0`), for which the subgraph must reach `subscriptions.callback`. No effect for a subgraph with `appsync`, which speaks the real-time protocol of AppSync.',
    ),
  url: z
    .url({ protocol: /^(https?|wss?)$/, error: urlRule })
    .optional()
    .describe(
      'Where to subscribe, instead of the endpoints of the subgraph, such as `wss://orders.internal/subscriptions`. Left out: the URL of its calls, with `ws:` for `http:` and `wss:` for `https:` over WebSocket; for a subgraph with `appsync`, the real-time endpoint of the API.',
    )
    .meta({ title: 'URL', example: 'wss://orders.internal/subscriptions' }),
  heartbeat: duration
    .prefault('30s')
    .describe(
      'How long a WebSocket may be silent until the subgraph is pinged; one that does not answer for as long again is dead. For `sse` and `multipart`, how often the subgraph sends an event, a comment or an empty part, and for `callback`, how often it is to call: after three times as long without one the subscription counts as broken. `0`: never. No effect for a subgraph with `appsync`, as AppSync itself sends how long it may be silent.',
    ),
  reconnect: duration
    .prefault('30s')
    .describe(
      'How long subscriptions outlive their connection to the subgraph: it is opened again, and goes on after the last position, or after a gap event if the subgraph sends no positions. After that they end with an error. `0` ends them at once.',
    ),
  waiting: positiveInt
    .default(100)
    .describe(
      'How many events of one subscription may wait to be handled. At most 1 MiB of them wait, or one event.',
    )
    .meta({ protects: true }),
  slow: z
    .enum(['latest', 'close'], { error: 'must be latest or close' })
    .default('latest')
    .describe(
      'What happens to a subscription whose events come faster than that: only the `latest` event is kept, after a gap event, or the subscription ends with an error (`close`).',
    ),
});

export type SubgraphSubscriptionOptions = z.output<typeof subgraphSubscriptions>;

/** Of a subgraph that the options do not name. */
export const defaultSubscriptions: SubgraphSubscriptionOptions = subgraphSubscriptions.parse({});
