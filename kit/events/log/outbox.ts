import { createHash } from 'node:crypto';
import { missing, type Condition } from '../../table/condition';
import { type AnyTableDefinition } from '../../table/definition';
import { type Change } from '../../table/table';
import { writeEvent, type Cause, type NewEvent } from '../event';

/**
 * Extended by items of tables with an outbox. Only the kit writes these attributes: events that are not relayed yet are
 * in the item whose change they report, so that one write writes both, or neither.
 */
export interface WithOutbox {
  /** The events that are not relayed yet, each as JSON, in their order. Not there: none. */
  readonly outbox?: readonly string[];
  /** Puts the item into the index of those with an outbox. */
  readonly outboxShard?: string;
  /** How many events the item has ever written: the sequence of the last one. */
  readonly eventCount?: number;
}

/** The index of the items that have events to relay: the relay reads it, and never the table. */
export const outboxIndex = 'byOutbox';

/** What the relay does with items of the table, besides reading the index. */
export const outboxOperations = ['GetItem', 'UpdateItem'] as const;

/** Partitions of that index. One would bound how much a table can write. */
export const outboxShards = ['0', '1', '2', '3'] as const;

const mostSubjectCharacters = 500;

/** How the items of a table write events. */
export interface Outbox {
  /** Put before an item's key to make the subject of its events. @default '' */
  readonly subjectPrefix: string;
}

/** What a table needs to write events. */
export interface EventWriter {
  readonly definition: AnyTableDefinition;
  readonly cause: Cause | undefined;
}

/** The item with new events in its outbox. */
export function addEvents<Item extends object>(
  item: Item,
  events: readonly NewEvent[],
  writer: EventWriter,
): Item {
  if (events.length === 0) return item;
  const { outbox = [], eventCount = 0 } = item as WithOutbox;
  const { texts, outboxShard } = write(item, events, writer);
  return { ...item, outbox: [...outbox, ...texts], outboxShard, eventCount: eventCount + events.length };
}

/** The change, which appends new events to the outbox, too. */
export function changeWithEvents<Item extends object>(
  key: object,
  change: Change<Item>,
  writer: EventWriter,
): Change<Item> {
  const { events = [] } = change;
  if (events.length === 0) return change;
  const { texts, outboxShard } = write(key, events, writer);
  const { set, add, append } = change as Change<WithOutbox>;
  return {
    ...change,
    set: { ...set, outboxShard },
    add: { ...add, eventCount: events.length },
    append: { ...append, outbox: texts },
  } as unknown as Change<Item>;
}

/** Holds if the stored item has written no event since this one was read. */
export const noNewerEvent = <Item extends object>(item: Item): Condition<Item> =>
  ({ eventCount: (item as WithOutbox).eventCount ?? missing }) as Condition<Item>;

/** The subject of the events of an item, or of the item with this key. */
export function subjectOf({ outbox, partitionKey, sortKey }: AnyTableDefinition, item: object): string {
  const attributes = item as Readonly<Record<string, unknown>>;
  const key = String(attributes[partitionKey]);
  const own =
    sortKey === undefined
      ? key
      : `${encodeURIComponent(key)}/${encodeURIComponent(String(attributes[sortKey]))}`;
  return (outbox?.subjectPrefix ?? '') + own;
}

function write(item: object, events: readonly NewEvent[], { definition, cause }: EventWriter) {
  const { name, outbox } = definition;
  if (!outbox)
    throw new TypeError(`The table "${name}" has no outbox: its definition must say \`outbox: true\`.`);
  const subject = subjectOf(definition, item);
  if (subject.length > mostSubjectCharacters)
    throw new RangeError(
      `The subject of an event, which is the key of its item, may have ${mostSubjectCharacters} characters, but "${subject.slice(0, 40)}…" has ${subject.length}.`,
    );
  const shard = createHash('sha256').update(subject).digest()[0]! % outboxShards.length;
  return {
    texts: events.map((event) => writeEvent(event, subject, cause)),
    outboxShard: outboxShards[shard]!,
  };
}
