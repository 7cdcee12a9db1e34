import type { IncomingMessage } from 'node:http';
import type * as GraphqlWs from 'graphql-ws';
import type { ServerOptions, WebSocketServer } from 'ws';
import type * as Ws from 'ws';
import { compileClientAddress } from '../http/client-address';
import { answerUpgrade } from '../http/connection-errors';
import { compileHeadersOfPage, type HeadersOfPage } from '../http/cors';
import { maxHeaderSize } from '../http/header-limits';
import type { Options } from '../options';
import { tokenHeadersOf } from '../options/token-headers';
import type { Pipeline } from '../request/pipeline';
import type { RequestsInFlight } from '../request/requests-in-flight';
import { APPSYNC_PROTOCOL } from './header-object';

/** What one set of options does for connections. New options count for the next operation of each connection. */
export interface ConnectionSteps {
  readonly options: Options;
  readonly requests: Pick<RequestsInFlight, 'begin' | 'end'>;
  readonly pipeline: Pick<Pipeline, 'admit' | 'refuse' | 'connect'>;
  /** Makes WebSockets of sockets. Created with the first one. */
  readonly server: () => WebSocketServer;
  readonly headersOfPage: HeadersOfPage;
  /** Names in `connectionParams` that count as headers besides those that always do, in lower case. */
  readonly paramHeaders: readonly string[];
  readonly addressOf: (message: IncomingMessage) => string;
}

export function createSteps(
  given: Pick<ConnectionSteps, 'options' | 'requests' | 'pipeline'>,
): ConnectionSteps {
  const { auth, limits, subscriptions, trustedProxies } = given.options;
  let server: WebSocketServer | undefined;
  return {
    ...given,
    server: () => (server ??= createServer(limits.body)),
    headersOfPage: compileHeadersOfPage(given.options),
    paramHeaders: [...subscriptions.connectionParams, ...tokenHeadersOf(auth)],
    addressOf: compileClientAddress(trustedProxies),
  };
}

function createServer(bodyLimit: number): WebSocketServer {
  const { WebSocketServer: Server } = require('ws') as typeof Ws;
  const { GRAPHQL_TRANSPORT_WS_PROTOCOL } = require('graphql-ws') as typeof GraphqlWs;
  const server = new Server(<ServerOptions & { readonly closeTimeout: number }>{
    noServer: true,
    clientTracking: false,
    // Compression costs memory per connection, and the size is unknown before decompression.
    perMessageDeflate: false,
    // One message in a turn of the event loop: else whoever sends thousands has all others wait for all of them.
    allowSynchronousEvents: false,
    maxPayload: mostEscaped * bodyLimit + mostEnvelope,
    closeTimeout,
    // Browsers give up a connection whose protocol is not chosen, without a reason: it is chosen, and closed with a reason.
    handleProtocols: (offered) => {
      const spoken = [GRAPHQL_TRANSPORT_WS_PROTOCOL, APPSYNC_PROTOCOL].find((each) => offered.has(each));
      return spoken ?? [...offered][0]!;
    },
  });
  server.on('wsClientError', (error, socket, { headers }) => {
    // RFC 6455, section 4.4.
    const spoken =
      headers['sec-websocket-version'] === VERSION ? '' : `sec-websocket-version: ${VERSION}\r\n`;
    answerUpgrade(socket, `${error.message}.`, spoken);
  });
  return server;
}

/** Of the WebSocket protocol. */
const VERSION = '13';
/** AppSync's clients send the body of an operation as text within JSON, where each quotation mark takes two bytes. */
const mostEscaped = 2;
/** Bytes around the body of an operation: the credentials, which may be as long as headers, and the rest. */
const mostEnvelope = maxHeaderSize + 4096;
/** Milliseconds that a client may take to answer a close. */
const closeTimeout = 5000;
