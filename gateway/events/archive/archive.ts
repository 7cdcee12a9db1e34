import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { Signer } from '../../subgraph-calls/contract/signer';
import { EventStreamParser } from '../../subgraph-calls/subscriptions/event-stream-parser';
import { type KeptDestination, openFileDestination, TrailTaken } from '../../telemetry/audit/destinations';
import { type AuditRecord, readLine } from '../../telemetry/audit/record';
import { Trail } from '../../telemetry/audit/trail';
import { readTrace } from '../../telemetry/trace-context';
import { acknowledgeHeader, Acknowledgements } from './acknowledgements';
import { isInS3, openS3Destination } from './archive-bucket';
import { lockTrail, withLock } from './archive-lock';
import { mostEventBytes } from '../domain-event';

export interface ArchiveOptions {
  /** The name of the subgraph. */
  readonly source: string;
  /** Its GraphQL endpoint; `GET /events` is beside it. */
  readonly url: string;
  /** The audit trail, of this source alone: a file, or an `s3:` URL. */
  readonly trail: string;
  /** Chains the records, as `audit.key`. */
  readonly key?: string | undefined;
  /** @default the request is not signed */
  readonly signer?: Pick<Signer, 'sign'> | undefined;
  readonly signal: AbortSignal;
  /** Called when the events are read, from behind a position (empty: from the first), and when they or the file fail. */
  readonly onChange: (state: { readonly after: string } | { readonly reason: unknown }) => void;
  /** Called with records that the trail has now: lines of JSON. */
  readonly onArchived?: ((lines: string) => void) | undefined;
  /** Milliseconds before the second attempt to connect; each further one waits twice as long, up to 5 s. @default 250 */
  readonly pause?: number | undefined;
}

/** The archive cannot be continued. The message has the reason, without the trail's name. */
export class ArchiveBroken extends Error {
  override readonly name = 'ArchiveBroken';
}

/**
 * Appends every event of a subgraph to an audit trail, from the first one on, until the signal is aborted. A record has
 * the position of its event, so the trail goes on where it ends, whenever its writer was killed. A trail has one writer:
 * another one is refused. Rejects with {@link ArchiveBroken}, or if the trail cannot be opened.
 */
export async function archiveEvents(options: ArchiveOptions): Promise<void> {
  const { source, key, onChange, onArchived, pause = 250 } = options;
  const opened = await openDestination(options.trail, key);
  const destination: KeptDestination = {
    ...opened,
    async write(lines, before) {
      await opened.write(lines, before);
      onArchived?.(lines);
      acknowledgements?.archived(positionIn(lines));
    },
  };
  let acknowledgements: Acknowledgements | undefined;
  let taken: TrailTaken | undefined;
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const trail = new Trail({
    ...{ destination, key, whenSlow: 'block', bound: mostWaiting },
    onDrop: () => undefined,
    onFailure(reason) {
      if (reason instanceof TrailTaken) {
        taken = reason;
        ending.abort();
      } else onChange({ reason });
    },
  });
  try {
    const end = destination.tail.at(-1);
    if (end !== undefined && readLine(end, key)?.isIntact !== true)
      throw new ArchiveBroken('its last record was changed, or chained with another key');
    const archived = destination.tail.map((line) => JSON.parse(line) as Partial<EventRecord>);
    let position = positionAtEnd(archived, source);
    acknowledgements = new Acknowledgements(position, {
      ...{ url: options.url, signer: options.signer, signal, pause },
      onFailure: (reason) => onChange({ reason }),
    });
    const onConnected = (isRequested: boolean) => acknowledgements!.connected(isRequested);
    const known = new RecentIds(archived.map(({ details }) => idOf(details?.event)));
    for (let failures = 0; ; failures++) {
      let reason: unknown = new Error('the connection was closed');
      try {
        for await (const received of readEvents({ ...options, signal, onConnected }, position)) {
          await trail.ready();
          const record = recordOf(received, source);
          if (known.add(idOf(record.details.event))) trail.write(record);
          position = received.position;
          failures = 0;
        }
      } catch (error) {
        if (error instanceof ArchiveBroken) throw error;
        reason = error;
      }
      if (signal.aborted) break;
      onChange({ reason });
      await sleep(Math.min(5000, pause * 2 ** failures), undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await trail.close();
  }
  if (taken !== undefined) throw new ArchiveBroken(taken.message);
}

async function openDestination(trail: string, key: string | undefined): Promise<KeptDestination> {
  if (isInS3(trail)) return openS3Destination(trail, key);
  const lock = await lockTrail(trail).catch((error: unknown) => {
    throw error instanceof TrailTaken ? new ArchiveBroken(error.message) : error;
  });
  try {
    return withLock(await openFileDestination(trail, key), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface UnpublishedEvent {
  readonly position: string;
  readonly data: Buffer;
}

interface EventRecord extends AuditRecord {
  readonly details: { readonly source: string; readonly position: string; readonly event: unknown };
}

async function* readEvents(
  {
    url,
    signer,
    signal,
    onChange,
    onConnected,
  }: ArchiveOptions & {
    /** Called with whether the subgraph requests acknowledgements. */
    readonly onConnected: (isRequested: boolean) => void;
  },
  after: string,
): AsyncIterable<UnpublishedEvent> {
  const address = new URL('/events', url);
  address.searchParams.set('after', after);
  const caller = { headers: {}, signedIdentity: undefined };
  const unsigned = { method: 'GET', url: address, body: Buffer.alloc(0), caller } as const;
  const signed = (await signer?.sign(unsigned)) ?? [];
  const { statusCode, headers, body } = await request(address, {
    headers: ['accept', 'text/event-stream', ...signed],
    ...{ headersTimeout: silence, bodyTimeout: silence, signal },
  });
  if (statusCode !== 200 || !String(headers['content-type']).startsWith('text/event-stream')) {
    await body.dump();
    if (statusCode === forgotten)
      throw new ArchiveBroken(
        `the subgraph does not know the position ${after}: its log is another one. Move the trail away to begin anew`,
      );
    throw new Error(`GET ${address.pathname} was answered with ${statusCode}, and not with an event stream`);
  }
  onChange({ after });
  onConnected(headers[acknowledgeHeader] === 'archived');
  let received: UnpublishedEvent[] = [];
  const parser = new EventStreamParser(mostStreamEvent, {
    onEvent(_name, data, position) {
      if (data.length > 0 && position !== undefined) received.push({ position, data });
    },
  });
  for await (const piece of body as AsyncIterable<Buffer>) {
    parser.push(piece);
    yield* received;
    received = [];
  }
}

/** Of the last of some records. */
const positionIn = (lines: string): string =>
  (JSON.parse(lines.slice(lines.lastIndexOf('\n', lines.length - 2) + 1)) as EventRecord).details.position;

/** Where the archive ends; empty: it has no record yet. */
function positionAtEnd(archived: readonly Partial<EventRecord>[], source: string): string {
  const last = archived.at(-1);
  if (last === undefined) return '';
  const { details } = last;
  if (last.action !== 'event' || typeof details?.position !== 'string')
    throw new ArchiveBroken('its last line is no record of an event');
  if (details.source !== source)
    throw new ArchiveBroken(`it has the events of "${details.source}", not of "${source}"`);
  return details.position;
}

function recordOf({ position, data }: UnpublishedEvent, source: string): EventRecord {
  const text = data.toString();
  let event: unknown = text;
  try {
    event = JSON.parse(text);
  } catch {
    // It is kept as a text.
  }
  const { correlationid, traceparent } = Object(event) as Readonly<Record<string, unknown>>;
  return {
    time: new Date().toISOString(),
    action: 'event',
    requestId: textOf(correlationid),
    traceId: readTrace(textOf(traceparent), undefined)?.traceId,
    outcome: 'ok',
    details: { source, position, event },
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const idOf = (event: unknown): string | undefined => textOf((Object(event) as { id?: unknown }).id);

/** The ids of the last events: a subgraph may send one again. */
class RecentIds {
  readonly #ids = new Set<string>();

  constructor(ids: readonly (string | undefined)[]) {
    for (const id of ids) this.add(id);
  }

  /** False if it is known already. */
  add(id: string | undefined): boolean {
    if (id === undefined) return true;
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > mostIds) this.#ids.delete(this.#ids.values().next().value!);
    return true;
  }
}

const mostIds = 10_000;
/** Bytes of records that wait for the file. */
const mostWaiting = 2 ** 20;
/** Room for an event that is larger than it may be. */
const mostStreamEvent = 4 * mostEventBytes;
/** Milliseconds without a byte after which a connection counts as broken. */
const silence = 60_000;
/** 410: the log does not know the position. */
const forgotten = 410;
