/** Subscriptions over server-sent events: the "distinct connections mode" of the GraphQL over SSE protocol. */
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { once } from 'node:events';
import { finished } from 'node:stream';
import {
  SubscriptionRefused,
  type EventResult,
  type OpenSubscription,
  type SubscribeRequest,
} from './open-subscription';

/** How soon a client is to come back when the subgraph stops, or its event source has failed. */
const retryMilliseconds = 1000;

export interface EventStreamOptions {
  readonly open: OpenSubscription;
  /** Aborted when the process begins to drain. */
  readonly draining: AbortSignal;
  /** Milliseconds between two comments that keep the connection open. */
  readonly heartbeat: number;
}

export const acceptsEventStream = (request: FastifyRequest): boolean =>
  /(?:^|,)\s*text\/event-stream\b/i.test(request.headers.accept ?? '');

/**
 * Answers a request with one event per result. A refusal is answered with 200, too: clients repeat requests that fail
 * with another status.
 */
export async function sendEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { open, draining, heartbeat }: EventStreamOptions,
): Promise<void> {
  const results = await open(readRequest(request), request).catch((error: unknown) => {
    if (error instanceof SubscriptionRefused) return refused(error);
    throw error;
  });
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  const beat = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(':\n\n');
  }, heartbeat);
  const left = new AbortController();
  const end = (): void => void results.return(undefined);
  draining.addEventListener('abort', end);
  finished(raw, () => {
    left.abort();
    end();
  });
  if (draining.aborted) end();
  let isComplete: boolean;
  try {
    for await (const result of results)
      if (!raw.write(frameOf(result))) await once(raw, 'drain', left).catch(() => undefined);
    isComplete = !draining.aborted;
  } catch {
    isComplete = false;
  }
  clearInterval(beat);
  draining.removeEventListener('abort', end);
  // Without `complete`, the client knows that there is more to come.
  raw.end(isComplete ? 'event: complete\ndata:\n\n' : `retry: ${retryMilliseconds}\n\n`);
}

function frameOf(result: EventResult): string {
  const position = result.extensions?.position;
  const id = position === undefined ? '' : `id: ${position}\n`;
  return `event: next\n${id}data: ${JSON.stringify(result)}\n\n`;
}

async function* refused({ errors }: SubscriptionRefused): AsyncGenerator<EventResult> {
  yield await Promise.resolve({ errors });
}

/** The request in a body, or in the query string as GraphQL over HTTP has it. `Last-Event-ID` is a position, too. */
function readRequest({ method, body, query, headers }: FastifyRequest): SubscribeRequest {
  const given = (method === 'GET' ? query : body) as Record<string, unknown> | null;
  const { query: document, operationName, variables, extensions } = given ?? {};
  const parsedExtensions = parsed(extensions);
  const last = headers['last-event-id'];
  return {
    query: document,
    operationName,
    variables: parsed(variables),
    extensions: last === undefined ? parsedExtensions : { ...(parsedExtensions as object), after: last },
  };
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
