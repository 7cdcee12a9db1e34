import { LRUCache } from 'lru-cache';
import { UnknownNames } from '../cache/invalidation';
import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/meter';
import { BadEvent, type DomainEvent, readEvent } from './domain-event';
import { compileDrops, type DropsOf, dropsOfMissed, mergeDrops } from './drops';
import { Follower } from './follower';
import type { DomainEventSource, ReceivedEvent } from './source';

export interface EventHubOptions {
  /** By the names in the options. */
  readonly sources: ReadonlyMap<string, DomainEventSource>;
  /**
   * Drops from all caches of all gateways. Rejects with `UnknownNames` if the supergraph does not have all names, and with
   * another error if it is not certain yet; then the caches drop it themselves before they are used again.
   */
  readonly drop: (invalidation: Invalidation) => Promise<void>;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** What events mean, by their type. */
type EventTypes = Options['events']['types'];

/** An event that can be used. */
interface Heard {
  readonly event: DomainEvent;
  readonly drops: Invalidation | undefined;
}

/**
 * Hears the events of all sources, and uses each once, in the order of its source: what it drops from the caches is dropped
 * first. One per process: it outlives options and supergraphs.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #followers: readonly Follower[];
  readonly #counts;
  /** Events that were used: a source may deliver one again. */
  readonly #used = new LRUCache<string, true>({ max: mostRemembered });
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
    this.#followers = Array.from(sources, ([name, source]) => {
      up.add(0, { source: name });
      let isUp = false;
      return new Follower({
        source,
        take: (events) => this.#take(name, events),
        onGap: () => this.#gap(name),
        onChange: (state, reason) => {
          if ((state === 'up') !== isUp) up.add(isUp ? -1 : 1, { source: name });
          isUp = state === 'up';
          this.#say(name, state, reason);
        },
      });
    });
  }

  /** What events mean from now on. The sources are followed from the first call on. */
  use(types: EventTypes): void {
    const all = Object.entries(types);
    this.#types = new Map(
      all.map(([type, { versions, drop }]) => [type, { versions, dropsOf: compileDrops(drop) }]),
    );
    this.#missed = mergeDrops(all.map(([, { drop }]) => dropsOfMissed(drop)));
    const names = all.map(([type]) => type);
    for (const follower of this.#followers) follower.follow(names);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower.stop()));
  }

  async #take(source: string, received: readonly ReceivedEvent[]): Promise<void> {
    const heard = received.flatMap((each) => this.#hear(source, each));
    await this.#drop(source, heard);
    this.#counts.events.add(heard.length, { source, result: 'used', reason: undefined });
  }

  /** The event, unless it is none that is used. */
  #hear(source: string, { body }: ReceivedEvent): Heard[] {
    let event: DomainEvent | undefined;
    const count = (result: 'passed-over' | 'repeated'): [] => {
      this.#counts.events.add(1, { source, result, reason: undefined });
      return [];
    };
    try {
      event = readEvent(body);
      const type = this.#types.get(event.type);
      if (type === undefined) return count('passed-over');
      if (this.#used.has(keyOf(event))) return count('repeated');
      if (!type.versions.includes(event.version))
        throw new BadEvent('version', `Version ${event.version} is not one of those that the options name.`);
      const drops = type.dropsOf(event);
      this.#used.set(keyOf(event), true);
      return [{ event, drops }];
    } catch (error) {
      if (!(error instanceof BadEvent)) throw error;
      this.#refuse(source, event, error);
      return [];
    }
  }

  async #drop(source: string, heard: readonly Heard[]): Promise<void> {
    const { drop, logger } = this.#options;
    const all = mergeDrops(heard.map(({ drops }) => drops));
    if (all === undefined) return;
    try {
      await drop(all);
    } catch (error) {
      if (!(error instanceof UnknownNames)) {
        logger.warn({ err: error, source }, 'an invalidation by events is not confirmed yet');
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
    if (this.#missed === undefined) return;
    await drop(this.#missed).catch((error: unknown) => {
      logger.warn({ err: error, source }, 'an invalidation by events is not confirmed yet');
    });
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
    const { type, id, subject } = event ?? {};
    this.#options.logger.warn(
      {
        source,
        reason: message,
        ...(event && { event: { type, id, subject } }),
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

const keyOf = ({ source, id }: DomainEvent): string => `${source}\n${id}`;

/** Events that are known when they come again. */
const mostRemembered = 10_000;
/** Lines about bad events in a minute; further ones are counted. */
const mostLines = 60;
