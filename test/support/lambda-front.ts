import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LambdaAnswer, LambdaHandler, LambdaOptions } from '../../gateway/lambda';
import { openLambda } from '../../gateway/process/lambda-handler';
import { type EventSender, headersIn, lambdaEvent } from './lambda-events';
import { type Json, testGateway, type TestGateway } from './test-gateway';

export interface LambdaFront {
  /** Without a path. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Stands in for what AWS has in front of a function: makes an event of each request, and a response of what is answered. */
export async function startLambdaFront(sender: EventSender, handler: LambdaHandler): Promise<LambdaFront> {
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const event = lambdaEvent(sender, await sentIn(request));
      const text = JSON.stringify(await handler(JSON.parse(JSON.stringify(event)), context()));
      write(JSON.parse(text) as LambdaAnswer, response);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  }

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
export async function startLambdaGateway(
  sender: EventSender,
  options: LambdaOptions,
): Promise<TestGateway & { readonly handler: LambdaHandler }> {
  const log: Json[] = [];
  const { gateway, handler } = await openLambda({
    logDestination: { write: (line) => log.push(JSON.parse(line)) },
    lambda: { perInstance: true },
    ...options,
  });
  const front = await startLambdaFront(sender, handler);
  const stop = async (): Promise<void> => {
    await front.close();
    await gateway.stop();
  };
  return {
    handler,
    ...testGateway({ ...gateway, url: `${front.url}${options.path ?? '/graphql'}`, stop }, log),
  };
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
  response.writeHead(statusCode, [...headersIn(answer).flat(), ...length]);
  response.end(bytes);
}
