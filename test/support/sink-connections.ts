import { Agent, request as askHttp1 } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createBeginRequest } from '../../gateway/http/begin-request';
import { HttpSink } from '../../gateway/http/http-sink';
import { LambdaSink } from '../../gateway/lambda/lambda-sink';
import { LambdaStreamSink } from '../../gateway/lambda/lambda-stream-sink';
import { parseOptions } from '../../gateway/options';
import { createListener } from '../../gateway/process/clients/listener';
import type { IncomingRequest } from '../../gateway/request/incoming-request';
import type { Sink } from '../../gateway/request/sink';
import { OperationSink } from '../../gateway/websocket/operation-sink';
import { type Client, InProcessClient } from './in-process-client';
import { openLambdaSinks, openLambdaStreamSinks } from './lambda-sinks';
import { clientOf, headersOf, type HttpAnswer, type Protocol } from './reading-client';
import { readEventStream, readMultipart, readSubscription } from './read-parts';
import type { openRequests } from './requests-in-flight';
import { sinkOptions } from './sink-options';
import { certificate } from './subgraph-servers';
import { openWebSocketSinks } from './web-socket-sinks';

export type Requests = ReturnType<typeof openRequests>['requests'];
export type OnRequest = (request: IncomingRequest) => void;

/** A client's connection, whose requests reach `onRequest`. */
export interface TestConnection {
  /** @param takesParts as the client says */
  ask(takesParts: boolean): Client;
  /** Whether clients are told a status and headers. @default true */
  readonly tellsHead?: boolean;
  /** Whether each client takes parts, without saying so. @default false */
  readonly alwaysTakesParts?: boolean;
  close(): Promise<void>;
}

export type Open = (requests: Requests, onRequest: OnRequest) => Promise<TestConnection>;

const multipart: Protocol = { accept: 'multipart/mixed, application/json;q=0.9', read: readMultipart };
const subscription: Protocol = {
  accept: 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json;q=0.9',
  read: readSubscription,
};
const eventStream: Protocol = { accept: 'text/event-stream', read: readEventStream };

/** Every kind of connection, how to open one, and the class of its sinks. */
export const sinkKinds: [string, Open, new (...args: never[]) => Sink][] = [
  ['HTTP/1.1, in multipart', openHttp1(multipart), HttpSink],
  ['HTTP/2, in multipart', openHttp2(multipart), HttpSink],
  ["HTTP/1.1, in Apollo's multipart", openHttp1(subscription), HttpSink],
  ['HTTP/1.1, in server-sent events', openHttp1(eventStream), HttpSink],
  ['HTTP/2, in server-sent events', openHttp2(eventStream), HttpSink],
  ['WebSocket', openWebSocketSinks, OperationSink],
  ['in process', openInProcess, InProcessClient],
  ['an event of AWS Lambda', openLambdaSinks, LambdaSink],
  ["a stream of AWS Lambda, in Apollo's multipart", openLambdaStreamSinks(subscription), LambdaStreamSink],
  ['a stream of AWS Lambda, in server-sent events', openLambdaStreamSinks(eventStream), LambdaStreamSink],
];

/** Those that send every answer in one piece. */
export const wholeSinks: readonly unknown[] = [LambdaSink];

function openHttp1(protocol: Protocol): Open {
  return async (requests, onRequest) => {
    const { port, close } = await listen(requests, onRequest, false);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    return {
      ask: (takesParts) => {
        const sent = askHttp1({ agent, port, path: '/graphql', headers: headersOf(protocol, takesParts) });
        const answer = new Promise<HttpAnswer>((resolve, reject) => {
          sent.on('error', reject);
          sent.on('response', (body) => {
            resolve({ status: body.statusCode!, headers: new Headers(body.headersDistinct as never), body });
          });
        });
        sent.end();
        return clientOf(answer, protocol, () => sent.destroy());
      },
      close: async () => {
        agent.destroy();
        await close();
      },
    };
  };
}

function openHttp2(protocol: Protocol): Open {
  return async (requests, onRequest) => {
    const { port, close } = await listen(requests, onRequest, true);
    const openSession = () => connect(`https://localhost:${port}`, { ca: certificate });
    let session = openSession();
    return {
      ask: (takesParts) => {
        if (session.destroyed) session = openSession();
        const stream = session.request({ ':path': '/graphql', ...headersOf(protocol, takesParts) });
        const answer = new Promise<HttpAnswer>((resolve, reject) => {
          stream.on('error', reject);
          stream.on('response', ({ ':status': status, ...headers }) => {
            const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
            resolve({ status: status!, headers: new Headers(named as never), body: stream });
          });
        });
        return clientOf(answer, protocol, () => stream.close(8));
      },
      close: async () => {
        session.destroy();
        await close();
      },
    };
  };
}

async function openInProcess(requests: Requests, onRequest: OnRequest): Promise<TestConnection> {
  return {
    ask: (takesParts) => {
      const client = new InProcessClient(requests, { takesParts });
      onRequest(client.request);
      return client;
    },
    close: async () => undefined,
  };
}

async function listen(requests: Requests, onRequest: OnRequest, isSecure: boolean) {
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const options = parseOptions(isSecure ? { tls } : {});
  const begin = createBeginRequest(options, requests, sinkOptions());
  const server = createListener(options, (request, response) => {
    onRequest(begin(request, response).request);
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { port, close };
}
