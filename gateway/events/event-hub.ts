import { LRUCache } from 'lru-cache';
import { UnknownNames } from '../cache/invalidation';
import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import type { InvalidationCause } from '../telemetry/statistics/invalidation-log';
import { BadEvent, type DomainEvent, readEvent } from './domain-event';
import { compileDrops, type DropsOf, dropsOfMissed, mergeDrops } from './drops';
import { EventFeeds, type FedEvent } from './feeds';
import { SourceFollower } from './follower';
import type { DomainEventSource, ReceivedEvent } from './source';

export interface EventHubOptions {
  /** By the names in the options. */
  readonly sources: ReadonlyMap<string, DomainEventSource>;
  /**
   * Drops from all caches of all gateways. Rejects with `UnknownNames` if the supergraph does not have all names, and with
   * another error if it is not certain yet; then the caches drop it themselves before they are used again.
   */
  readonly drop: (invalidation: Invalidation, cause: InvalidationCause) => Promise<void>;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info' | 'debug'>;
}

/** An event that can be used. */
interface Heard extends FedEvent {
  readonly drops: Invalidation | undefined;
}

/**
 * Hears the events of all sources, and uses each once, in the order of its source: what it drops from the caches is dropped
 * first. One per process: it outlives options and supergraphs.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #followers: ReadonlyMap<string, SourceFollower>;
  /** What subscriptions are fed by. */
  readonly feeds: EventFeeds;
  readonly #counts;
  /** Events that were used: a source may deliver one again. */
  readonly #used = new LRUCache<string, true>({ max: mostRemembered });
  /** Those whose drops are done. */
  readonly #dropped = new LRUCache<string, true>({ max: mostRemembered });
  #types: ReadonlyMap<string, { readonly versions: readonly number[]; readonly dropsOf: DropsOf }> =
    new Map();
  #missed: Invalidation | undefined;
  /** Lines about bad events in this minute, and those that were left out. */
  #lines = { since: 0, written: 0, leftOut: 0 };

  constructor(options: EventHubOptions) {
    const { sources, meter } = options;
    this.#options = options;
    this.#counts = { events: meter.sum('weir.events'), gaps: meter.sum('weir.events.gaps') };
    const up = meter.sum('weir.events.sources.up');
    const follower = (name: string, source: DomainEventSource): SourceFollower => {
      up.add(0, { source: name });
      let isUp = false;
      return new SourceFollower({
        source,
        take: (events) => this.#take(name, events),
        onPosition: (position) => this.feeds.at(name, position),
        onGap: () => this.#gap(name),
        onChange: (state, reason) => {
          if ((state === 'up') !== isUp) up.add(isUp ? -1 : 1, { source: name });
          isUp = state === 'up';
          this.#say(name, state, reason);
        },
      });
    };
    this.#followers = new Map(Array.from(sources, ([name, source]) => [name, follower(name, source)]));
    this.feeds = new EventFeeds({
      sources,
      read: (name, received) => this.#replayed(name, received),
    });
  }

  /** What events mean from now on. The sources are followed from the first call on. */
  use({ types, subscriptions }: Pick<Options['events'], 'types' | 'subscriptions'>): void {
    this.feeds.use(subscriptions);
    const feeding = this.feeds.types.filter((type) => !Object.hasOwn(types, type));
    const all = [...Object.entries(types), ...feeding.map((type) => [type, alone] as const)];
    this.#types = new Map(
      all.map(([type, { versions, drop }]) => [type, { versions, dropsOf: compileDrops(drop) }]),
    );
    this.#missed = mergeDrops(all.map(([, { drop }]) => dropsOfMissed(drop)));
    const names = all.map(([type]) => type);
    for (const follower of this.#followers.values()) follower.follow([...new Set(names)]);
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#followers.values(), (follower) => follower.stop()));
  }

  async #take(source: string, received: readonly ReceivedEvent[]): Promise<void> {
    const { logger } = this.#options;
    const heard = received.flatMap((each) => this.#hear(source, each));
    await this.#drop(source, heard);
    for (const each of heard) {
      this.#dropped.set(keyOf(each.event), true);
      this.feeds.give(source, each);
      logger.debug({ source, position: each.position, ...factsOf(each.event) }, 'an event was used');
    }
    this.#counts.events.add(heard.length, { source, result: 'used', reason: undefined });
  }

  /** The event, unless it is none that is used. */
  #hear(source: string, received: ReceivedEvent): Heard[] {
    let event: DomainEvent | undefined;
    const count = (result: 'passed-over' | 'repeated'): [] => {
      this.#counts.events.add(1, { source, result, reason: undefined });
      return [];
    };
    try {
      event = readEvent(received.body);
      const type = this.#types.get(event.type);
      if (type === undefined) return count('passed-over');
      if (this.#used.has(keyOf(event))) return count('repeated');
      if (!type.versions.includes(event.version))
        throw new BadEvent('version', `Version ${event.version} is not one of those that the options name.`);
      const drops = type.dropsOf(event);
      this.#used.set(keyOf(event), true);
      return [{ ...this.#fed(source, event, received), drops }];
    } catch (error) {
      if (!(error instanceof BadEvent)) throw error;
      this.#refuse(source, event, error);
      return [];
    }
  }

  #fed(source: string, event: DomainEvent, { body, position }: ReceivedEvent): FedEvent {
    const known = { event, position, size: body.length };
    try {
      return { ...known, keys: this.feeds.keysOf(source, event) };
    } catch (error) {
      if (!(error instanceof BadEvent)) throw error;
      // What it drops is dropped nevertheless.
      this.#refuse(source, event, error);
      return { ...known, keys: new Map() };
    }
  }

  /**
   * An event of a replay. What is wrong with it is reported where it is received. That may be later than it is replayed: so what
   * it drops is dropped here, too.
   */
  async #replayed(source: string, { body, position }: ReceivedEvent): Promise<FedEvent | undefined> {
    try {
      const event = readEvent(body);
      const type = this.#types.get(event.type);
      if (type?.versions.includes(event.version) !== true) return undefined;
      const drops = type.dropsOf(event);
      const fed = { event, position, size: body.length, keys: this.feeds.keysOf(source, event) };
      if (!this.#dropped.has(keyOf(event))) await this.#drop(source, [{ ...fed, drops }]);
      this.#dropped.set(keyOf(event), true);
      return fed;
    } catch (error) {
      if (error instanceof BadEvent) return undefined;
      throw error;
    }
  }

  async #drop(source: string, heard: readonly Heard[]): Promise<void> {
    const { drop, logger } = this.#options;
    const all = mergeDrops(heard.map(({ drops }) => drops));
    if (all === undefined) return;
    try {
      const types = [...new Set(heard.map(({ event }) => event.type))];
      await drop(all, { kind: 'event', by: source, because: types.slice(0, 3).join(', ') });
    } catch (error) {
      if (!(error instanceof UnknownNames)) {
        const events = heard.map(({ event }) => factsOf(event));
        logger.warn({ err: error, source, events }, 'an invalidation by events is not confirmed yet');
        return;
      }
      // The supergraph has changed since the options were checked: the others are dropped.
      const [only] = heard;
      if (heard.length > 1) for (const each of heard) await this.#drop(source, [each]);
      else this.#refuse(source, only!.event, new BadEvent('names', error.message));
    }
  }

  /** Events may be missing: whatever they may have dropped is dropped. */
  async #gap(source: string): Promise<void> {
    const { drop, logger } = this.#options;
    this.#counts.gaps.add(1, { source });
    logger.warn({ source }, 'events may be missing: what they may have changed is dropped from the caches');
    if (this.#missed !== undefined)
      await drop(this.#missed, { kind: 'event', by: source, because: 'missed events' }).catch(
        (error: unknown) => {
          logger.warn({ err: error, source }, 'an invalidation by events is not confirmed yet');
        },
      );
    this.feeds.gap(source);
  }

  #refuse(source: string, event: DomainEvent | undefined, { reason, message }: BadEvent): void {
    this.#counts.events.add(1, { source, result: 'bad', reason });
    const lines = this.#lines;
    const now = performance.now();
    if (now - lines.since > 60_000) {
      lines.since = now;
      lines.written = 0;
    }
    if (lines.written >= mostLines) {
      lines.leftOut++;
      return;
    }
    lines.written++;
    const { leftOut } = lines;
    lines.leftOut = 0;
    this.#options.logger.warn(
      {
        source,
        reason: message,
        ...(event && factsOf(event)),
        ...(leftOut > 0 && { leftOut }),
      },
      'an event cannot be used',
    );
  }

  #say(source: string, state: 'up' | 'down', reason: unknown): void {
    const { logger } = this.#options;
    if (state === 'up') logger.info({ source }, 'events are heard');
    else logger.warn({ source, reason: (reason as Error).message }, 'events are not heard any more');
  }
}

/** What log lines say of an event. */
const factsOf = ({ type, id, subject, requestId, trace }: DomainEvent) => ({
  event: { type, id, subject },
  requestId,
  traceId: trace?.traceId,
});

const keyOf = ({ source, id }: DomainEvent): string => `${source}\n${id}`;

/** Of a type that feeds subscriptions, and drops nothing. */
const alone: Options['events']['types'][string] = {
  versions: [1],
  drop: { entities: [], tags: [], types: [], subgraphs: [] },
};
/** Events that are known when they come again. */
const mostRemembered = 10_000;
/** Lines about bad events in a minute; further ones are counted. */
const mostLines = 60;
