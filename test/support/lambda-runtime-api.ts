import { equal } from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { LambdaHead } from '../../gateway/lambda/lambda-answer';

/** How a function answers an event. */
export interface Invocation {
  /** Resolves when the function has sent it. Rejects if the function fails before. */
  readonly head: Promise<LambdaHead>;
  /** What comes after the head. It is read no faster than asked for, and fails where the function does not end it. */
  readonly body: Promise<Readable>;
  /** Closes the connection over which the function answers. */
  readonly cut: () => void;
}

/** A stub of Lambda's Runtime API, over HTTP: it hands events to runtimes, and takes their answers. */
export interface RuntimeApi {
  /** Host and port, as in AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Hands an event to a runtime. @param milliseconds that the function has; by default five minutes */
  invoke(event: unknown, milliseconds?: number): Invocation;
  close(): Promise<void>;
}

/** @param needRuntime called when there is an event, and no runtime waits for one */
export async function startRuntimeApi(needRuntime: () => void): Promise<RuntimeApi> {
  const begun = new Map<string, Begun>();
  const events: Begun[] = [];
  const waiting: ServerResponse[] = [];
  let count = 0;

  function handOver(response: ServerResponse, { id, event, milliseconds }: Begun): void {
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + milliseconds),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:123456789012:function:shop',
    });
    response.end(JSON.stringify(event));
  }

  const server = createServer((request, response) => {
    const [, path] = /^\/2018-06-01\/runtime\/(.*)$/.exec(request.url!)!;
    if (path === 'invocation/next') {
      const next = events.shift();
      if (next === undefined) waiting.push(response);
      else handOver(response, next);
      return;
    }
    const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path!) ?? [];
    const answered = begun.get(id!);
    request.on('close', () => {
      // As the Runtime API does when it has all of an answer.
      if (request.complete) response.writeHead(202).end('{"status":"OK"}');
    });
    if (what === 'response') answered!.take(request);
    else void buffer(request).then((body) => answered?.fail(body));
  });
  // A runtime sends nothing while nothing happens, over a connection that it uses again.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    invoke(event, milliseconds = 300_000) {
      const invocation = new Begun(`event-${++count}`, event, milliseconds);
      begun.set(invocation.id, invocation);
      const response = waiting.shift();
      if (response !== undefined) handOver(response, invocation);
      else {
        events.push(invocation);
        needRuntime();
      }
      return invocation;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

class Begun implements Invocation {
  readonly head: Promise<LambdaHead>;
  readonly body: Promise<Readable>;
  #answer!: (request: IncomingMessage) => void;
  #fail!: (error: Error) => void;
  readonly #request: Promise<IncomingMessage>;

  constructor(
    readonly id: string,
    readonly event: unknown,
    readonly milliseconds: number,
  ) {
    this.#request = new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
    });
    const read = this.#request.then(readHead);
    this.head = read.then(({ head }) => head);
    this.body = read.then(({ body }) => body);
    for (const each of [this.head, this.body]) each.catch(() => undefined);
  }

  take(request: IncomingMessage): void {
    this.#answer(request);
  }

  fail(body: Buffer): void {
    this.#fail(new Error(`The function has failed: ${body.toString()}`));
  }

  readonly cut = (): void => void this.#request.then((request) => request.destroy());
}

/** Reads the head of a streamed answer: JSON, and 8 bytes of 0. An answer without has the status 200. */
async function readHead(request: IncomingMessage): Promise<{ head: LambdaHead; body: Readable }> {
  equal(request.headers['lambda-runtime-function-response-mode'], 'streaming');
  equal(request.headers['transfer-encoding'], 'chunked');
  const pieces = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let got: Buffer = Buffer.alloc(0);
  let head: LambdaHead = { statusCode: 200 };
  if (request.headers['content-type'] === 'application/vnd.awslambda.http-integration-response') {
    let end = got.indexOf(delimiter);
    for (; end === -1; end = got.indexOf(delimiter)) {
      const { done, value } = await pieces.next();
      if (done === true) throw new Error('There is no head.');
      got = Buffer.concat([got, value]);
    }
    head = JSON.parse(got.subarray(0, end).toString()) as LambdaHead;
    got = got.subarray(end + delimiter.length);
  }
  async function* rest(): AsyncGenerator<Buffer> {
    if (got.length > 0) yield got;
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
    const error = request.trailers['lambda-runtime-function-error-type'];
    if (error === undefined) return;
    const told = Buffer.from(request.trailers['lambda-runtime-function-error-body']!, 'base64').toString();
    throw new Error(`The function has failed within its answer: ${error}: ${told}`);
  }
  return { head, body: Readable.from(rest(), { objectMode: false }) };
}

const delimiter = Buffer.alloc(8);
