import { Agent, request as askHttp1 } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createBeginRequest } from '../../gateway/http/begin-request';
import { HttpSink } from '../../gateway/http/http-sink';
import { parseOptions } from '../../gateway/options';
import { createListener } from '../../gateway/process/listener';
import type { IncomingRequest } from '../../gateway/request/incoming-request';
import type { Sink } from '../../gateway/request/sink';
import { type Client, InProcessClient } from './in-process-client';
import type { openRequests } from './requests-in-flight';
import { certificate } from './subgraph-servers';

type Requests = ReturnType<typeof openRequests>['requests'];
type OnRequest = (request: IncomingRequest) => void;

/** A client's connection, whose requests reach `onRequest`. */
export interface TestConnection {
  /** @param takesParts as the client says */
  ask(takesParts: boolean): Client;
  close(): Promise<void>;
}

type Open = (requests: Requests, onRequest: OnRequest) => Promise<TestConnection>;

/** Every kind of connection, how to open one, and the class of its sinks. */
export const sinkKinds: [string, Open, new (...args: never[]) => Sink][] = [
  ['HTTP/1.1', openHttp1, HttpSink],
  ['HTTP/2', openHttp2, HttpSink],
  ['in process', openInProcess, InProcessClient],
];

async function openHttp1(requests: Requests, onRequest: OnRequest): Promise<TestConnection> {
  const { port, close } = await listen(requests, onRequest, false);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: (takesParts) => {
      const sent = askHttp1({ agent, port, path: '/graphql', headers: headersOf(takesParts) });
      const answer = new Promise<HttpAnswer>((resolve, reject) => {
        sent.on('error', reject);
        sent.on('response', (body) => {
          resolve({ status: body.statusCode!, headers: new Headers(body.headersDistinct as never), body });
        });
      });
      sent.end();
      return clientOf(answer, () => sent.destroy());
    },
    close: async () => {
      agent.destroy();
      await close();
    },
  };
}

async function openHttp2(requests: Requests, onRequest: OnRequest): Promise<TestConnection> {
  const { port, close } = await listen(requests, onRequest, true);
  const openSession = () => connect(`https://localhost:${port}`, { ca: certificate });
  let session = openSession();
  return {
    ask: (takesParts) => {
      if (session.destroyed) session = openSession();
      const stream = session.request({ ':path': '/graphql', ...headersOf(takesParts) });
      const answer = new Promise<HttpAnswer>((resolve, reject) => {
        stream.on('error', reject);
        stream.on('response', ({ ':status': status, ...headers }) => {
          const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
          resolve({ status: status!, headers: new Headers(named as never), body: stream });
        });
      });
      return clientOf(answer, () => stream.close(8));
    },
    close: async () => {
      session.destroy();
      await close();
    },
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

interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable;
}

const headersOf = (takesParts: boolean) => ({
  accept: takesParts ? 'multipart/mixed, application/json;q=0.9' : '*/*',
});

async function listen(requests: Requests, onRequest: OnRequest, isSecure: boolean) {
  const files = join(__dirname, '../support/tls');
  const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
  const options = parseOptions(isSecure ? { tls } : {});
  const begin = createBeginRequest(options, requests, () => []);
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

function clientOf(answer: Promise<HttpAnswer>, leave: () => void): Client {
  answer.catch(() => undefined);
  let parts: AsyncIterator<string> | undefined;
  return {
    head: answer,
    text: async () => text((await answer).body),
    part: async () => {
      parts ??= partsOf(await answer);
      const { done, value } = await parts.next();
      return done === true ? undefined : value;
    },
    leave,
  };
}

/** Reads `multipart/mixed` no faster than it is asked to. */
async function* partsOf({ headers, body }: HttpAnswer): AsyncGenerator<string, undefined> {
  const boundary = /^multipart\/mixed; boundary=(\w+)$/.exec(headers.get('content-type') ?? '')![1]!;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let read = Buffer.from('\r\n');
  let isFirst = true;
  for await (const piece of body as AsyncIterable<Buffer>) {
    read = Buffer.concat([read, piece]);
    for (let end = read.indexOf(delimiter); end !== -1; end = read.indexOf(delimiter)) {
      const [head, ...lines] = read.subarray(0, end).toString().split('\r\n\r\n');
      if (!isFirst) {
        expect(head).toBe('\r\ncontent-type: application/json; charset=utf-8');
        yield lines.join('\r\n\r\n');
      }
      isFirst = false;
      read = read.subarray(end + delimiter.length);
    }
  }
  expect(read.toString()).toBe('--\r\n');
  return undefined;
}
