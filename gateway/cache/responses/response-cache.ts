/** Over 300 lines: look-up, shared execution, storing, and serving stale answers are one sequence of steps. */
import { GraphQLError } from 'graphql';
import type { Identity } from '../../auth/identity';
import type { DataChanges } from '../data-changes';
import type { KeyHeaders } from '../key-headers';
import { isStorable, noStore, type Policy } from '../policy';
import type { Clock, Look, Store } from '../stores/store';
import type { IncomingRequest } from '../../request/incoming-request';
import type { IncrementalFormat } from '../../request/sink';
import { type ErrorCode, requestError } from '../../errors';
import type { Execution, DeferredPart } from '../../execution';
import type { Options } from '../../options';
import { type LiveSet, LiveIndex } from '../../subgraph-calls/sharing/live-set';
import { follow } from '../../subgraph-calls/contract/pending-answer';
import type { Caller } from '../../subgraph-calls/contract/transport';
import { endWith, type Span } from '../../telemetry/traces/span';
import type { CachedReply } from './answer-headers';
import { type CachedOperation, describeOperation, type OperationFacts } from './cached-operation';
import { QueryFlight, type IdentifiedCaller } from './flights';
import { bestOf, type ClientDirectives, clientDirectives, type Usable } from './found-answers';
import { factsOf } from '../../limits/repeated-variables';
import { loggedIds } from '../../telemetry/logged-ids';
import type { Logger } from '../../telemetry/logger';
import type { CacheStatistics } from '../../telemetry/statistics/cache-statistics';
import type { ResponseCacheStatistics } from '../../telemetry/statistics/response-cache-statistics';
import { baseKey, canonicalJson, privateKey, publicKey, type ResponseKeys } from './response-keys';
import { entryOf, type StoredAnswer, storedAnswer } from './stored-answer';

export interface ResponseCacheOptions {
  readonly store: Store;
  readonly options: Options['cache']['responses'];
  /** Whether identical queries in flight share an execution although its answer is not kept. */
  readonly coalesce: boolean;
  readonly keyHeaders: KeyHeaders;
  /** Timeout of a background execution, in milliseconds. */
  readonly timeout: number;
  readonly statistics: ResponseCacheStatistics;
  readonly caches: Pick<CacheStatistics, 'responses' | 'stored'>;
  /** Nobody joins an execution that began before the last change. */
  readonly changes: Pick<DataChanges, 'count'>;
  readonly logger: Pick<Logger, 'debug' | 'isLevelEnabled'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** A query of a client, as the response cache needs it to find an answer. */
export interface CacheQuery {
  /** @default undefined: it is never cached, and never shared */
  readonly operation: CachedOperation | undefined;
  /** As the client sent them. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Identifies the fields that this client may see. @default undefined: all clients see the same */
  readonly variant?: string | undefined;
  /** Only with a variant that has it, too. */
  readonly outside?: ResponseKeys['outside'];
  /** Returns the error if the operation exceeds the limits of a client. */
  readonly refuse: (variables: CacheQuery['variables'], identity: Identity) => Error | undefined;
  /** Whether a client may see all fields of the operation. Only without a variant. @default all clients may */
  readonly isOpenTo?: ((identity: Identity) => boolean) | undefined;
}

export interface OperationResult extends Execution {
  /** How the answer was found, if it may be cached. */
  readonly cachedReply?: CachedReply | undefined;
  /** Position of the event that it answers, as `ResponsePart.cursor`. @default undefined: no event, or no positions */
  readonly cursor?: string | undefined;
  /** Whether events may be missing, or may come twice, before this one. @default false */
  readonly isAfterGap?: boolean | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  /** Its deferred fragments, and the format that its client takes. @default undefined: an answer of its own */
  readonly part?: DeferredPart | undefined;
  readonly format?: IncrementalFormat | undefined;
}

export type ExecuteFor = (caller: IdentifiedCaller) => Promise<Execution>;

/**
 * Caches complete answers of queries, for as long as all of their subgraph responses allow: public ones for everybody,
 * private ones for clients with the same identity and the same forwarded headers. Errors and incomplete answers are never
 * cached. Identical in-flight queries share an execution if they may share the answer, which need not be kept.
 */
export class ResponseCache {
  readonly #settings: ResponseCacheOptions;
  readonly #now: () => number;
  readonly #flights = new LiveIndex<QueryFlight>();
  /** Until when a failed key with a stale answer is not executed again, in milliseconds of `performance.now()`. */
  readonly #failed = new Map<string, number>();

  constructor(settings: ResponseCacheOptions) {
    this.#settings = settings;
    this.#now = settings.now ?? Date.now;
  }

  /** Undefined for an operation that is never cached, and never shared. */
  describe(facts: Omit<OperationFacts, 'constants'>): CachedOperation | undefined {
    const { options, coalesce, keyHeaders } = this.#settings;
    return options.enabled || coalesce
      ? describeOperation({ ...facts, constants: keyHeaders.constants }, options)
      : undefined;
  }

  /** Answers a query. Throws, or rejects, if the client accepts only a cached answer and there is none. */
  answer(query: CacheQuery, request: IncomingRequest, run: ExecuteFor): Promise<OperationResult> {
    const { operation } = query;
    if (operation === undefined) return run(request);
    const pending = { query, operation, request, run };
    if (!this.#settings.options.enabled) return this.#share(pending);
    const directives = this.#directivesOf(request);
    const keys =
      operation.lastScope === 'none' || directives?.noStore === true
        ? undefined
        : this.#keysOf(query, operation, request);
    if (keys !== undefined) return this.#find({ query, operation, keys, request, run }, directives);
    if (directives?.onlyIfCached === true) throw requestError('NOT_CACHED', {});
    return this.#share(pending);
  }

  async #find(lookup: Lookup, directives: ClientDirectives | undefined): Promise<OperationResult> {
    const { statistics, caches } = this.#settings;
    const { responses: ages } = caches;
    const { operation, keys } = lookup;
    const lookedAt = performance.now();
    const look = await this.#look(operation, keys);
    const found = look && bestOf(look, keys, directives, this.#now());
    this.#log(lookup, found);
    if (lookup.request.span !== undefined) this.#trace(lookup.request.span, lookedAt, look, found);
    const miss: Miss = { ...lookup, look, lookedAt };
    if (found?.state === 'fresh') {
      statistics.hit++;
      ages.served('fresh', found.answer.storedAt, this.#now());
      return answeredWith({ answer: found.answer, result: 'HIT', keys });
    }
    if (found?.state === 'stale') {
      statistics.stale++;
      ages.served('stale-while-revalidate', found.answer.storedAt, this.#now());
      if (found.refresh && this.#joinable(found.key) === undefined)
        this.#begin(found.key, miss, 'background');
      return answeredWith({ answer: found.answer, result: 'STALE', keys });
    }
    if (directives?.onlyIfCached === true) throw requestError('NOT_CACHED', {});
    if (found !== undefined) return this.#fetchOrSpare(found, miss);
    ages.misses++;
    return this.#fetch(miss);
  }

  #log({ keys, request }: Lookup, found: Usable | undefined): void {
    const { logger } = this.#settings;
    if (!logger.isLevelEnabled('debug')) return;
    const facts = { ...loggedIds(request), publicKey: keys.public, privateKey: keys.private };
    logger.debug({ ...facts, found: found?.state ?? 'nothing' }, 'the response cache was read');
  }

  #trace(span: Span, lookedAt: number, look: Look | undefined, found: Usable | undefined): void {
    const lookup = span.child('weir.cache.lookup', 'internal', lookedAt);
    lookup.set('weir.cache.kind', 'response');
    lookup.set('weir.cache.result', look === undefined ? 'unavailable' : (found?.state ?? 'miss'));
    if (found !== undefined) {
      lookup.set('weir.cache.age', Math.max(0, Math.floor((this.#now() - found.answer.storedAt) / 1000)));
      lookup.set('weir.cache.tier', found.isNear ? 'memory' : 'store');
    }
    lookup.end();
  }

  /** Executes; if a subgraph fails, serves the stale answer. */
  async #fetchOrSpare({ answer }: Usable, miss: Miss): Promise<OperationResult> {
    const { request, keys } = miss;
    const spare = (): OperationResult => {
      this.#settings.statistics.stale++;
      this.#settings.caches.responses.served('stale-if-error', answer.storedAt, this.#now());
      return answeredWith({ answer, result: 'STALE', keys });
    };
    if ((this.#failed.get(flightKey(miss)) ?? 0) > performance.now()) return spare();
    try {
      const execution = await this.#fetch(miss, spare);
      if (execution.errors.some(isOutage)) return spare();
      if (execution.cachedReply?.result !== 'STALE') this.#settings.caches.responses.misses++;
      return execution;
    } catch (error) {
      if (request.isGone || !isOutage(error)) throw error;
      return spare();
    }
  }

  /**
   * Executes the query, or joins an identical execution in flight.
   *
   * @param spare serves a stale answer if the joined execution fails; without it, the query is then executed for this
   * client alone
   */
  async #fetch(miss: Miss, spare?: () => OperationResult): Promise<OperationResult> {
    const { keys, request } = miss;
    const { statistics } = this.#settings;
    const key = flightKey(miss);
    const flight = this.#joinable(key);
    if (flight === undefined) {
      statistics.miss++;
      const begun = this.#begin(key, miss, 'awaited');
      const execution = await begun.execution;
      if (begun.size > 1) request.span?.set('weir.shared_with', begun.size - 1);
      return answerOf(begun, execution, keys);
    }
    flight.join(request);
    const shared = await waitFor(flight, request).catch((error: unknown) => {
      // The first client may have been refused because of its identity.
      if (key === keys.private) throw error;
      return undefined;
    });
    if (shared !== undefined && flight.provenance.isShareable && isFor(shared, flight, keys)) {
      statistics.coalesced++;
      return answerOf(flight, shared, keys);
    }
    const failed = shared === undefined || shared.errors.some(isOutage);
    if (failed && spare !== undefined) return spare();
    // Of a burst of new queries many wait here. Where no cache keeps the answer, equal ones of a client can share one still.
    return shared === undefined ? this.#alone(miss) : this.#share(miss);
  }

  #begin(key: string, miss: Miss, mode: 'awaited' | 'background'): QueryFlight {
    const { operation, keys, request, run } = miss;
    const until = mode === 'awaited' ? undefined : performance.now() + this.#settings.timeout;
    const flight = new QueryFlight(key, request, this.#settings.changes, until);
    const work = async (): Promise<Execution> => {
      // Several requests may send the body, so its memory is not reused.
      const execution = { ...(await run(flight)), release: undefined };
      this.#noteFailure(key, execution.errors.some(isOutage));
      const policy = this.#learn(operation, execution, flight);
      if (isStorable(policy)) {
        const tags = [...operation.tags, ...flight.provenance.tags];
        flight.answer = storedAnswer(execution.body, policy, tags, this.#now(), execution.nulls);
      }
      return execution;
    };
    const near = this.#flights.at(key);
    near.add(flight);
    const land = (): void => near.delete(flight);
    flight.execution = work();
    // The flight stays registered until the answer is stored, so that new requests find one of the two.
    flight.execution
      .then(() =>
        flight.answer === undefined ? undefined : this.#keep(flight.answer, keys, clockFor(miss, flight)),
      )
      .then(land, land);
    return flight;
  }

  #noteFailure(key: string, isOut: boolean): void {
    if (!isOut) {
      this.#failed.delete(key);
      return;
    }
    if (this.#failed.size >= mostFailed) this.#failed.clear();
    this.#failed.set(key, performance.now() + pauseAfterFailure);
  }

  async #keep(answer: StoredAnswer, keys: ResponseKeys, clock: Clock | undefined): Promise<void> {
    const { store, caches } = this.#settings;
    if (clock === undefined) return;
    const { scope } = answer.policy;
    caches.stored(caches.responses, keys[scope], answer.etag, answer.freshUntil, this.#now());
    await store.set(new Map([[keys[scope], entryOf(answer)]]), clock);
  }

  #joinable(key: string, near = this.#flights.at(key)): QueryFlight | undefined {
    const { changes } = this.#settings;
    return near.find((flight) => flight.key === key && flight.isJoinable(changes));
  }

  /** Executes for this client alone. The answer is not stored, as there is no clock. */
  async #alone({ operation, request, run }: PendingQuery): Promise<Execution> {
    this.#countPass();
    const execution = await run(request);
    this.#learnOfPass(operation, execution, request);
    return execution;
  }

  #countPass(): void {
    const { options, statistics } = this.#settings;
    if (options.enabled) statistics.pass++;
  }

  #learnOfPass(operation: CachedOperation, execution: Execution, caller: Caller): void {
    if (this.#settings.options.enabled) this.#learn(operation, execution, caller);
  }

  /** Executes, or joins an identical query of the same client in flight. The answer is not stored. */
  #share(pending: PendingQuery): Promise<Execution> {
    const { query, operation, request } = pending;
    const key = this.#settings.coalesce ? sharedKey(query, operation, request) : undefined;
    if (key === undefined) return this.#alone(pending);
    const near = this.#flights.at(key);
    const joined = this.#joinable(key, near);
    return joined === undefined ? this.#lead(key, near, pending) : this.#follow(joined, pending);
  }

  #follow(joined: QueryFlight, pending: PendingQuery): Promise<Execution> {
    const { request } = pending;
    joined.join(request);
    const waited = request.span === undefined ? joined.wait() : waitFor(joined, request);
    return follow(waited, { joined, pending }, this.#followed, undefined);
  }

  readonly #followed = (
    execution: Execution,
    { joined, pending }: { readonly joined: QueryFlight; readonly pending: PendingQuery },
  ): Execution | Promise<Execution> => {
    if (!joined.isFor(pending.request)) return this.#alone(pending);
    this.#settings.statistics.coalesced++;
    return execution;
  };

  /** Executes so that others may join. */
  #lead(
    key: string,
    near: LiveSet<QueryFlight>,
    { operation, request, run }: PendingQuery,
  ): Promise<Execution> {
    const flight = new QueryFlight(key, request, this.#settings.changes);
    near.add(flight);
    this.#countPass();
    const leading = { near, flight, operation, request };
    try {
      return follow(run(flight), leading, this.#led, this.#notLed);
    } catch (error) {
      return this.#notLed(error, leading);
    }
  }

  readonly #led = (execution: Execution, { near, flight, operation, request }: LeadQuery): Execution => {
    near.delete(flight);
    this.#learnOfPass(operation, execution, flight);
    if (flight.size === 1) return execution;
    request.span?.set('weir.shared_with', flight.size - 1);
    // Several requests may send the body, so its memory is not reused.
    const shared: Execution = { ...execution, release: undefined };
    flight.land(shared);
    return shared;
  };

  readonly #notLed = (error: unknown, { near, flight }: LeadQuery): never => {
    near.delete(flight);
    flight.crash(error);
    throw error;
  };

  /** The cache policy of an execution. Remembers its scope, so that the next look-up uses the right key. */
  #learn(operation: CachedOperation, { errors }: Execution, { provenance }: Caller): Policy {
    if (errors.length > 0 || provenance.policy === undefined || !provenance.isShareable) {
      // A failed execution is no sign of cacheability. An answer without subgraph calls is never cached.
      if (errors.length === 0) operation.lastScope = 'none';
      return noStore;
    }
    const policy = operation.restrict(provenance.policy);
    operation.lastScope = isStorable(policy) ? policy.scope : 'none';
    return policy;
  }

  /** The keys of a query. Undefined if its variables cannot be serialised. */
  #keysOf(
    { variables, variant, refuse, isOpenTo = () => true, outside }: CacheQuery,
    operation: CachedOperation,
    request: IncomingRequest,
  ): ResponseKeys | undefined {
    const { keyHeaders } = this.#settings;
    const json = variablesText(operation, variables);
    if (json === undefined) return undefined;
    const base = baseKey(operation.id, json, variant);
    return {
      supergraph: operation.supergraph,
      isFor: (identity) => refuse(variables, identity) === undefined && isOpenTo(identity),
      base: variant === undefined ? base : undefined,
      outside,
      public: publicKey(base, request, keyHeaders),
      private: privateKey(base, request),
    };
  }

  /** Looks up the answer. Undefined if the store is unavailable. */
  async #look({ lastScope }: CachedOperation, keys: ResponseKeys): Promise<Look | undefined> {
    const wanted =
      lastScope === 'public' || lastScope === 'private' ? [keys[lastScope]] : [keys.public, keys.private];
    try {
      return await this.#settings.store.get(wanted);
    } catch {
      return undefined;
    }
  }

  #directivesOf({ cacheControl }: IncomingRequest): ClientDirectives | undefined {
    return this.#settings.options.clientDirectives && cacheControl !== undefined
      ? clientDirectives(cacheControl)
      : undefined;
  }
}

/**
 * The clock with which an answer may be stored. None if it is made of a call that other requests began before the look-up:
 * the call may have read data from before an invalidation in between. For the same reason, an answer made of entries from
 * this process's memory is stored only there.
 */
function clockFor({ look, lookedAt }: Miss, { provenance }: Caller): Clock | undefined {
  if (look === undefined || provenance.oldest < lookedAt) return undefined;
  return provenance.isNear ? (look.near ?? look.clock) : look.clock;
}

/** Waits for the execution of another request. It is in the trace of that one. */
function waitFor(flight: QueryFlight, { span }: IncomingRequest): Promise<Execution> {
  const waiting = span?.child('weir.shared_execution');
  if (waiting === undefined) return flight.execution;
  if (flight.span !== undefined) waiting.link(flight.span);
  return endWith(
    waiting,
    flight.execution.finally(() => waiting.set('weir.shared_with', flight.size - 1)),
  );
}

/** A query, who sends it, and how it is executed. */
interface PendingQuery {
  readonly query: CacheQuery;
  readonly operation: CachedOperation;
  readonly request: IncomingRequest;
  readonly run: ExecuteFor;
}

/** An execution that others may join. */
interface LeadQuery {
  readonly near: LiveSet<QueryFlight>;
  readonly flight: QueryFlight;
  readonly operation: CachedOperation;
  readonly request: IncomingRequest;
}

/** A query that may have an answer in the cache. */
interface Lookup extends PendingQuery {
  readonly keys: ResponseKeys;
}

/** A query without a fresh answer in the cache. */
interface Miss extends Lookup {
  /** Undefined if the store was unavailable. */
  readonly look: Look | undefined;
  /** When the look-up began, in milliseconds of `performance.now()`. */
  readonly lookedAt: number;
}

/** Key under which identical in-flight queries coalesce: for all clients if the last answer was public, else per identity. */
const flightKey = ({ operation, keys }: Miss): string =>
  operation.lastScope === 'public' ? keys.public : keys.private;

/** Key under which identical queries coalesce whose answer is not kept. Undefined if the variables cannot be serialised. */
function sharedKey(
  { variables, variant = '' }: CacheQuery,
  operation: CachedOperation,
  { identity, scope }: IncomingRequest,
): string | undefined {
  const json = variablesText(operation, variables);
  return json && `${operation.id}\n${variant}\n${json}\n${identity.scope}\n\n${scope}`;
}

/** The variables of an operation as JSON, in the order of their definitions. Undefined if a value is nested too deeply. */
function variablesText(operation: CachedOperation, variables: CacheQuery['variables']): string | undefined {
  const facts = factsOf(variables);
  if (facts?.text?.operation === operation) return facts.text.json;
  const json = writeVariables(operation, variables);
  if (facts !== undefined && json !== undefined) facts.text = { operation, json };
  return json;
}

function writeVariables(
  { variableNames }: CachedOperation,
  variables: CacheQuery['variables'],
): string | undefined {
  let fields = '';
  for (const name of variableNames) {
    if (!Object.hasOwn(variables, name)) continue;
    const value = canonicalJson(variables[name]);
    if (value === undefined) return undefined;
    fields += `${fields === '' ? '' : ','}"${name}":${value}`;
  }
  return `{${fields}}`;
}

const answerOf = ({ answer }: QueryFlight, execution: Execution, keys: ResponseKeys): OperationResult =>
  answer === undefined ? execution : answeredWith({ answer, result: 'MISS', keys }, execution.nulls);

function answeredWith(cachedReply: CachedReply, nulls?: OperationResult['nulls']): OperationResult {
  const { body } = cachedReply.answer;
  const data = body.subarray(dataStart, body.length - 1);
  return { body, data, errors: [], errorsLeftOut: 0, nulls, cachedReply };
}

/** The index of the data in `{"data":…}`. */
const dataStart = 8;

/** Whether a request that waited for an execution may have its answer. */
function isFor({ errors }: Execution, { key, answer }: QueryFlight, keys: ResponseKeys): boolean {
  // With the same identity and headers the request would have got the same answer, or the same errors. An uncacheable
  // answer is not shared.
  if (key === keys.private) return answer !== undefined || errors.length > 0;
  return answer?.policy.scope === 'public';
}

/** Whether an error counts for `stale-if-error` (RFC 5861, section 4): its own status would be 5xx. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof GraphQLError)) return true;
  const { code, http } = error.extensions;
  return outages.has(code) || ((http as { readonly status?: number } | undefined)?.status ?? 0) >= 500;
}

const outages = new Set<unknown>([
  'SUBREQUEST_HTTP_ERROR',
  'SUBREQUEST_MALFORMED_RESPONSE',
  'GATEWAY_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
] satisfies ErrorCode[]);

/** Milliseconds for which a failed subgraph is not called while a stale answer can be served. */
const pauseAfterFailure = 1_000;
const mostFailed = 10_000;
