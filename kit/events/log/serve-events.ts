/** The events of a subgraph over HTTP: `GET /events`, as server-sent events. */
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { isEventType } from '../event';
import { z } from 'zod';
import { badInput } from '../../errors';
import { operatorRoute, type OperatorRoutes } from '../../serve/operator-route';
import { type ArchiveWait } from './archive-wait';
import { UnknownPosition, type EventLog } from './event-log';
import { type LogWatch } from './log-watch';

export const eventsPath = '/events';

export interface EventStreamSettings {
  /** How many readers there may be at once. Beyond, they are refused with 503. @default 100 */
  readonly limit?: number;
  /** Milliseconds between two comments that keep a connection open. @default 12000 */
  readonly heartbeat?: number;
  /** Milliseconds after which a reader that takes nothing is closed. @default 30000 */
  readonly patience?: number;
}

export interface ServeEventsOptions extends EventStreamSettings {
  readonly eventLog: EventLog;
  readonly watch: LogWatch;
  /** Undefined: answers do not wait for an archive, and nothing is at `POST /events/archived`. */
  readonly archiveWait?: ArchiveWait | undefined;
  /** Readers wait until it is resolved. */
  readonly prepared: Promise<void>;
  /** Aborted when the process begins to drain: readers are to come back. */
  readonly draining: AbortSignal;
  /** Throws if the request is not signed for this subgraph. @default undefined: nothing is signed */
  readonly check: ((request: FastifyRequest) => void) | undefined;
}

/** Events that are read at once for one reader: its memory is bounded by them, with 4 MB. */
const pageSize = 20;
const mostTypes = 100;
/** How soon a reader is to come back, in milliseconds. */
const retry = 'retry: 1000\n\n';

/**
 * Serves the log. Each event has its position as `id` and is a CloudEvent in `data`. At the end of the log, and then with
 * each heartbeat, a frame without data has the position that was reached, and a comment says that it is the end.
 */
export function serveEvents(app: FastifyInstance, options: ServeEventsOptions): void {
  const { eventLog, prepared, check, limit = 100 } = options;
  let readers = 0;

  app.route({
    method: 'GET',
    url: eventsPath,
    exposeHeadRoute: false,
    onRequest: async (request) => {
      check?.(request);
      await Promise.resolve();
    },
    async handler(request, reply) {
      const { begin, types } = readRequest(request);
      if (readers >= limit) {
        const message = `${limit} readers follow the events of this subgraph, which is its limit.`;
        return reply.code(503).send({ errors: [{ message, extensions: { code: 'UNAVAILABLE' } }] });
      }
      readers++;
      try {
        await prepared;
        const from = await positionOf(begin);
        reply.hijack();
        await new EventReader(reply, types, { ...options, log: request.log }).follow(from);
        return undefined;
      } finally {
        readers--;
      }
    },
  });

  async function positionOf(begin: Begin): Promise<string> {
    if ('time' in begin) return eventLog.positionAt(begin.time);
    if (begin.after === undefined) return eventLog.head();
    await eventLog.readAll(begin.after, 1).catch((error: unknown) => {
      throw error instanceof UnknownPosition ? new RequestError(error.message, 410) : error;
    });
    return begin.after;
  }
}

const archivedBody = z.strictObject({ position: z.string().max(40) });

/** Serves what an archive says of itself: `POST /events/archived` with the position up to which it has all events. */
export function serveArchived(archiveWait: ArchiveWait, routes: OperatorRoutes): void {
  operatorRoute(routes, '/events/archived', {
    body: archivedBody,
    async act({ position }) {
      await archiveWait.note(position).catch((error: unknown) => {
        throw error instanceof UnknownPosition ? badInput('position', error.message) : error;
      });
      return {};
    },
  });
}

/** One response. */
class EventReader {
  readonly #raw: ServerResponse;
  readonly #types: ReadonlySet<string> | undefined;
  readonly #options: ServeEventsOptions & { readonly log: FastifyBaseLogger };
  readonly #ended = new AbortController();

  constructor(
    reply: FastifyReply,
    types: ReadonlySet<string> | undefined,
    options: ServeEventsOptions & { readonly log: FastifyBaseLogger },
  ) {
    this.#raw = reply.raw;
    this.#types = types;
    this.#options = options;
    this.#raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...(options.archiveWait && { 'weir-acknowledge': 'archived' }),
    });
    this.#raw.flushHeaders();
  }

  /** Sends what is behind the position, and then what comes, until the reader leaves or the process drains. */
  async follow(position: string): Promise<void> {
    const { draining, log } = this.#options;
    const end = (): void => this.#ended.abort();
    draining.addEventListener('abort', end);
    if (draining.aborted) end();
    finished(this.#raw, end);
    try {
      await this.#sendFrom(position);
    } catch (error) {
      if (!this.#ended.signal.aborted) log.error({ err: error }, 'a reader of events was given up');
    }
    draining.removeEventListener('abort', end);
    if (!this.#raw.destroyed) this.#raw.end(retry);
  }

  async #sendFrom(begin: string): Promise<void> {
    const { eventLog, watch, heartbeat = 12_000 } = this.#options;
    const { signal } = this.#ended;
    let position = begin;
    while (!signal.aborted) {
      const { version } = watch;
      const page = await eventLog.readAll(position, pageSize);
      for (const { position: next, event } of page) {
        position = next;
        if (this.#types?.has(event.type) !== false)
          await this.#write(`id: ${position}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      if (page.length === pageSize) {
        await this.#write(`id: ${position}\n\n`);
        continue;
      }
      await this.#write(`id: ${position}\n\n: end ${position}\n\n`);
      await watch.change(version, signal, heartbeat);
    }
  }

  /** Waits until the reader takes more. One that does not is cut off. */
  async #write(frame: string): Promise<void> {
    const { signal } = this.#ended;
    signal.throwIfAborted();
    if (this.#raw.write(frame)) return;
    const { patience = 30_000, log } = this.#options;
    const timer = setTimeout(() => {
      log.warn(`a reader of events was cut off, as it took nothing for ${patience} ms`);
      this.#raw.destroy();
    }, patience);
    try {
      await once(this.#raw, 'drain', { signal });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Behind a position (undefined: the newest), or at a time. */
type Begin = { readonly after: string | undefined } | { readonly time: number };

class RequestError extends Error {
  constructor(
    message: string,
    readonly statusCode = 400,
  ) {
    super(message);
  }
}

function readRequest({ query, headers }: FastifyRequest): {
  readonly begin: Begin;
  readonly types: ReadonlySet<string> | undefined;
} {
  const given = query as Readonly<Record<string, string | string[]>>;
  for (const [name, value] of Object.entries(given)) {
    if (!['after', 'from', 'types'].includes(name))
      throw new RequestError(
        `There is no parameter "${name.slice(0, 40)}", only \`after\`, \`from\` and \`types\`.`,
      );
    if (typeof value !== 'string') throw new RequestError(`\`${name}\` may be given once.`);
  }
  const { after, from, types } = given as Readonly<Record<string, string | undefined>>;
  if (after !== undefined && from !== undefined)
    throw new RequestError('Only one of `after`, a position, and `from`, a time, may be given.');
  const list = types?.split(',');
  if (list && (list.length > mostTypes || !list.every(isEventType)))
    throw new RequestError(`\`types\` must be 1 to ${mostTypes} types of events, with commas between them.`);
  return { begin: readBegin(after, from, headers['last-event-id']), types: list && new Set(list) };
}

/** A reader that comes back sends the position that it has reached with its first request. */
function readBegin(
  after: string | undefined,
  from: string | undefined,
  last: string | string[] | undefined,
): Begin {
  if (last !== undefined && last !== '') return { after: String(last) };
  if (from === undefined) return { after };
  const time = /^\d{4}-\d\d-\d\dT[\d:.]{5,12}(?:Z|[+-]\d\d:\d\d)$/.test(from) ? Date.parse(from) : NaN;
  if (Number.isNaN(time))
    throw new RequestError('`from` must be a time as ISO 8601 has it, such as 2026-01-31T12:00:00Z.');
  return { time };
}
