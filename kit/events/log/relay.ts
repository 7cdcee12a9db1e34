import { type FastifyBaseLogger } from 'fastify';
import { exists, type Condition } from '../../table/condition';
import { type Database } from '../../table/database';
import { keyText, pickKey, type ItemKey } from '../../table/keys';
import { createLimiter } from '../../serve/limiter';
import { type AnyTableDefinition } from '../../table/definition';
import { type Table } from '../../table/table';
import { traceIdIn } from '../../traces/trace';
import { beginPublish, beginSend } from '../../traces/event-spans';
import { during, type Tracer } from '../../traces/tracer';
import { type DomainEvent, type WrittenEvent } from '../event';
import { EventConflict, type EventLog } from './event-log';
import { outboxIndex, outboxShards, type WithOutbox } from './outbox';

/** Brings events from the outboxes of items to the log. */
export interface Relay {
  /** Relays what is in outboxes, of this process or another. Resolves when it has looked at every item once. */
  sweep(): Promise<void>;
  /** Resolves when nothing is being relayed. */
  idle(): Promise<void>;
  /** Relays no new writes, and resolves when what is being relayed is. */
  stop(): Promise<void>;
}

export interface RelayOptions {
  readonly db: Database;
  /** The name of the subgraph. */
  readonly source: string;
  /** Those with an outbox. */
  readonly tables: readonly AnyTableDefinition[];
  readonly eventLog: EventLog;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
  /** Called when the log has an event. */
  readonly onLogged?: (() => void) | undefined;
  /** Sends events on, when the log has them; those of a subject in their order, at least once. @default nowhere */
  readonly publish?: ((events: readonly DomainEvent[]) => Promise<void>) | undefined;
  /**
   * Milliseconds between two looks for what processes have left that ended, or what failed here: at one shard in turn,
   * and at all while there is something. @default 5000
   */
  readonly sweepMilliseconds?: number;
  /** @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** Items that are relayed at once, and items that are kept waiting; what is written beyond is left to the next sweep. */
const itemsAtOnce = 8;
const mostWaiting = 500;
const pageSize = 25;

type OutboxItem = object & WithOutbox;

interface RelayedItem {
  readonly definition: AnyTableDefinition;
  readonly key: ItemKey;
  /** The item as it was written since. */
  newest: OutboxItem | undefined;
  /** The sequence of the last event that was relayed. */
  relayed: number;
  relaying: Promise<void>;
}

/**
 * Relays the events of each write through `db` at once, and sweeps for those of others. An event leaves its outbox only
 * when the log has it, and only if nothing was added meanwhile. So any number of relays may run at once, and end anywhere.
 */
export const openRelay = (options: RelayOptions): Relay => new OutboxRelay(options);

class OutboxRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #limiter = createLimiter(itemsAtOnce);
  /** By table and key: what is being relayed, or waits. */
  readonly #items = new Map<string, RelayedItem>();
  readonly #stopWatching: () => void;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Whether outboxes may have events that no write of this process is going to relay. */
  #hasLeftovers = false;
  #turn = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#stopWatching = options.db.onEvents((definition, item) => this.#relay(definition, item));
    this.#timer = setInterval(() => {
      if (this.#hasLeftovers) void this.sweep();
      else void this.#sweepTables([outboxShards[this.#turn++ % outboxShards.length]!]);
    }, options.sweepMilliseconds ?? 5000).unref();
  }

  sweep(): Promise<void> {
    if (this.#sweeping) return this.#sweeping;
    this.#hasLeftovers = false;
    this.#sweeping = this.#sweepTables(outboxShards).finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#items.values()].map(({ relaying }) => relaying));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopWatching();
    clearInterval(this.#timer);
    await this.#last;
    await this.idle();
  }

  #relay(definition: AnyTableDefinition, item: OutboxItem): void {
    const key = pickKey(definition, item);
    const name = `${definition.name} ${keyText(definition, key)}`;
    const known = this.#items.get(name);
    if (known) known.newest = item;
    else if (this.#items.size >= mostWaiting) this.#hasLeftovers = true;
    if (known || this.#items.size >= mostWaiting) return;
    const entry: RelayedItem = { definition, key, newest: item, relayed: 0, relaying: Promise.resolve() };
    this.#items.set(name, entry);
    entry.relaying = this.#limiter(async () => {
      while (entry.newest) {
        await this.#relayItem(entry, entry.newest).catch((error: unknown) => {
          this.#hasLeftovers = true;
          const facts = { table: definition.name, key, err: error };
          this.#options.log.error(facts, 'an outbox cannot be emptied');
        });
      }
      this.#items.delete(name);
    });
  }

  async #relayItem(entry: RelayedItem, item: OutboxItem): Promise<void> {
    const { definition, key } = entry;
    const { db, source } = this.#options;
    const table = db.table(definition) as Table<OutboxItem>;
    entry.newest = undefined;
    let current: OutboxItem | null = item;
    while (current?.outbox) {
      const events = eventsOf(current, source).filter(({ sequence }) => sequence > entry.relayed);
      const relayed = await this.#relayEvents(events);
      if (relayed === false) return;
      if (relayed instanceof EventConflict)
        await this.#renumber(table, { key, item: current, conflict: relayed });
      else {
        const { eventCount = 0 }: OutboxItem = current;
        entry.relayed = Math.max(entry.relayed, eventCount);
        const condition: Condition<OutboxItem> = { eventCount, outbox: exists };
        if (await table.update(key, { remove: ['outbox', 'outboxShard'], condition })) return;
      }
      current = await table.get(key, { consistent: true });
    }
  }

  /**
   * False if one of them failed: it and those behind it are relayed by a later sweep. A conflict: those before it are
   * relayed.
   */
  async #relayEvents(events: readonly DomainEvent[]): Promise<boolean | EventConflict> {
    const { log, onLogged, publish, tracer } = this.#options;
    let event = events[0];
    try {
      let conflict: EventConflict | undefined;
      const logged: DomainEvent[] = [];
      for (event of events) {
        const position = await this.#append(event).catch((error: unknown) => {
          if (!(error instanceof EventConflict)) throw error;
          conflict = error;
          return undefined;
        });
        if (position === undefined) break;
        logged.push(event);
        onLogged?.();
        log.info({ ...factsOf(event), position }, 'event logged');
      }
      event = events[0];
      if (publish && logged.length > 0) await during(beginPublish(tracer, logged), () => publish(logged));
      return conflict ?? true;
    } catch (error) {
      this.#hasLeftovers = true;
      log.error({ ...(event && factsOf(event)), err: error }, 'an event stays in its outbox for now');
      return false;
    }
  }

  #append(event: DomainEvent): Promise<string> {
    const { eventLog, tracer } = this.#options;
    const span = beginSend(tracer, event);
    return during(span, () => eventLog.append(event, span?.causing(event.correlationid)));
  }

  /**
   * The item has begun to count its events anew. Those from the conflict on are numbered behind the last one of their
   * subject in the log, and so are all later ones. Another relay may have done it already.
   */
  async #renumber(
    table: Table<OutboxItem>,
    { key, item, conflict }: { key: ItemKey; item: OutboxItem; conflict: EventConflict },
  ): Promise<void> {
    const { outbox = [], eventCount = 0 } = item;
    const left = outbox.slice(conflict.sequence - (eventCount - outbox.length + 1));
    const { subject } = JSON.parse(left[0]!) as WrittenEvent;
    const { sequence: last } = (await this.#options.eventLog.read(subject, conflict.sequence)).at(-1)!;
    const renumbered = await table.update(key, {
      set: { outbox: left, eventCount: last + left.length },
      condition: { eventCount, outbox: exists },
    });
    if (!renumbered) return;
    const facts = { table: table.definition.name, key, subject, from: conflict.sequence, to: last + 1 };
    this.#options.log.error({ ...facts, err: conflict }, 'the events of an item are numbered anew');
  }

  /** One after the other. */
  #sweepTables(shards: readonly string[]): Promise<void> {
    this.#last = this.#last
      .then(async () => {
        for (const definition of this.#options.tables)
          for (const shard of shards) await this.#sweepShard(definition, shard);
      })
      .catch((error: unknown) => {
        this.#hasLeftovers = true;
        this.#options.log.warn({ err: error }, 'the outboxes cannot be read');
      });
    return this.#last;
  }

  async #sweepShard(definition: AnyTableDefinition, shard: string): Promise<void> {
    const table = this.#options.db.table(definition) as Table<OutboxItem>;
    const query = { index: outboxIndex, partition: shard, limit: pageSize };
    let after: Readonly<Record<string, string>> | undefined;
    while (!this.#isStopped) {
      const page = await table.query({ ...query, ...(after && { after }) });
      if (page.length > 0) this.#hasLeftovers = true;
      for (const item of page) this.#relay(definition, item);
      await this.idle();
      if (page.length < pageSize) return;
      after = { ...pickKey(definition, page.at(-1)!), outboxShard: shard };
    }
  }
}

/** The events in the outbox of an item, which has numbered them. */
function eventsOf({ outbox = [], eventCount = 0 }: OutboxItem, source: string): DomainEvent[] {
  return outbox.map((text, i) => {
    const { id, type, dataversion, subject, ...rest } = JSON.parse(text) as WrittenEvent;
    const sequence = eventCount - outbox.length + 1 + i;
    return { specversion: '1.0', id, source, type, dataversion, subject, sequence, ...rest };
  });
}

const factsOf = ({ type, subject, sequence, correlationid, traceparent }: DomainEvent) => ({
  type,
  subject,
  sequence,
  requestId: correlationid,
  traceId: traceparent && traceIdIn(traceparent),
});
