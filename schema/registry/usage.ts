import type { GraphQLSchema } from 'graphql';
import { usesOf } from '../checks/operation-uses';
import type { UsageCount, UsageLog } from './usage-log';

export interface UsageOptions {
  /** Whole days count, beginning with this one. */
  readonly since: Date;
  /** Clients whose requests are not counted: `NAME`, or `NAME@VERSION`. @default [] */
  readonly excludedClients?: readonly string[] | undefined;
  /** The schema to which the operations were sent. */
  readonly schema: GraphQLSchema;
}

/** An operation that clients sent, and its number of requests. */
export interface UsedOperation {
  /** The hash of its normalised text. */
  readonly hash: string;
  readonly text: string;
  /** `unnamed` if the operation has no name. */
  readonly name: string;
  readonly requests: number;
  /** The client with the most requests first. */
  readonly clients: readonly ClientUse[];
}

export interface ClientUse {
  /** `unknown` if the client does not send its name. */
  readonly client: string;
  readonly version: string;
  readonly requests: number;
  /** The last day with such a request, in UTC. */
  readonly lastDay: string;
}

/** What uses a schema coordinate. */
export interface CoordinateUse {
  readonly requests: number;
  /** The client with the most requests first. */
  readonly clients: readonly ClientUse[];
  /** The most used one first. `unnamed` stands for all that have no name. */
  readonly operations: readonly OperationUse[];
  readonly lastDay: string;
}

export interface OperationUse {
  readonly name: string;
  readonly requests: number;
}

/** The operations that clients sent in a period. */
export interface Usage {
  /** The requests of all operations. */
  readonly requests: number;
  /** The first day with requests; undefined if there were none. */
  readonly firstDay: string | undefined;
  /** How many days have requests. */
  readonly days: number;
  /** The most used operation first. */
  readonly operations: readonly UsedOperation[];
  /**
   * The operations that use one of these schema coordinates, the most used one first. Only requests with such a use are
   * counted.
   */
  using(coordinates: readonly string[]): UsedOperation[];
  /** The use of each schema coordinate that is used. */
  coordinates(): ReadonlyMap<string, CoordinateUse>;
}

export async function readUsage(log: Pick<UsageLog, 'read'>, options: UsageOptions): Promise<Usage> {
  const { since, excludedClients = [], schema } = options;
  const { segments, operations: texts } = await log.read(since);
  const counts = new Map<string, DayCount[]>();
  for (const count of segments.flatMap(({ day, counts }) => counts.map((each) => ({ ...each, day })))) {
    if (
      excludedClients.includes(count.client) ||
      excludedClients.includes(`${count.client}@${count.version}`)
    )
      continue;
    const others = counts.get(count.operation);
    if (others === undefined) counts.set(count.operation, [count]);
    else others.push(count);
  }
  const read = Array.from(counts, ([hash, counts]) => {
    const text = texts.get(hash) ?? '';
    return { hash, text, name: nameOf(text), counts, uses: safeUses(text, schema) };
  });
  const summarize = (
    { hash, text, name, counts }: (typeof read)[number],
    requestsOf: RequestsOf,
  ): UsedOperation => {
    const clients = clientsOf(counts, requestsOf);
    return { hash, text, name, clients, requests: sum(clients) };
  };
  const operations = read
    .map((operation) => summarize(operation, ({ requests }) => requests))
    .sort(byRequests);
  return {
    requests: sum(operations),
    firstDay: segments.map(({ day }) => day).sort()[0],
    days: new Set(segments.map(({ day }) => day)).size,
    operations,
    using(coordinates) {
      return read
        .map((operation) =>
          coordinates.some((coordinate) => operation.uses.has(coordinate))
            ? summarize(operation, ({ requests }) => requests)
            : summarize(operation, ({ inputs = {} }) =>
                Math.max(0, ...coordinates.map((coordinate) => inputs[coordinate] ?? 0)),
              ),
        )
        .filter(({ requests }) => requests > 0)
        .sort(byRequests);
    },
    coordinates() {
      const uses = new Map<string, { clients: ClientUse[]; operations: Map<string, number> }>();
      const add = (coordinate: string, name: string, clients: readonly ClientUse[]): void => {
        let before = uses.get(coordinate);
        if (before === undefined) uses.set(coordinate, (before = { clients: [], operations: new Map() }));
        before.clients.push(...clients);
        before.operations.set(name, (before.operations.get(name) ?? 0) + sum(clients));
      };
      for (const { name, counts, uses: used } of read) {
        const clients = clientsOf(counts, ({ requests }) => requests);
        for (const coordinate of used) add(coordinate, name, clients);
        const inputs = new Set(counts.flatMap(({ inputs = {} }) => Object.keys(inputs)));
        for (const input of inputs)
          // Otherwise each request with it is counted already.
          if (!used.has(input))
            add(
              input,
              name,
              clientsOf(counts, ({ inputs = {} }) => inputs[input] ?? 0),
            );
      }
      return new Map(Array.from(uses, ([coordinate, use]) => [coordinate, summarizeUse(use)]));
    },
  };
}

function summarizeUse(use: {
  readonly clients: readonly ClientUse[];
  readonly operations: ReadonlyMap<string, number>;
}): CoordinateUse {
  const clients = addClients(use.clients);
  const lastDay = clients.reduce((last, each) => (each.lastDay > last ? each.lastDay : last), '');
  const operations = Array.from(use.operations, ([name, requests]) => ({ name, requests })).sort(byRequests);
  return { requests: sum(clients), clients, operations, lastDay };
}

type DayCount = UsageCount & { readonly day: string };
type RequestsOf = (count: UsageCount) => number;

const clientsOf = (counts: readonly DayCount[], requestsOf: RequestsOf): ClientUse[] =>
  addClients(
    counts.map((count) => ({
      ...{ client: count.client || 'unknown', version: count.version },
      ...{ requests: requestsOf(count), lastDay: count.day },
    })),
  );

/** One entry for each client, those with the most requests first. */
function addClients(uses: readonly ClientUse[]): ClientUse[] {
  const clients = new Map<string, ClientUse>();
  for (const use of uses) {
    if (use.requests === 0) continue;
    const key = `${use.client}\n${use.version}`;
    const before = clients.get(key);
    const { requests = 0, lastDay = '' } = before ?? {};
    clients.set(key, {
      ...use,
      requests: requests + use.requests,
      lastDay: use.lastDay > lastDay ? use.lastDay : lastDay,
    });
  }
  return [...clients.values()].sort(byRequests);
}

const sum = (items: readonly { readonly requests: number }[]): number =>
  items.reduce((total, { requests }) => total + requests, 0);

const byRequests = (a: { readonly requests: number }, b: { readonly requests: number }): number =>
  b.requests - a.requests;

/** The name of an operation in a normalised text: `query Name(…){…}`, perhaps after fragments. */
const nameOf = (text: string): string =>
  /(?:^|\})(?:query|mutation|subscription) (\w+)/.exec(text)?.[1] ?? 'unnamed';

/** The uses of an operation. Empty if its text is missing or damaged: its requests count, but without coordinates. */
function safeUses(text: string, schema: GraphQLSchema): Set<string> {
  try {
    return usesOf(text, schema);
  } catch {
    return new Set();
  }
}
