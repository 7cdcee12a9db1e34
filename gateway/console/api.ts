/**
 * The JSON of `/console/api/*`. The page imports these types. Nothing in it is a literal of a document, a variable, a header
 * or a token, unless `admin.console.values` is on. Over 300 lines: each type documents its members and their units.
 */

import type { Refusal } from '../request/refusals/refusal';
import type { CountedError, ErrorParts } from './error-figures';

export type { CountedError } from './error-figures';

/** `GET /console/api/about`. */
export interface About {
  readonly version: string;
  readonly mode: 'production' | 'development';
  /** The GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly endpoint: string;
  /** Whether `POST /console/api/invalidate` is there: where `admin.token` is set. */
  readonly canWrite: boolean;
  /** The URL of GraphiQL; left out in production. */
  readonly graphiql?: string;
  /** The share of requests that are recorded, and whether with their values. */
  readonly recorded: { readonly sampling: number; readonly values: boolean };
  /** Where requests are found: in how many processes of this gateway, and whether those of other gateways, too. */
  readonly gateways: { readonly workers: number; readonly shared: boolean };
  /** Whether answers are compared with those of a shadow. */
  readonly shadow: boolean;
}

/** `GET /console/api/gateways`: those that share a store, which the pages show together. */
export interface Gateways {
  /** The name of the one that answers. */
  readonly own: string;
  /** All that are known, this one first. */
  readonly all: readonly {
    readonly name: string;
    /** How old its figures are, in milliseconds; 0 for this one. */
    readonly age: number;
  }[];
  /** What is missing and why, in sentences. */
  readonly troubles: readonly string[];
}

/** `GET /console/api/requests`, an array of these, newest first. */
export interface RequestSummary {
  /** Its `x-request-id`. */
  readonly id: string;
  readonly traceId?: string;
  /** When it came, in Unix milliseconds with fractions. */
  readonly at: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** Left out if its client left before the answer. */
  readonly status?: number;
  /** Its last operation; left out if none was found in it. Its type is empty if it was refused before it was parsed. */
  readonly operation?: { readonly id: string; readonly name: string | null; readonly type: string };
  /** What Apollo's headers say. */
  readonly client?: { readonly name: string; readonly version: string };
  /** The graph that it has chosen; left out where there is one graph. */
  readonly graph?: string;
  /** The error codes in its answers. */
  readonly codes: readonly string[];
  /** Why it, or operations in it, were refused: at most 5; left out where none was. */
  readonly refused?: readonly Refusal[];
  /** `HIT`, `STALE`, `MISS` or `PASS`; left out where no operation ran. */
  readonly cache?: string;
  readonly calls: { readonly planned: number; readonly sent: number; readonly saved: number };
  /**
   * How many values of its answers are null for another reason than that a subgraph has answered null without an error; left
   * out where nobody looked, as where a cache had the answer and it was stored for a request that was not recorded.
   */
  readonly missing?: number;
  /** The number of the process that answered it; left out where there is one. */
  readonly worker?: number;
  /** Another gateway that answered it. */
  readonly gateway?: string;
}

/** `GET /console/api/refusals`: why requests are refused, of the failed requests that are kept. */
export interface RefusalReasons {
  /** When the oldest of them came, in Unix milliseconds; null without one. */
  readonly since: number | null;
  /** At most 100, the most frequent first. */
  readonly groups: readonly RefusalGroup[];
}

/** Requests of one client that were refused for the same reason. */
export interface RefusalGroup extends Omit<Refusal, 'line' | 'column'> {
  readonly count: number;
  readonly client?: { readonly name: string; readonly version: string };
  /** The version of the supergraph that has removed what is requested, where the registry has it. */
  readonly removedIn?: number;
  /** Names of operations, at most five. */
  readonly operations: readonly string[];
  /** When the newest came, in Unix milliseconds, and its request id. */
  readonly last: number;
  readonly example: string;
}

/** `GET /console/api/requests/:id`, by request id or trace id. */
export interface ExplainedRequest extends RequestSummary {
  /** Left out if the request has no operation, or its text is not kept any more. */
  readonly document?: ExplainedDocument;
  /** Only with `admin.console.values`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** In order of their start. */
  readonly timeline: readonly TimelineStep[];
  readonly nulls: readonly ExplainedNull[];
  /** Why its answer was not cached, or what was found in the cache, in sentences. */
  readonly cacheReasons: readonly string[];
  /** What drops its answer from the cache; left out if it was not cached. */
  readonly dropped?: {
    readonly tags: readonly string[];
    /** How many more there are that have values, which are not shown. */
    readonly hiddenTags: number;
    readonly by: readonly string[];
  };
  readonly cost?: { readonly estimated: number; readonly actual?: number; readonly limit?: number };
  /** Other requests with the same operation, newest first, at most 20. */
  readonly others: readonly RequestSummary[];
  /**
   * A command that sends it again, with placeholders for credentials and, unless values are recorded, for literals and
   * variables.
   */
  readonly curl: string;
  /** What the caller lacks to see all of the operation, in sentences; left out where nothing was refused. */
  readonly lacks?: readonly string[];
}

/** The operation as it was written, formatted anew. Literals are `…`, unless values are recorded. */
export interface ExplainedDocument {
  readonly text: string;
  /** The names of fields, in the order of the text. */
  readonly parts: readonly {
    /** Offsets in `text`, in UTF-16 code units. */
    readonly from: number;
    readonly to: number;
    /** Which subgraphs answer the field; empty for `__typename`, which none has to. */
    readonly subgraphs: readonly string[];
    /** The path in the response, without indexes of lists, such as `product.reviews`. */
    readonly path: string;
  }[];
}

export interface ExplainedNull {
  readonly path: readonly (string | number)[];
  /** Such as `subgraph-error`: docs/explore.md lists them. */
  readonly cause: string;
  readonly reason: string;
}

/** What was done for a request, from when to when. */
export interface TimelineStep {
  readonly id: string;
  /** The step that it is a part of. */
  readonly parent?: string;
  readonly name: string;
  readonly kind:
    | 'request'
    | 'authenticate'
    | 'parse'
    | 'validate'
    | 'authorize'
    | 'lookup'
    | 'shared'
    | 'plan'
    | 'execute'
    | 'fetch'
    | 'call'
    | 'event'
    | 'other';
  /** Milliseconds since the request began. */
  readonly start: number;
  readonly ms: number;
  /** Its `error.type`. */
  readonly failed?: string;
  readonly subgraph?: string;
  /** Sentences such as "Shared with 4 other fetches.". */
  readonly sentences: readonly string[];
  /** The attributes of its span. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** `GET /console/api/live`. */
export interface LiveReport {
  /** Unix milliseconds. */
  readonly at: number;
  /** Milliseconds between two values of a series. */
  readonly step: 5000;
  /** When counting began, in Unix milliseconds. */
  readonly since: number;
  /** A value for each step, at most 180, oldest first; null where nothing is known. */
  readonly series: Readonly<Record<SeriesName, readonly (number | null)[]>>;
  /** This and all that follows is counted since `since`, or in the last 15 minutes; the most frequent first. */
  readonly codes: readonly { readonly name: string; readonly service?: string; readonly count: number }[];
  readonly services: readonly {
    readonly name: string;
    readonly calls: number;
    /** Calls that failed. */
    readonly errors: number;
    readonly p50: number;
    readonly p99: number;
  }[];
  readonly operations: readonly {
    readonly name: string;
    readonly type: string;
    readonly requests: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  }[];
  readonly clients: readonly {
    readonly name: string;
    readonly version: string;
    readonly requests: number;
  }[];
  readonly chatty: readonly ChattyPair[];
  /** Queries and mutations of the last 15 minutes. */
  readonly durations: Distribution;
  /** Left out until the first subgraph has answered, or has not in time. */
  readonly operators?: OperatorsView;
}

/**
 * `requests`, `failed`, `calls`, `saved` and `refused` are per second; `p50`, `p95`, `p99` and `loopDelay` (its p99) are
 * milliseconds; `hits` (of the response cache) and `entityHits` (of the entity cache) are shares; `waiting` and `streams`
 * are counts.
 */
export type SeriesName =
  | 'requests'
  | 'failed'
  | 'p50'
  | 'p95'
  | 'p99'
  | 'calls'
  | 'saved'
  | 'hits'
  | 'entityHits'
  | 'loopDelay'
  | 'waiting'
  | 'refused'
  | 'streams';

/** `GET /console/api/operations`: requests by the signature of their operation. */
export interface OperationsReport {
  /** Unix milliseconds. */
  readonly at: number;
  /** When what is counted began, in Unix milliseconds: with the range, or with the oldest period that is kept. */
  readonly since: number;
  /** Milliseconds between two points of a trend. */
  readonly step: number;
  /** Those with the most failed requests first, then those with the most requests. */
  readonly operations: readonly OperationFacts[];
}

export interface OperationFacts {
  /** The hash of its signature, or what stands for it. */
  readonly key: string;
  /** The beginning of its signature where it has no name. The key `other` stands for all that have no row of their own, `refused` for requests that were refused before their operation was known. */
  readonly name: string;
  readonly type: string;
  /** SHA-256 of the last document that was sent; empty if it is not known, or the name finds its requests. */
  readonly id: string;
  readonly requests: number;
  /** Requests with errors, or a status of 400 and above. */
  readonly failed: number;
  /** Milliseconds; null for subscriptions. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** The share of requests that the response cache has answered. */
  readonly cached: number;
  readonly callsPerRequest: number;
  /** At most five, the most frequent first. Requests since the client is one of them. */
  readonly clients: readonly { readonly name: string; readonly version: string; readonly requests: number }[];
  readonly hasMoreClients: boolean;
  /** Requests in each step, the newest last. */
  readonly trend: readonly number[];
}

/** `GET /console/api/errors`. */
export interface ErrorsReport {
  /** Unix milliseconds. */
  readonly at: number;
  /** At most 1,000, those with the most requests first. */
  readonly errors: readonly CountedError[];
  /** Requests with errors that have no row, and when the last of them was answered. */
  readonly others: ErrorParts['others'];
}

/** How long requests took: the upper bounds of the buckets in milliseconds, and how many requests are in each; one more took longer. */
export interface Distribution {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** What subgraphs that are built with the kit say of their consumers and workflows. */
export interface OperatorsView {
  readonly queues: readonly {
    readonly subgraph: string;
    readonly consumer: string;
    readonly failures: number;
    /** Whether there are more than these. */
    readonly hasMore: boolean;
  }[];
  /** At most 100 executions of each subgraph that run, and as many that have failed. */
  readonly workflows: readonly {
    readonly subgraph: string;
    readonly workflow: string;
    readonly running: number;
    readonly failed: number;
  }[];
  /** A sentence for each subgraph that did not answer. */
  readonly troubles: readonly string[];
}

/** An operation, and a subgraph that it calls. */
export interface ChattyPair {
  readonly operation: string;
  readonly subgraph: string;
  /** How often its plan was run; answers of the response cache are not among them. */
  readonly requests: number;
  readonly callsPerRequest: number;
  readonly plannedPerRequest: number;
  /** Calls that were planned and not needed. */
  readonly saved: Readonly<Record<'merged' | 'deduplicated' | 'batched' | 'cached', number>>;
  /** What would make it fewer calls, in sentences; empty where nothing is to be gained. */
  readonly advice: string;
}

/**
 * What was counted, in plain numbers: those of several processes can be added, and those of two times subtracted.
 */
export interface CallTotals {
  /** When counting began, and when this was read, in Unix milliseconds. */
  readonly since: number;
  readonly at: number;
  /** How many processes it is of. */
  readonly processes: number;
  /** The 100 most used ones, and all others as `other`, which has no type. */
  readonly operations: readonly CountedCalls[];
  /** The response cache, and each entity type of each subgraph. */
  readonly caches: readonly CountedCache[];
}

/** The calls of one operation. */
export interface CountedCalls {
  readonly name: string;
  /** `query`, `mutation` or `subscription`. */
  readonly type: string;
  /** How often its plan was run: for a request, for several that share the execution, or for an event. */
  readonly executions: number;
  /** How its requests were answered; those that failed are not among them. */
  readonly answers: Readonly<Record<'hit' | 'stale' | 'coalesced' | 'miss' | 'pass', number>>;
  /** Whether clients without credentials may see all of it, by the supergraph. */
  readonly isOpen: boolean;
  /** By subgraph. `answers` are responses, and `storable` those of them that may be cached. */
  readonly fetches: Readonly<Record<string, FetchTotals>>;
  /** The calls of its last plan; empty if that is not kept any more. */
  readonly plan: readonly PlannedCall[];
}

export type FetchTotals = Readonly<
  Record<
    'planned' | 'merged' | 'deduplicated' | 'batched' | 'cached' | 'sent' | 'answers' | 'storable',
    number
  >
>;

/** A call of a plan. */
export interface PlannedCall {
  readonly subgraph: string;
  readonly kind: 'mutation' | 'subscription' | 'root' | 'entities';
  /** Calls of step 1 wait for no other, those of step 2 for calls of step 1, and so on. */
  readonly step: number;
  /** The calls whose answers it needs, by their positions in the plan; without those that one of these needs. */
  readonly needs: readonly number[];
  /** Each asks for fields of a root type, or types of entities; the path is that of the objects in the response. */
  readonly fetches: readonly { readonly asks: readonly string[]; readonly path: string }[];
}

export interface CountedCache {
  /** Both are left out for the response cache. */
  readonly subgraph?: string;
  readonly type?: string;
  /** Of look-ups. */
  readonly misses: number;
  /** How often something was fetched again after its lifetime, and how often that had changed: it was served out of date. */
  readonly refreshed: number;
  readonly changed: number;
  /** What was served, by why it might be: how old it was. */
  readonly ages: Readonly<Record<'fresh' | 'stale-while-revalidate' | 'stale-if-error', CountedAges>>;
}

/** The buckets are those of the metric `weir_cache_age_seconds`. */
export interface CountedAges {
  readonly counts: readonly number[];
  /** Seconds. */
  readonly sum: number;
}

/** `GET /console/api/report`: what calls cost, what caches save, and what would be better. */
export interface CallReport extends CallTotals {
  /** The pairs with the most calls per request first. */
  readonly pairs: readonly ChattyPair[];
  /** The pairs with the most calls first. */
  readonly services: readonly ServicePair[];
  /** About operations, then about caches. */
  readonly advice: readonly string[];
}

/** Calls of a subgraph, by whose answers they need. A call that needs those of two services counts for both. */
export interface ServicePair {
  /** `gateway` for calls that need no other answer. */
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Of all client requests, those included that a cache has answered. */
  readonly callsPerRequest: number;
}

/** `GET /console/api/graph`: the last one or two minutes. */
export interface ServiceGraph {
  readonly services: readonly {
    readonly name: string;
    readonly url: string;
    /** How the gateway is known to it: by the private link, or as AWS AppSync knows its callers. */
    readonly link?: 'private' | 'appsync';
    /** What it is where it is no subgraph of Federation: a GraphQL API, or a REST API. */
    readonly source?: 'graphql' | 'rest';
    /** Calls per second. */
    readonly rate: number;
    /** The share of calls that failed. */
    readonly errors: number;
    /** Milliseconds; null without calls. */
    readonly p50: number | null;
    readonly p99: number | null;
    /** `partly`: of some endpoints. */
    readonly breaker: 'closed' | 'open' | 'partly';
    readonly endpoints: readonly {
      readonly url: string;
      readonly zone?: string;
      /** Whether its circuit breaker is closed. */
      readonly healthy: boolean;
      /** The gateways that know it, and those of them whose circuit breaker is open; left out where one gateway is shown. */
      readonly knownTo?: readonly string[];
      readonly openAt?: readonly string[];
    }[];
  }[];
  /** At most six. The last one may be all others together, without a name. Requests without a name have none, either. */
  readonly clients: readonly { readonly name: string; readonly count: number; readonly rate: number }[];
  /** `from` is `gateway`, or a subgraph whose data a call needs. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly rate: number }[];
}

/** `GET /console/api/schema`. */
export interface SchemaView {
  readonly types: readonly SchemaType[];
  readonly version: SupergraphVersion;
  /** The first day whose use is counted, such as `2026-11-01`; left out where nobody counts. */
  readonly usageFrom?: string;
  /** How many days have requests; left out where nobody counts. */
  readonly usageDays?: number;
  /** How many must have some before a field may be deleted (`usage.minimumDays`); left out where nobody counts. */
  readonly neededDays?: number;
  /** Why a part is missing, in sentences. */
  readonly troubles: readonly string[];
}

export interface SupergraphVersion {
  /** The number of the version in its registry, or else the beginning of the supergraph's hash. */
  readonly id: string;
  /** Such as `the registry, shop@prod`. */
  readonly source: string;
  /** When it was published, in Unix milliseconds; only in a registry. */
  readonly at?: number;
  /** What clients see that the last version that ran before did not have, the worst first; only in a registry. */
  readonly changes?: readonly {
    readonly severity: 'breaking' | 'dangerous' | 'safe';
    readonly message: string;
  }[];
  /** The last version that ran before: a rejected one never did. */
  readonly before?: string;
}

export interface SchemaType {
  readonly name: string;
  readonly kind: 'object' | 'interface' | 'union' | 'enum' | 'input' | 'scalar';
  readonly description?: string;
  /** Subgraphs. */
  readonly owners: readonly string[];
  readonly keys?: readonly { readonly fields: string; readonly owners: readonly string[] }[];
  readonly interfaces?: readonly string[];
  readonly directives: readonly string[];
  /** The members of a union, and the values of an enum, too: these have no type. */
  readonly fields: readonly SchemaField[];
}

export interface SchemaField {
  readonly name: string;
  readonly type: string;
  readonly args?: string;
  readonly description?: string;
  /** Why. */
  readonly deprecated?: string;
  readonly owners: readonly string[];
  readonly directives: readonly string[];
  readonly usage?: {
    readonly requests: number;
    /** A day. */
    readonly lastSeen: string;
    /** Those with the most requests first; five where all fields together have more than 100,000. */
    readonly clients: readonly {
      readonly name: string;
      readonly version: string;
      readonly requests: number;
      readonly lastSeen: string;
    }[];
    /** How many clients are left out. */
    readonly others: number;
    /** The ten that use it most. `unnamed` stands for all that have no name. */
    readonly operations: readonly { readonly name: string; readonly requests: number }[];
    /** How many operations are left out. */
    readonly otherOperations: number;
  };
  readonly mayBeDeleted?: { readonly yes: boolean; readonly why: string };
}
