import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LambdaAnswer, LambdaHandler, LambdaOptions } from '../../gateway/lambda/index';
import type { LambdaStreamHandler } from '../../gateway/lambda/event-handlers';
import { openLambda } from '../../gateway/lambda/lambda-handler';
import type { OpenGatewayParts } from '../../gateway/process/start-gateway';
import { type EventSender, headersIn, lambdaEvent } from './lambda-events';
import { awsLambdaStub, type FunctionStub, setAwsLambda, startFunctionStub } from './lambda-runtime-stub';
import { type Json, testGateway, type TestGateway } from './test-gateway';

export interface LambdaFront {
  /** Without a path. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Stands in for what AWS has in front of a function: makes an event of each request, and a response of what is answered. */
export async function startLambdaFront(sender: EventSender, handler: LambdaHandler): Promise<LambdaFront> {
  return startFront(sender, async (event, response) => {
    const text = JSON.stringify(await handler(JSON.parse(JSON.stringify(event)), context()));
    write(JSON.parse(text) as LambdaAnswer, response);
  });
}

/** What streams the answers of a function to its clients. */
export type StreamingSender = 'function url' | 'rest api';
export const streamingSenders: readonly StreamingSender[] = ['function url', 'rest api'];

/** Stands in for what AWS has in front of a function that streams. As on AWS, the function does not learn that a client has left. */
export async function startStreamFront(
  sender: StreamingSender,
  handler: LambdaStreamHandler,
): Promise<LambdaFront & { readonly runtime: FunctionStub }> {
  const reset = setAwsLambda(awsLambdaStub);
  const api = await startFunctionStub(awsLambdaStub.streamifyResponse(handler));
  const front = await startFront(sender, async (event, response) => {
    const { head, body } = api.invoke(event);
    const answer = await head;
    response.writeHead(answer.statusCode, headersIn(answer).flat());
    response.flushHeaders();
    for await (const piece of await body) {
      if (response.destroyed || response.write(piece)) continue;
      const over = new AbortController();
      const { signal } = over;
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
      over.abort();
    }
    response.end();
  });
  return {
    url: front.url,
    runtime: api,
    close: async () => {
      await front.close();
      await api.close();
      reset();
    },
  };
}

async function startFront(
  sender: EventSender,
  answer: (event: unknown, response: ServerResponse) => Promise<void>,
): Promise<LambdaFront> {
  const server = createServer((request, response) => {
    sentIn(request)
      .then((sent) => answer(lambdaEvent(sender, sent), response))
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end(String(error));
      });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A gateway as a function, behind what hands requests to it. Each instance has its own caches, unless told otherwise. */
export async function startLambdaGateway(sender: EventSender, options: LambdaOptions): Promise<TestGateway> {
  const { opened, log } = await openGateway(options);
  return behind(await startLambdaFront(sender, opened.handler), opened, options, log);
}

/** The same, as a function that streams. */
export async function startStreamingGateway(
  sender: StreamingSender,
  options: LambdaOptions & Pick<OpenGatewayParts, 'transport'>,
): Promise<TestGateway & { readonly runtime: FunctionStub }> {
  const { opened, log } = await openGateway(options);
  const front = await startStreamFront(sender, opened.streamHandler);
  return { ...behind(front, opened, options, log), runtime: front.runtime };
}

async function openGateway({ transport, ...options }: LambdaOptions & Pick<OpenGatewayParts, 'transport'>) {
  const log: Json[] = [];
  const logDestination = { write: (line: string) => log.push(JSON.parse(line)) };
  const lambda = { perInstance: true, ...options.lambda };
  const opened = await openLambda({ logDestination, ...options, lambda }, { transport });
  return { opened, log };
}

function behind(
  front: LambdaFront,
  { gateway }: Awaited<ReturnType<typeof openLambda>>,
  { path = '/graphql' }: LambdaOptions,
  log: Json[],
): TestGateway {
  const stop = async (): Promise<void> => {
    await front.close();
    await gateway.stop();
  };
  return testGateway({ ...gateway, url: `${front.url}${path}`, stop }, log);
}

/** What Lambda says of an event beside it. */
export function context(milliseconds = 30_000): {
  awsRequestId: string;
  getRemainingTimeInMillis: () => number;
} {
  const end = performance.now() + milliseconds;
  return {
    awsRequestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
    getRemainingTimeInMillis: () => end - performance.now(),
  };
}

async function sentIn(request: IncomingMessage) {
  const { method, url, rawHeaders } = request;
  const [path, ...query] = url!.split('?');
  const headers = Array.from({ length: rawHeaders.length / 2 }, (_, i): [string, string] => [
    rawHeaders[2 * i]!,
    rawHeaders[2 * i + 1]!,
  ]);
  const body = await buffer(request);
  const address = request.socket.remoteAddress!;
  return { method: method!, path: path!, query: query.join('?'), headers, body, address };
}

function write(answer: LambdaAnswer, response: ServerResponse): void {
  const { statusCode, body, isBase64Encoded } = answer;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const length = statusCode === 204 ? [] : ['content-length', String(bytes.length)];
  // AWS counts itself.
  const headers = headersIn(answer).filter(([name]) => name.toLowerCase() !== 'content-length');
  response.writeHead(statusCode, [...headers.flat(), ...length]);
  response.end(bytes);
}
