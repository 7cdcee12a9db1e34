import { z } from 'zod';
import { duration, headerName, mapOf, portNumber, positiveInt, size, text, timeout } from './values';

const urlRule = 'must be an http or https URL, in which {port} may stand for the port';

const callback = mapOf({
  host: text
    .default('127.0.0.1')
    .describe('The address to listen on. Only subgraphs need to reach it: keep it private.'),
  port: portNumber
    .default(0)
    .describe(
      'The port to listen on; 0 takes a free one. With `--workers`, each worker takes a port of its own: the first free one of the 64 from this port on. A callback that reaches another worker is passed on.',
    ),
  path: z
    .string({ error: 'must be a path such as /callbacks' })
    .regex(/^\/[\w\-./]*[\w\-.]$/, { error: 'must be a path such as /callbacks' })
    .default('/callbacks')
    .describe('The path; the id of the subscription follows it.'),
  publicUrl: z
    .string({ error: urlRule })
    .refine((value) => /^https?:\/\//.test(value) && URL.canParse(value.replace('{port}', '80')), {
      error: urlRule,
    })
    .default('http://127.0.0.1:{port}')
    .describe(
      'How subgraphs reach it, without the path. `{port}` stands for the port that the process listens on. A callback must reach the gateway that has the subscription: name the host of this gateway, not a load balancer. With `--workers` any worker will do.',
    ),
})
  .prefault({})
  .describe(
    'Where subgraphs with `subscriptions.protocol: callback` call back. Nothing listens there without such a subgraph. Plain HTTP.',
  )
  .meta({ example: { host: '0.0.0.0', port: 4010, publicUrl: 'http://weir-1.internal:{port}' } });

export const subscriptions = mapOf({
  connections: positiveInt
    .default(10_000)
    .describe(
      'The most WebSocket connections of clients in a process. Beyond, the newest connection of the address with the most is closed with 1013: set `trustedProxies`, or all clients behind a proxy are one address.',
    )
    .meta({ protects: true }),
  connectionsPerIdentity: positiveInt
    .default(1000)
    .describe(
      'The most WebSocket connections of one caller in a process, counted from `connection_init` on. All who use one API key are one caller. Further ones are refused with `MAX_CONNECTIONS_LIMIT`. It has no effect on anonymous callers: `connections` bounds those by their addresses.',
    )
    .meta({ protects: true }),
  perConnection: positiveInt
    .default(200)
    .describe(
      'The most operations that run over one WebSocket connection at once. Further ones are refused with `MAX_CONNECTION_OPERATIONS_LIMIT`.',
    )
    .meta({ protects: true }),
  initTimeout: timeout
    .prefault('5s')
    .describe(
      'How long a client may take to introduce itself on a new WebSocket connection. After it the connection is closed with 4408.',
    )
    .meta({ protects: true }),
  heartbeat: duration
    .prefault('30s')
    .refine((value) => value === 0 || value >= 1000, { error: 'must be 0 or at least 1s' })
    .describe(
      'How long nothing may come over a WebSocket connection until the client is pinged. A client that does not answer for as long again is cut. Keep it below the idle timeout of the proxies in front. 0 sends no pings.',
    ),
  connectionParams: z
    .array(headerName, { error: 'must be a list of header names' })
    .prefault([])
    .describe(
      'Members of `connectionParams` that count as headers of each operation of the connection. Credentials and the names of client and version always do. A proxy in front, which may set or strip headers, does not see them: name none that it vouches for.',
    ),
  callback,
  total: positiveInt
    .default(20_000)
    .describe(
      'The most subscriptions of clients in a process. Each counts once for every 4 KiB of its request, rounded up, as the request is kept. Further ones are refused with `MAX_SUBSCRIPTIONS_LIMIT`.',
    )
    .meta({ protects: true }),
  perIdentity: positiveInt
    .default(1000)
    .describe(
      'The most subscriptions of one caller in a process, counted as in `total`. Callers without credentials count by their address; of IPv6, by the /64 network. Further ones are refused with `MAX_SUBSCRIPTIONS_LIMIT`.',
    )
    .meta({ protects: true }),
  concurrency: positiveInt
    .default(16)
    .describe(
      'The most events of one subscription that are executed at once. Answers are sent in the order of the events. Further events wait, within `subgraphs.NAME.subscriptions.waiting`.',
    )
    .meta({ protects: true }),
  lifetime: timeout
    .prefault('24h')
    .describe(
      'How long a subscription may last. It ends with `SUBSCRIPTION_ENDED`; the client may subscribe again.',
    )
    .meta({ protects: true }),
  idle: timeout
    .prefault('12h')
    .describe('How long no event may come for a subscription. It ends with `SUBSCRIPTION_ENDED`.')
    .meta({ protects: true }),
  unread: size
    .prefault('1MiB')
    .describe(
      'How many bytes of answers may wait for the client of one subscription, while its connection takes no more. For all subscriptions together it is as much as `overload.unread`. One answer may wait however large it is.',
    )
    .meta({ protects: true }),
  slow: z
    .enum(['latest', 'close'], { error: 'must be latest or close' })
    .default('latest')
    .describe(
      'What happens beyond `unread`: `latest` drops all answers but the newest, and marks that by `extensions.weir.gap`; `close` ends the subscription with `MAX_UNREAD_LIMIT`.',
    ),
  expired: z
    .enum(['end', 'keep'], { error: 'must be end or keep' })
    .default('end')
    .describe(
      'What happens when the credentials expire with which a client has subscribed (a token of `oidc` or `cognito`, or an API key): the subscription ends with `UNAUTHENTICATED`, or it is kept.',
    ),
})
  .prefault({})
  .describe('Connections that stay open: subscriptions, and operations over WebSocket.')
  .meta({ example: { connections: 20_000, heartbeat: '20s', connectionParams: ['x-tenant'] } });
