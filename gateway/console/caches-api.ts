/** The JSON of `/console/api/caches` and `/console/api/streams`. The page imports these types. */

/** `GET /console/api/caches`. What is counted is counted since `since`. */
export interface CachesView {
  readonly store: 'memory' | 'redis' | 'dynamodb';
  /** When counting began, in Unix milliseconds; of several processes the first one. */
  readonly since: number;
  /** How many processes it is of. */
  readonly processes: number;
  /** Entries in the memory of the processes; left out where all are in a store that gateways share. */
  readonly memory?: CacheMemory;
  /** The response cache: how queries were answered, and what it holds. */
  readonly responses: ResponseFigures;
  /** The entity cache, by subgraph and type: those with the most look-ups first, at most 100. */
  readonly entities: readonly EntityFigures[];
  /** Of answers in memory, by the name of their operation: those with the most first, at most 50. */
  readonly operations: readonly HeldEntries[];
  /** Of all entries in memory, by tag: those with the most first, at most 50. */
  readonly tags: readonly HeldEntries[];
  /** How many more tags the entries have. */
  readonly otherTags: number;
  readonly invalidations: {
    /** By what has caused them. */
    readonly counts: Readonly<Record<InvalidationKind, number>>;
    /** The newest first, at most 50. */
    readonly recent: readonly ShownInvalidation[];
  };
}

export interface CacheMemory {
  readonly entries: number;
  readonly bytes: number;
  /** The most that they may have (`cache.memory`). */
  readonly maxBytes: number;
  /** Of how many entries types, operations and tags are counted: the most recently used ones. */
  readonly counted: number;
}

/** Entries in the memory of the processes, of those that are counted. */
export interface Held {
  readonly entries: number;
  readonly bytes: number;
}

export interface HeldEntries extends Held {
  readonly name: string;
}

export interface ResponseFigures extends Held {
  readonly hit: number;
  readonly stale: number;
  /** Queries that shared the execution of another one. */
  readonly coalesced: number;
  readonly miss: number;
  /** Queries whose answers are not cached. */
  readonly pass: number;
  /** Answers that were stored. */
  readonly stored: number;
}

export interface EntityFigures extends Held {
  readonly subgraph: string;
  readonly type: string;
  /** Entities that were looked up. */
  readonly hit: number;
  readonly stale: number;
  readonly miss: number;
  /** Entities that were stored, whatever store there is. */
  readonly stored: number;
  /** How often one was fetched again after its lifetime, and how often it had changed. */
  readonly refreshed: number;
  readonly changed: number;
}

/**
 * `operator`: `POST /cache/invalidate`; `mutation`: what a mutation returned or changed; `answer`: a header of a subgraph's
 * answer; `event`: an event of a service; `program`: the `invalidations` of a program.
 */
export type InvalidationKind = 'operator' | 'mutation' | 'answer' | 'event' | 'program';

export interface ShownInvalidation {
  /** Unix milliseconds. */
  readonly at: number;
  readonly kind: InvalidationKind;
  /** The address of the operator, the subgraph, or the source of events. */
  readonly by?: string;
  /** The name of the client's operation, or the type of the event. */
  readonly because?: string;
  /** The id of the client's request. */
  readonly request?: string;
  /** The first five; those with values of keys or arguments as `User:id=…`, unless `admin.console.values` is on. */
  readonly tags: readonly string[];
  /** How many more there are. */
  readonly more: number;
  /** Whether all gateways have dropped it; left out until that is known. */
  readonly isConfirmed?: boolean;
  /** Left out where there is one gateway. */
  readonly gateway?: string;
}

/** `GET /console/api/streams`: subscriptions that are open now. */
export interface StreamsView {
  /** How many clients have one open. */
  readonly clients: number;
  /** Those with the most clients first, at most 100. */
  readonly fields: readonly StreamField[];
  /** How many more there are. */
  readonly others: number;
}

/** Subscriptions of one field. */
export interface StreamField {
  readonly field: string;
  readonly subgraph: string;
  /** How events come from the subgraph, such as `websocket`; `events`: those of an event source feed it. */
  readonly source: string;
  readonly clients: number;
  /** Clients by the protocol in which they take events. */
  readonly protocols: Readonly<Record<string, number>>;
  /** Clients with the same answers share an execution, and executions for the same events share a source. */
  readonly executions: number;
  readonly sources: number;
  /** The clients of the source that the most share. */
  readonly largest: number;
}
