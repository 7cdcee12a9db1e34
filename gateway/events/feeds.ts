import type { Options } from '../options';
import type { Source } from '../subgraph-calls/contract/source';
import { EventQueue } from '../subgraph-calls/subscriptions/event-queue';
import { gapEvent } from '../subgraph-calls/subscriptions/events';
import type { Caller, SubgraphEvent } from '../subgraph-calls/contract/transport';
import type { DomainEvent } from './domain-event';
import { compileKey, type EntityKey } from './drops';
import { isUuid } from '../telemetry/request-id';
import { pauseBefore, sleep } from './pauses';
import { type DomainEventSource, positionOf, type ReceivedEvent } from './source';

/** What events feed, by the subscription field. */
export type FeedOptions = Options['events']['subscriptions'];

/** What a subscription wants of the events of a field. */
export interface EventInterest {
  readonly field: string;
  readonly matches: (event: DomainEvent) => boolean;
  /** The answer to the operation that opens the source, for the key of an object. */
  readonly bodyOf: (key: EntityKey) => Buffer;
}

/** An event with the keys of the objects that it is about, by the fields that it feeds. */
export interface FedEvent {
  readonly event: DomainEvent;
  readonly keys: ReadonlyMap<string, EntityKey>;
  readonly position: string | undefined;
  /** Bytes that it came as. */
  readonly size: number;
}

export interface EventFeedsOptions {
  /** By the names in the options. */
  readonly sources: ReadonlyMap<string, DomainEventSource>;
  /** Reads an event of a replay, and drops what it drops; undefined for one that feeds nothing. */
  readonly read: (source: string, event: ReceivedEvent) => Promise<FedEvent | undefined>;
  /** Milliseconds before a replay that broke is tried again. @default 250 */
  readonly pause?: number | undefined;
}

/** A subscription's part of the events. */
interface Tap extends EventInterest {
  readonly queue: EventQueue;
  /** Positions are those of this source; undefined for a field without positions. */
  readonly source: string | undefined;
}

/** Gives events to subscriptions, and replays those that clients who come back have missed. */
export class EventFeeds {
  readonly #options: EventFeedsOptions;
  readonly #taps = new Map<string, Set<Tap>>();
  /** The last events of each source. */
  readonly #recent = new Map<string, RecentEvents>();
  readonly #replays = new Map<string, Turns>();
  #fields: ReadonlyMap<string, FeedField> = new Map();

  constructor(options: EventFeedsOptions) {
    this.#options = options;
    for (const name of options.sources.keys()) {
      this.#recent.set(name, new RecentEvents());
      this.#replays.set(name, new Turns(mostReplays, turnMilliseconds));
    }
  }

  /** Which events feed which fields from now on. */
  use(fields: FeedOptions): void {
    const [only, ...others] = this.#options.sources.keys();
    this.#fields = new Map(
      Object.entries(fields).map(([name, { types, source, key }]) => {
        const from = source ?? (others.length === 0 ? only : undefined);
        const hasPositions = from !== undefined && this.#options.sources.get(from)?.keeps === 'positions';
        const field = {
          types,
          source,
          positions: hasPositions ? from : undefined,
          keysOf: compileKey(name, key),
        };
        return [name, field];
      }),
    );
  }

  /** The types that feed fields. */
  get types(): string[] {
    return [...this.#fields.values()].flatMap(({ types }) => types);
  }

  /** The keys of the objects that an event is about, by the fields that it feeds. Throws a `BadEvent` where one lacks a value. */
  keysOf(source: string, event: DomainEvent): ReadonlyMap<string, EntityKey> {
    const keys = new Map<string, EntityKey>();
    for (const [name, field] of this.#fields) {
      const isFed = field.types.includes(event.type) && (field.source ?? source) === source;
      if (isFed) keys.set(name, field.keysOf(event)[0]!);
    }
    return keys;
  }

  /** Gives an event to all who want it. */
  give(source: string, fed: FedEvent): void {
    if (this.#fields.size === 0) return;
    if (fed.position !== undefined) this.#recent.get(source)!.add(fed);
    for (const field of fed.keys.keys()) for (const tap of this.#taps.get(field) ?? []) push(tap, fed);
  }

  /** Notes where the gateway is in a source: behind all events before this position. */
  at(source: string, position: string): void {
    this.#recent.get(source)!.position = position;
  }

  /** Sends a gap to all who may get events of a source: some may be missing. */
  gap(source: string): void {
    this.#recent.get(source)!.clear();
    for (const [name, taps] of this.#taps)
      if ((this.#fields.get(name)?.source ?? source) === source)
        for (const { queue } of taps) queue.push(gapEvent);
  }

  /** The events from now on, or after a position. */
  subscribe(wanted: EventInterest, after: string | undefined): Source<SubgraphEvent> {
    const source = this.#fields.get(wanted.field)?.positions;
    const ended = new AbortController();
    const queue = new EventQueue({
      ...{ subgraph: 'events', bounds: eventBounds, onDropped: () => undefined },
      onClose: () => {
        ended.abort();
        this.#taps.get(wanted.field)?.delete(tap);
      },
    });
    const tap: Tap = { ...wanted, queue, source };
    if (after === undefined) this.#add(tap);
    else if (source === undefined) this.#addAfterGap(tap);
    else if (!this.#goLive(tap, after)) void this.#replay(tap, source, after, ended.signal);
    return queue;
  }

  #add(tap: Tap): void {
    let taps = this.#taps.get(tap.field);
    if (taps === undefined) this.#taps.set(tap.field, (taps = new Set()));
    taps.add(tap);
  }

  #addAfterGap(tap: Tap): void {
    tap.queue.push(gapEvent);
    this.#add(tap);
  }

  /** Whether the events after a position are known here: then it is given them, and all that come. */
  #goLive(tap: Tap, after: string): boolean {
    const missed = this.#recent.get(tap.source!)!.after(after);
    if (missed === undefined) return false;
    for (const each of missed) push(tap, each);
    this.#add(tap);
    return true;
  }

  /** Reads the source from a position until it is where the gateway is. Sends a gap where that cannot be. */
  async #replay(tap: Tap, name: string, after: string, signal: AbortSignal): Promise<void> {
    const { sources, read, pause } = this.#options;
    const source = sources.get(name)!;
    const { types } = this.#fields.get(tap.field)!;
    let position = after;
    const turns = this.#replays.get(name)!;
    let turn = await turns.take();
    try {
      for (let attempt = 0; attempt < mostAttempts && !signal.aborted;) {
        let gaveWay = false;
        try {
          for await (const batch of source.read({ after: position, types, signal })) {
            if (batch.isGap === true) {
              this.#addAfterGap(tap);
              return;
            }
            for (const received of batch.events) {
              const fed = await read(name, received);
              if (fed !== undefined) push(tap, fed);
              position = received.position ?? position;
              if (this.#goLive(tap, position)) return;
            }
            position = positionOf(batch) ?? position;
            if (this.#goLive(tap, position)) return;
            gaveWay = turn.isOver();
            if (gaveWay) break;
          }
        } catch {
          // The next attempt goes on where this one broke.
        }
        if (gaveWay) {
          turn.end();
          turn = await turns.take();
        } else await sleep(pauseBefore(attempt++, pause), signal);
      }
      if (!signal.aborted) this.#addAfterGap(tap);
    } finally {
      turn.end();
    }
  }
}

interface FeedField {
  readonly types: readonly string[];
  /** Undefined: all. */
  readonly source: string | undefined;
  /** The source whose positions its events have; undefined without positions. */
  readonly positions: string | undefined;
  readonly keysOf: (event: DomainEvent) => readonly EntityKey[];
}

function push({ field, matches, bodyOf, queue, source }: Tap, { event, keys, position }: FedEvent): void {
  const key = keys.get(field);
  if (key === undefined || !matches(event)) return;
  queue.push({
    ...{ status: 200, headers: {}, body: bodyOf(key), cause: event, tracing: tracingOf(event) },
    position: source === undefined ? undefined : position,
  });
}

/**
 * Headers of the calls for an event: of what it began with, and not of who receives it. Their answers may be shared, so that
 * the request id must be a UUID, and the state of the trace is left out.
 */
function tracingOf({ requestId, trace }: DomainEvent): Caller['tracing'] | undefined {
  const hasId = requestId !== undefined && isUuid(requestId);
  if (!hasId && trace === undefined) return undefined;
  return { ...(hasId && { 'x-request-id': requestId }), ...(trace && { traceparent: trace.traceparent }) };
}

/** Bodies have a key only. */
export const eventBounds = { events: 1000 };
/** Replays of one source at the same time: each has a connection. */
const mostReplays = 16;
/** How long a replay goes on while others wait: a rare type may be looked for in a whole log. */
const turnMilliseconds = 500;
const mostAttempts = 6;

/** The last events of a source. */
class RecentEvents {
  #events: FedEvent[] = [];
  #size = 0;

  /** Behind the last event that was given; undefined while it is not known. */
  position: string | undefined;

  add(event: FedEvent): void {
    this.position = event.position;
    this.#events.push(event);
    this.#size += event.size;
    while (this.#events.length > mostRecent || this.#size > mostRecentBytes)
      this.#size -= this.#events.shift()!.size;
  }

  clear(): void {
    this.#events = [];
    this.#size = 0;
  }

  /** Undefined for a position that is not among them. */
  after(position: string): readonly FedEvent[] | undefined {
    if (position === this.position) return [];
    const at = this.#events.findLastIndex((each) => each.position === position);
    return at === -1 ? undefined : this.#events.slice(at + 1);
  }
}

const mostRecent = 1000;
const mostRecentBytes = 4 * 1024 * 1024;

interface Turn {
  /** Whether others wait, and this one has had its time. */
  isOver(): boolean;
  end(): void;
}

/** Lets some go on at the same time, the others in their order. A long one should give way to those that wait. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #milliseconds: number;
  #free: number;

  constructor(atOnce: number, milliseconds: number) {
    this.#free = atOnce;
    this.#milliseconds = milliseconds;
  }

  /** Resolves when it is one's turn. */
  async take(): Promise<Turn> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const end = performance.now() + this.#milliseconds;
    return {
      isOver: () => this.#waiting.length > 0 && performance.now() >= end,
      end: () => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }
}
