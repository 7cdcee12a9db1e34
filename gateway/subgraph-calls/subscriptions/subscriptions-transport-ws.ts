/**
 * The client's part of the sub-protocol `graphql-ws`, as PROTOCOL.md of `subscriptions-transport-ws` has it: what servers of
 * GraphQL spoke before `graphql-transport-ws`.
 */
import { JsonParts } from '../wire/json-parts';
import { subscribeBody } from '../wire/request-body';
import type { Dialect, SubgraphMessage } from './dialect';
import {
  checked,
  graphqlTransportWs,
  type GraphQLTransportWsOptions,
  readEnvelope,
} from './graphql-transport-ws-client';

/**
 * Upgrade, credentials and close codes are those of `graphql-transport-ws`. Not every server sends `ka`, and there is no
 * message that asks for one: WebSocket pings do.
 */
export function subscriptionsTransportWs(options: GraphQLTransportWsOptions): Dialect {
  const successor = graphqlTransportWs(options);
  return {
    ...successor,
    handshake: async (caller) => ({ ...(await successor.handshake(caller)), protocols: ['graphql-ws'] }),
    start: (id, request) =>
      Buffer.concat([
        Buffer.from(`{"id":"${id}","type":"start","payload":`),
        subscribeBody(request),
        Buffer.from('}'),
      ]),
    stop: (id) => `{"id":"${id}","type":"stop"}`,
    read,
    ping: null,
    pong: undefined,
  };
}

function read(message: Buffer): SubgraphMessage {
  const { type, id, payload } = readEnvelope(message);
  switch (type) {
    case 'connection_ack':
      return { is: 'ready' };
    case 'connection_error':
      return { is: 'closed', failure: 'not-accepted', reason: String(payload) };
    case 'data':
      return { is: 'event', id: checked(id), body: checked(payload) };
    case 'error':
      return { is: 'refused', id: checked(id), body: errorsOf(checked(payload)) };
    case 'complete':
      return { is: 'complete', id: checked(id) };
    case 'ka':
      return { is: 'alive' };
    default:
      throw new SyntaxError('The message has no known type.');
  }
}

/** A GraphQL response of the payload of `error`: servers send one error, a list of them, or a response. */
function errorsOf(payload: Buffer): Buffer {
  if (payload[0] === LIST) return Buffer.concat([errorsStart, payload, Buffer.from('}')]);
  const names = new Set<string>();
  const parts = new JsonParts(payload);
  parts.object((name) => {
    names.add(name);
    parts.value();
  });
  return names.has('errors')
    ? payload
    : Buffer.concat([errorsStart, Buffer.from('['), payload, Buffer.from(']}')]);
}

const LIST = 0x5b;
const errorsStart = Buffer.from('{"errors":');
