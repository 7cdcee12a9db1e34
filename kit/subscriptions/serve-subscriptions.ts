import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type GraphQLSchema } from 'graphql';
import { type IncomingHttpHeaders } from 'node:http';
import { type CreateContext } from '../serve/context';
import { type LinkKeys } from '../identity/link-keys';
import { type LinkProof, signCallback } from '../identity/private-link';
import { acceptsCallback, serveCallbacks } from './callback';
import { type Tracer } from '../traces/tracer';
import { type EventSource } from './event-source';
import { acceptsEventStream, sendEventStream } from './event-stream';
import { SubscriptionRefused, subscriptionsOf } from './open-subscription';
import { serveWebSockets } from './web-socket';

export interface SubscriptionSettings {
  /** How many run at once, and how many WebSockets are open at once. Beyond, they are refused. @default 10000 */
  readonly limit?: number;
  /** Milliseconds between two heartbeats over WebSocket and SSE. @default 12000 */
  readonly heartbeat?: number;
}

export interface ServeOptions extends SubscriptionSettings {
  /** The subgraph's name. */
  readonly name: string;
  readonly schema: GraphQLSchema;
  readonly createContext: CreateContext;
  readonly events: EventSource;
  /** Aborted when the process begins to drain: subscriptions end. */
  readonly draining: AbortSignal;
  readonly linkKeys: LinkKeys | undefined;
  readonly tracer: Tracer | undefined;
  /** Checks the signature of an upgrade to WebSocket. @default undefined: nothing is signed */
  readonly checkUpgrade: ((url: string, headers: IncomingHttpHeaders) => LinkProof) | undefined;
  /** Where requests for WebSockets are taken. */
  readonly path: string;
  readonly maxMessageBytes: number;
}

/**
 * Serves the subscriptions of a subgraph. WebSockets are taken from now on; the function that it returns answers the
 * requests over HTTP that want events, and returns undefined for any other.
 */
export function serveSubscriptions(app: FastifyInstance, options: ServeOptions) {
  const { name, schema, createContext, events, draining, linkKeys, tracer } = options;
  const { checkUpgrade, path, maxMessageBytes, limit = 10_000, heartbeat = 12_000 } = options;
  const open = subscriptionsOf({ schema, createContext, events, limit, tracer });
  serveWebSockets(app.server, {
    ...{ open, draining, heartbeat, schema, checkUpgrade, path, maxMessageBytes },
    log: app.log,
    maxConnections: limit,
  });
  const callbacks = serveCallbacks({
    open,
    draining,
    sign: (body) => (linkKeys ? signCallback({ key: linkKeys.current[0]!, subgraph: name, body }) : {}),
  });
  app.addHook('onClose', () => callbacks.ended());

  return (request: FastifyRequest, reply: FastifyReply): Promise<unknown> | undefined => {
    const answer = acceptsEventStream(request)
      ? sendEventStream(request, reply, { open, draining, heartbeat })
      : acceptsCallback(request)
        ? callbacks.answer(request, reply)
        : undefined;
    return answer?.catch((error: unknown) => {
      if (!(error instanceof SubscriptionRefused)) throw error;
      return reply.code(400).send({ errors: error.errors });
    });
  };
}
