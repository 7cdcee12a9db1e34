import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Publisher {
  /** The URL of the endpoint beside which the events are. */
  readonly url: string;
  /** What was asked for, the newest last. */
  readonly requests: readonly IncomingMessage[];
  /** Appends events to the log, and sends them. */
  publish(...bodies: string[]): void;
  /** Sends what it is given, whatever it is. */
  write(text: string): void;
  /** Ends all connections. */
  cut(): void;
  /** The connections that are open stay so, and get nothing more. */
  mute(): void;
  /** Forgets the log: positions in it are not known any more. */
  forget(): void;
  /** Answers with this status until it is told otherwise; 200: with events. */
  answerWith(status: number): void;
  stop(): Promise<void>;
}

/**
 * The log of a subgraph's events, behind `GET /events`, as the kit has it.
 *
 * @param calls where other requests are passed on to
 */
export async function startPublisher(calls?: string): Promise<Publisher> {
  const log: { readonly position: number; readonly type: string; readonly body: string }[] = [];
  const open = new Map<ServerResponse, readonly string[]>();
  const requests: IncomingMessage[] = [];
  let next = 1;
  let first = 1;
  let status = 200;
  const send = (
    to: ServerResponse,
    types: readonly string[],
    { position, type, body }: (typeof log)[number],
  ) => {
    if (types.includes(type)) to.write(`id: p${position}\ndata: ${body}\n\n`);
  };
  const server = createServer((request, response) => {
    const { searchParams, pathname } = new URL(request.url!, 'http://localhost');
    if (pathname !== '/events') {
      void passOn(request, response, calls!);
      return;
    }
    requests.push(request);
    const types = searchParams.get('types')!.split(',');
    const after = searchParams.get('after');
    const from = after === null ? undefined : Number(after.slice(1));
    if (status !== 200 || (from !== undefined && from < first - 1)) {
      response.writeHead(status === 200 ? 410 : status).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (from !== undefined) for (const each of log) if (each.position > from) send(response, types, each);
    response.write(`: end p${next - 1}\n\n`);
    open.set(response, types);
    response.on('close', () => open.delete(response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = (): void => {
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    requests,
    publish(...bodies) {
      for (const body of bodies) {
        const type = typeIn(body);
        const entry = { position: next++, type, body };
        log.push(entry);
        for (const [response, types] of open) send(response, types, entry);
      }
    },
    write: (text) => {
      for (const response of open.keys()) response.write(text);
    },
    cut,
    mute: () => open.clear(),
    forget: () => {
      log.length = 0;
      first = next + 1;
      next += 2;
    },
    answerWith: (answered) => {
      status = answered;
    },
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        cut();
      }),
  };
}

async function passOn(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, ...tracingOf(request) },
    body: await text(request),
  });
  const cacheControl = answer.headers.get('cache-control') ?? 'no-store';
  response.writeHead(answer.status, { ...headers, 'cache-control': cacheControl }).end(await answer.text());
}

const tracingOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    ['x-request-id', 'traceparent', 'tracestate'].flatMap((name) =>
      headers[name] === undefined ? [] : [[name, String(headers[name])]],
    ),
  );

const typeIn = (body: string): string => /"type":"([^"]*)"/.exec(body)?.[1] ?? '';

let ids = 0;

/** A CloudEvent, as JSON. */
export const eventBody = (given: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    ...{ specversion: '1.0', id: `e${++ids}`, source: 'inventory', type: 'StockChanged', dataversion: 1 },
    ...{ subject: 'p1', sequence: 1, time: '2026-01-01T00:00:00.000Z', data: {}, correlationid: 'r1' },
    ...given,
  });
