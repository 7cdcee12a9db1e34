/**
 * A stub of Lambda's runtime for Node.js. It does over HTTP what `aws-lambda-ric` 4.0.2 does for a handler that streams, and has
 * its global `awslambda`. The real one is not used as it must be compiled, with curl, wherever it is installed, and needs Node 22.
 */
import { Agent, type ClientRequest, get, request as ask } from 'node:http';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { LambdaStreamHandler } from '../../gateway/lambda/index';
import type { AwsLambda, ResponseStream } from '../../gateway/lambda/response-stream';
import { type RuntimeApi, startRuntimeApi } from './lambda-runtime-api';

/** A function: as many runtimes as it has events at once. */
export interface FunctionStub extends Pick<RuntimeApi, 'invoke' | 'close'> {
  /** What runtimes have logged: why events failed. */
  readonly failures: unknown[];
}

/** @param handler marked by `streamifyResponse` */
export async function startFunctionStub(handler: LambdaStreamHandler): Promise<FunctionStub> {
  if ((handler as Marked)[streaming] !== 'response')
    throw new Error('The handler is not marked as streaming.');
  const failures: unknown[] = [];
  const { address, ...api } = await startRuntimeApi(() => void run(`http://${address}`, handler, failures));
  return { ...api, failures };
}

/** Answers events, one after the other, until the Runtime API is closed. */
async function run(api: string, handler: LambdaStreamHandler, failures: unknown[]): Promise<void> {
  // The runtime has another client for `next`.
  const [nextAgent, agent] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true, maxSockets: 1 })];
  for (;;) {
    const next = await nextEvent(api, nextAgent).catch(() => undefined);
    if (next === undefined) break;
    const { id, deadline, event } = next;
    const context = { awsRequestId: id, getRemainingTimeInMillis: () => deadline - Date.now() };
    const { stream, sent, done } = openStream(`${api}${root}/invocation/${id}/response`, agent);
    try {
      await handler(event, stream, context);
      await done;
      if (!sent.writableFinished) throw new Error('Response stream is not finished.');
    } catch (error) {
      await new Promise((later) => setImmediate(later));
      failures.push(error);
      fail(sent, error as Error);
    }
  }
  for (const each of [nextAgent, agent]) each.destroy();
}

const root = '/2018-06-01/runtime';

async function nextEvent(api: string, agent: Agent) {
  const { promise, resolve, reject } = deferred<Parameters<typeof text>[0] & { headers: object }>();
  get(`${api}${root}/invocation/next`, { agent }, resolve as never).on('error', reject);
  const message = await promise;
  const headers = message.headers as Record<string, string>;
  return {
    id: headers['lambda-runtime-aws-request-id']!,
    deadline: Number(headers['lambda-runtime-deadline-ms']),
    event: JSON.parse(await text(message)) as unknown,
  };
}

/** `createResponseStream`, with what handlers get of the request to the Runtime API. */
function openStream(url: string, agent: Agent) {
  const { promise: done, resolve, reject } = deferred<unknown>();
  const headers = {
    'lambda-runtime-function-response-mode': 'streaming',
    trailer: `${errorType}, ${errorBody}`,
    'content-type': 'application/octet-stream',
    'transfer-encoding': 'chunked',
  };
  const sent: ClientRequest = ask(url, { method: 'POST', agent, headers }, (response) => {
    response.resume();
    response.on('aborted', (error) => {
      reject(error as Error);
      sent.destroy(error as Error);
    });
    response.on('end', resolve);
  });
  sent.on('error', (error) => {
    reject(error);
    sent.destroy(error);
  });
  const writable: Writable = sent;
  let isBegun = false;
  const stream: ResponseStream & { beforeFirst?: (write: (bytes: string | Uint8Array) => void) => void } = {
    get destroyed() {
      return sent.destroyed;
    },
    get writableLength() {
      return sent.writableLength;
    },
    setContentType(type) {
      if (isBegun) throw new Error('Cannot set content-type, too late.');
      sent.setHeader('content-type', type);
    },
    write: (bytes: string | Uint8Array) => {
      if (!isBegun) stream.beforeFirst?.((each) => sent.write(each));
      isBegun = true;
      return sent.write(bytes);
    },
    end: () => sent.end(),
    destroy: writable.destroy.bind(sent),
    on: writable.on.bind(sent),
    off: writable.off.bind(sent),
  };
  return { stream, sent, done };
}

/** Ends an answer with trailers that say why it is not whole. */
function fail(sent: ClientRequest, error: Error): void {
  const told = JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] });
  sent.addTrailers({ [errorType]: error.name, [errorBody]: Buffer.from(told).toString('base64') });
  sent.end();
}

const errorType = 'Lambda-Runtime-Function-Error-Type';
const errorBody = 'Lambda-Runtime-Function-Error-Body';

const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
type Marked = LambdaStreamHandler & { [streaming]?: string };

/** The part of the global that is used. */
export const awsLambdaStub: AwsLambda = {
  streamifyResponse: (handler) => Object.assign(handler as object, { [streaming]: 'response' }) as never,
  HttpResponseStream: {
    from(stream, head) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      return Object.assign(stream, {
        beforeFirst: (write: (bytes: string | Uint8Array) => void) => {
          write(JSON.stringify(head));
          write(new Uint8Array(8));
        },
      });
    },
  },
};

/** Sets the global until the returned function is called. */
export function setAwsLambda(given: Partial<AwsLambda> | undefined): () => void {
  const target = globalThis as unknown as { awslambda: Partial<AwsLambda> | undefined };
  const before = target.awslambda;
  target.awslambda = given;
  return () => (target.awslambda = before);
}

function deferred<Value>() {
  let [resolve, reject]: [(value: Value) => void, (error: Error) => void] = [
    () => undefined,
    () => undefined,
  ];
  const promise = new Promise<Value>((...how) => ([resolve, reject] = how));
  return { promise, resolve, reject };
}
