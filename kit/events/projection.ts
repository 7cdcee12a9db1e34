import { atMost, missing } from '../table/condition';
import { type Database } from '../table/database';
import { type AnyTableDefinition, type TableDefinition } from '../table/definition';
import {
  checkName,
  UnprocessableEvent,
  withCheckedData,
  type ConsumedEvents,
  type EventOf,
} from './consumers/consumer';
import { type DomainEvent } from './event';

/** What a projection uses of an event. */
export type ProjectedEvent = Omit<DomainEvent, 'specversion' | 'id' | 'correlationid'>;

/**
 * A read model that is made of events alone. The kit keeps it in tables of its own, `NAME-1`, `NAME-2` …: each rebuild
 * fills a new one beside the live one, and takes its place.
 */
export interface Projection<Definition extends AnyTableDefinition = AnyTableDefinition> {
  readonly name: string;
  readonly from: ConsumedEvents;
  /** The table of a generation, from 1. */
  readonly table: (generation: number) => Definition;
  /**
   * Applies an event to a generation. Applied again it changes nothing. `isRetry`: it comes from the failure queue, so
   * later events may have been applied.
   */
  readonly apply: (
    event: ProjectedEvent,
    to: { readonly db: Database; readonly generation: number; readonly isRetry?: boolean },
  ) => Promise<void>;
}

/** Where a document or total is found: in the index `byList`, in the order of `sort`. */
export interface ListPlace {
  readonly list: string;
  readonly sort: string;
}

/** A document of a projection, as its table has it. */
export interface ProjectedDocument<State> extends Partial<ListPlace> {
  readonly key: string;
  /** Not there: the document was removed. */
  readonly state?: State;
  /** How many events it is made of. */
  readonly version: number;
  /** The sequence of the last event that was applied, by source and subject. */
  readonly applied: Readonly<Record<string, number>>;
}

export type DocumentTable<State> = TableDefinition<ProjectedDocument<State>, 'key', 'byList'>;

export interface ProjectionDefinition<From extends ConsumedEvents, State> {
  /** Names its tables, so it must be the only one of this name in the database. */
  readonly name: string;
  readonly from: From;
  /**
   * The document after an event; `null` removes it. It must depend on nothing but its arguments. What it throws puts the
   * event into the failure queue.
   */
  readonly apply: (state: State | undefined, event: EventOf<From>) => State | null;
  /** The key of the document that an event changes. @default the event's subject */
  readonly key?: (event: EventOf<From>) => string;
  /** The list in which a document is found, and its position in it. @default in none */
  readonly list?: (state: State, key: string) => ListPlace | undefined;
  /** Documents that are there without an event, such as samples. Each rebuild begins with them. */
  readonly seed?: () => Iterable<{ readonly key: string; readonly state: State }>;
}

const writeAttempts = 10;
const byList = { byList: { partitionKey: 'list', sortKey: 'sort' } } as const;

/**
 * Defines a read model with one document per key: each event of the key changes it. List it in
 * `defineSubgraph({ projections: [...] })`, and read its table as any other: `projections.table(orderHistory)` in the
 * subgraph's context gives the live one.
 * ```ts
 * export const orderHistory = defineProjection({
 *   name: 'order-history',
 *   from: {
 *     orders: {
 *       OrderPlaced: { 1: z.object({ buyerId: z.string(), placedAt: z.string() }) },
 *       OrderStatusChanged: { 1: z.object({ status: z.string() }) },
 *     },
 *   },
 *   apply: (order: PastOrder | undefined, event) =>
 *     event.type === 'OrderPlaced'
 *       ? { id: event.subject, status: 'PLACED', ...event.data }
 *       : order ? { ...order, status: event.data.status } : null,
 *   list: ({ buyerId, placedAt }) => ({ list: buyerId, sort: placedAt }),
 * });
 * ```
 */
export function defineProjection<const From extends ConsumedEvents, State>({
  name,
  from,
  apply,
  key = ({ subject }: ProjectedEvent) => subject,
  list = () => undefined,
  seed,
}: ProjectionDefinition<From, State>): Projection<DocumentTable<State>> {
  checkName(name);
  const table = (generation: number): DocumentTable<State> => ({
    name: `${name}-${generation}`,
    cursorName: name,
    partitionKey: 'key',
    indexes: byList,
    ...(seed && {
      *seed() {
        for (const each of seed()) yield { ...each, version: 0, applied: {}, ...list(each.state, each.key) };
      },
    }),
  });

  return {
    name,
    from,
    table,
    async apply(given, { db, generation, isRetry = false }) {
      const event = withCheckedData(given as DomainEvent, name, from) as EventOf<From>;
      const { source, subject, sequence } = given;
      const documentKey = key(event);
      const documents = db.table(table(generation));
      const origin = `${source}/${subject}`;
      for (let attempt = 0; attempt < writeAttempts; attempt++) {
        const current = await documents.get({ key: documentKey }, { consistent: true });
        if ((current?.applied[origin] ?? 0) >= sequence) {
          if (!isRetry) return;
          throw new UnprocessableEvent(
            `A later event of "${subject}" is in the projection "${name}" already: rebuild the projection.`,
          );
        }
        const state = unprocessable(() => apply(current?.state, event));
        const version = (current?.version ?? 0) + 1;
        const applied = { ...current?.applied, [origin]: sequence };
        const document = {
          ...{ key: documentKey, version, applied },
          ...(state !== null && { state, ...list(state, documentKey) }),
        };
        const condition = { version: current ? current.version : missing };
        if (await documents.put(document, { condition })) return;
      }
      throw new Error(`The document "${documentKey}" of the projection "${name}" is changed too often.`);
    },
  };
}

/** A total, or an entry that is counted in it, as its table has it. */
export interface ProjectedTotal<Value, Total> extends Partial<ListPlace> {
  readonly group: string;
  /** `total`, or `#` and the event that it is of. */
  readonly entry: string;
  /** Of an entry. */
  readonly value?: Value;
  /** Of a total. */
  readonly total?: Total;
  /** How many entries a total counts. */
  readonly counted?: number;
}

export type TotalsTable<Value, Total> = TableDefinition<
  ProjectedTotal<Value, Total>,
  'group' | 'entry',
  'byList'
>;

export interface TotalsDefinition<From extends ConsumedEvents, Value, Total> {
  /** Names its tables, so it must be the only one of this name in the database. */
  readonly name: string;
  readonly from: From;
  /** What an event adds, and to which groups; at most one value to each. */
  readonly entries: (event: EventOf<From>) => Iterable<{ readonly group: string; readonly value: Value }>;
  /** The total of a group. All values of the group are read for each event, so it should not have tens of thousands. */
  readonly count: (values: readonly Value[]) => Total;
  /** The list in which a total is found, and its position in it. @default in none */
  readonly list?: (total: Total, group: string) => ListPlace | undefined;
  /**
   * Called when the totals have what an event adds, and again whenever the event is applied again: it must change nothing
   * then. A subgraph can report by it, with an event of its own, that the totals may be read now.
   */
  readonly onCounted?: (event: EventOf<From>, db: Database) => Promise<unknown>;
  /** One value per group that is there without an event, such as one of samples. Each rebuild begins with it. */
  readonly seed?: () => Iterable<{ readonly group: string; readonly value: Value }>;
}

/** The key of a group's total: `loader.load(totalOf('p1'))`. */
export const totalOf = (group: string) => ({ group, entry: 'total' }) as const;

/**
 * Defines a read model that counts over many aggregates. What each event adds is kept as an item of its own, and counted
 * again, so that an event counts once however often it comes, in whatever order.
 * ```ts
 * export const ratings = defineTotals({
 *   name: 'ratings',
 *   from: { reviews: { ReviewWritten: { 1: z.object({ upc: z.string(), rating: z.int() }) } } },
 *   entries: ({ data: { upc, rating } }) => [{ group: upc, value: rating }],
 *   count: (ratings: readonly number[]) => ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length,
 * });
 * ```
 */
export function defineTotals<const From extends ConsumedEvents, Value, Total>({
  name,
  from,
  entries,
  count,
  list = () => undefined,
  onCounted,
  seed,
}: TotalsDefinition<From, Value, Total>): Projection<TotalsTable<Value, Total>> {
  checkName(name);
  const totalItem = (group: string, values: readonly Value[]): ProjectedTotal<Value, Total> => {
    const total = unprocessable(() => count(values));
    return { ...totalOf(group), total, counted: values.length, ...list(total, group) };
  };
  const table = (generation: number): TotalsTable<Value, Total> => ({
    name: `${name}-${generation}`,
    cursorName: name,
    partitionKey: 'group',
    sortKey: 'entry',
    indexes: byList,
    ...(seed && {
      *seed() {
        for (const { group, value } of seed()) {
          yield { group, entry: '#', value };
          yield totalItem(group, [value]);
        }
      },
    }),
  });

  return {
    name,
    from,
    table,
    async apply(given, { db, generation }) {
      const event = withCheckedData(given as DomainEvent, name, from) as EventOf<From>;
      const { source, subject, sequence } = given;
      const items = db.table(table(generation));
      const entry = `#${source}/${subject}/${sequence}`;
      for (const { group, value } of unprocessable(() => [...entries(event)])) {
        await items.create({ group, entry, value });
        const sort = { beginsWith: '#' };
        const counted = await items.query({ partition: group, sort, consistent: true });
        const total = totalItem(
          group,
          counted.map((each) => each.value!),
        );
        // Entries are only added, so a total of more entries is newer; one of as many is the same.
        const condition = [{ counted: missing }, { counted: atMost(counted.length - 1) }];
        await items.put(total, { condition });
      }
      await onCounted?.(event, db);
    },
  };
}

/** What the functions of a projection throw, they throw again for the same event. */
function unprocessable<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw new UnprocessableEvent((error as Error).message, { cause: error });
  }
}
