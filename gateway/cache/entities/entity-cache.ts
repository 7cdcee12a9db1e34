/** Over 300 lines: all ways of an entity fetch through cache, store and subgraph. */
import { crc32 } from 'node:zlib';
import { errors } from '../../errors';
import {
  type EntityAnswers,
  readEntities,
  requestAlone,
  withRepresentations,
  writeEntities,
} from '../../subgraph-calls/wire/entities';
import { follow } from '../../subgraph-calls/contract/pending-answer';
import { isShareable } from '../../subgraph-calls/sharing/shareable';
import {
  type Caller,
  countFetches,
  type EntityList,
  type Interceptor,
  isRepeatable,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../subgraph-calls/contract/transport';
import { type AnswerTags, lazy, tagsOf } from '../answer-tags';
import { groupsOf } from '../cache-groups';
import { EntityKeys } from './entity-keys';
import { entryOf, type KeptEntity, readEntry } from './entity-value';
import { SelectionLifetimes } from './observed-lifetimes';
import { type Attempt, Outage } from './outage';
import { AnswerProvenance, isStorable, noStore, type Policy, strictest } from '../policy';
import type { Clock, CacheEntry, Look, Store } from '../stores/store';
import { loggedIds } from '../../telemetry/logged-ids';
import type { Logger } from '../../telemetry/logger';
import { noCalls } from '../../telemetry/metrics/call-counts';
import type { CacheCounts, CacheStatistics } from '../../telemetry/statistics/cache-statistics';
import type { Span } from '../../telemetry/traces/span';
import { WantedList } from './wanted-list';

export interface EntityCacheOptions {
  readonly subgraph: string;
  /** Changes with the subgraph's schema. */
  readonly fingerprint: string;
  readonly store: Store;
  readonly policyOf: (response: SubgraphResponse) => Policy;
  /** Policies by type name, which replace that of the response. */
  readonly policyOfType: ReadonlyMap<string, Policy>;
  /** The longest lifetime of the answer that an entity does not exist, in seconds. */
  readonly missing: number;
  /** Headers, in lower case, that only identify the caller. Public answers do not depend on them. */
  readonly identityHeaders: readonly string[];
  readonly tags: AnswerTags;
  readonly statistics: Pick<CacheStatistics, 'ofEntities' | 'stored'>;
  readonly logger: Pick<Logger, 'debug' | 'isLevelEnabled'>;
  /** Unix milliseconds. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * Caches the answers of a subgraph to representations, each separately, for as long as the response allows: a fetch of 50
 * entities of which 40 are cached requests 10. Results of mutations and entities with errors are never cached, and the
 * cache is not used for fetches that follow a mutation in the same client request.
 *
 * Stale entities may be served while one request refreshes them, and while the subgraph fails, as the response allows.
 * Without the store, all entities are requested.
 */
export function cacheEntities(options: EntityCacheOptions): Interceptor {
  return (next) => {
    // Created for the first entities: creating a hundred of them at each swap would block the event loop.
    let cache: EntityCache | undefined;
    return (request) =>
      request.entities === undefined || !isRepeatable(request.operation)
        ? next(request)
        : (cache ??= new EntityCache(next, options)).answer(request, request.entities);
  };
}

class EntityCache {
  readonly #next: Send;
  readonly #options: EntityCacheOptions;
  readonly #now: () => number;
  readonly #keys: EntityKeys;
  readonly #lifetimes = new SelectionLifetimes();
  readonly #outage: Outage;

  constructor(next: Send, options: EntityCacheOptions) {
    const { subgraph, fingerprint, identityHeaders, now = Date.now } = options;
    this.#next = next;
    this.#options = options;
    this.#now = now;
    this.#keys = new EntityKeys({ subgraph: `${subgraph}\n${fingerprint}`, identityHeaders });
    this.#outage = new Outage(now);
  }

  answer(request: SubgraphRequest, lists: readonly EntityList[]): Promise<SubgraphResponse> {
    const { caller } = request;
    const scopes = lists.map(({ selection }) => this.#lifetimes.scopesOf(selection));
    if (scopes.every(({ length }) => length === 0)) return this.#withoutStore(request, lists);
    const keys = lists.map((list, i) => scopes[i]!.map((scope) => this.#keys.of(list, scope, caller)));
    const inMemory = this.#peek(lists, keys, caller);
    return inMemory === undefined
      ? this.#withStore(request, lists, keys)
      : Promise.resolve(this.#respondFromCache(request, inMemory));
  }

  /** All entities, if all are fresh and in memory. */
  #peek(lists: readonly EntityList[], keys: readonly KeysOfList[], caller: Caller): WantedList[] | undefined {
    const { store } = this.#options;
    // After a mutation in the same request, cached entities are not used.
    if (store.peek === undefined || caller.provenance.hasMutated) return undefined;
    const began = performance.now();
    const now = this.#now();
    const wanted: WantedList[] = [];
    for (const [i, list] of lists.entries()) {
      const kept: KeptEntity[] = [];
      for (const n of list.representations.keys()) {
        let entity: KeptEntity | undefined;
        for (const ofScope of keys[i]!) entity ??= readEntry(store.peek(ofScope[n]!), now);
        if (entity === undefined) return undefined;
        kept.push(entity);
      }
      wanted.push(new WantedList(list, kept));
    }
    this.#log(wanted, caller);
    const span = caller.span?.child('weir.cache.lookup', 'internal', began);
    if (span !== undefined) endLookup(span, wanted, now);
    return wanted;
  }

  async #withStore(
    request: SubgraphRequest,
    lists: readonly EntityList[],
    keys: readonly KeysOfList[],
  ): Promise<SubgraphResponse> {
    const { caller } = request;
    const looked = await this.#look(lists, keys, caller);
    if (looked === undefined) return this.#withoutStore(request, lists);
    const { wanted, clock } = looked;
    for (const each of wanted) if (each.refreshing.length > 0) this.#refresh(request, each, clock);
    const requested = wanted.filter(({ missing }) => missing.length > 0);
    const attempt = requested.every(({ hasSpares }) => hasSpares) ? this.#outage.begin() : 'free';
    if (requested.length === 0 || attempt === 'spared') {
      for (const list of requested) list.takeSpares([]);
      return this.#respondFromCache(request, wanted);
    }
    const parts = this.#partsOf(request, wanted, requested);
    // They were counted as one call before.
    if (parts.length > 1) countFetches(caller, request.operation, 'merged', 1 - parts.length);
    const outcomes = await Promise.all(parts.map((part) => this.#call(part, clock, attempt)));
    const [{ request: sent, isOutage, error, response, policy, tags }] = outcomes as [EntityCallResult];
    if (sent !== request || (isOutage && requested.some(({ hasSpares }) => hasSpares)))
      return this.#respond(caller, wanted, outcomes);
    // The call was for all entities, so its response is the whole answer.
    for (const list of requested) list.count(this.#countsOf, this.#now());
    if (response === undefined) throw error;
    return { ...response, policy, tags };
  }

  /** Looks up the entities of each list. Undefined if the store is unavailable. */
  async #look(
    lists: readonly EntityList[],
    keys: readonly KeysOfList[],
    caller: Caller,
  ): Promise<{ readonly wanted: WantedList[]; readonly clock: Clock } | undefined> {
    const span = caller.span?.child('weir.cache.lookup');
    const look = await this.#options.store.get(keys.flat(2)).catch((): undefined | Look => undefined);
    if (look === undefined) {
      span?.set('weir.cache.result', 'unavailable');
      span?.end();
      return undefined;
    }
    const now = this.#now();
    // After a mutation in the same request, cached entities are not used.
    const { hasMutated } = caller.provenance;
    let at = 0;
    const wanted = lists.map((list, i) => {
      const kept = list.representations.map((): KeptEntity | undefined => undefined);
      for (const ofScope of keys[i]!) {
        ofScope.forEach((_, n) => {
          const found = readEntry(look.entries[at++], now);
          if (found !== undefined && !hasMutated && isBetter(found, kept[n])) kept[n] = found;
        });
      }
      return new WantedList(list, kept);
    });
    this.#log(wanted, caller);
    if (span !== undefined) endLookup(span, wanted, now);
    return { wanted, clock: look.clock };
  }

  /** Logs the look-up at level `debug`, without representations: keys may be personal data. */
  #log(wanted: readonly WantedList[], caller: Caller): void {
    const { logger, subgraph } = this.#options;
    if (!logger.isLevelEnabled('debug')) return;
    wanted.forEach(({ list, missing }) => {
      const scopes = this.#lifetimes.scopesOf(list.selection);
      const keys = scopes.map((scope) => this.#keys.prefixOf(list, scope, caller));
      const counts = { entities: list.representations.length, missing: missing.length };
      const facts = { ...loggedIds(caller), subgraph, keys, ...counts };
      logger.debug(facts, 'the entity cache was read');
    });
  }

  /** Sends the request without a look-up, and learns from the response whether a look-up is worthwhile. */
  #withoutStore(request: SubgraphRequest, lists: readonly EntityList[]): Promise<SubgraphResponse> {
    return follow(this.#next(request), { request, lists }, this.#answeredWithoutStore, undefined);
  }

  readonly #answeredWithoutStore = (
    response: SubgraphResponse,
    { request, lists }: Pick<EntityCall, 'request'> & { readonly lists: readonly EntityList[] },
  ): SubgraphResponse => {
    const own = this.#policyOf(response);
    const policy = this.#learn(lists, own, response);
    return policy === own
      ? response
      : { ...response, policy, tags: tagsOf(this.#options.tags, request, response) };
  };

  #refresh(request: SubgraphRequest, wanted: WantedList, clock: Clock): void {
    const attempt = this.#outage.begin();
    if (attempt === 'spared') return;
    const inBackground = { ...request, caller: backgroundCaller(request.caller) };
    const alone = requestAlone(inBackground, wanted.list, wanted.representations(wanted.refreshing));
    void this.#call({ request: alone, lists: [] }, clock, attempt);
  }

  /** The calls that fetch the missing entities. */
  #partsOf(
    request: SubgraphRequest,
    wanted: readonly WantedList[],
    requested: readonly WantedList[],
  ): readonly EntityCall[] {
    const selections = requested.map(({ list }) => list.selection);
    if (requested.length < wanted.length || !this.#lifetimes.fitTogether(selections)) {
      return requested.map((each) => ({
        request: requestAlone(request, each.list, each.representations(each.missing)),
        lists: [each],
      }));
    }
    const isAll = requested.every(({ missing, list }) => missing.length === list.representations.length);
    const missing = requested.map((each) => each.representations(each.missing));
    return [{ request: isAll ? request : withRepresentations(request, missing), lists: requested }];
  }

  /** Calls the subgraph, and caches the entities in the response. Never rejects. */
  async #call({ request, lists }: EntityCall, clock: Clock, attempt: Attempt): Promise<EntityCallResult> {
    const began = performance.now();
    let response: SubgraphResponse;
    try {
      response = await this.#next(request);
    } catch (error) {
      const isOutage = !(error instanceof TransportError && ownFailures.has(error.failure));
      this.#outage.end(attempt, isOutage ? 'failed' : 'unknown');
      const nothing = { response: undefined, answers: undefined, policy: noStore, tags: [] };
      return { request, lists, ...nothing, error, isOutage };
    }
    const isOutage = response.status >= 500;
    this.#outage.end(attempt, isOutage ? 'failed' : 'answered');
    const policy = this.#policyOf(response);
    const answers = readEntities(response.body, request.entities!);
    const tags = tagsOf(this.#options.tags, request, response);
    const outcome = { request, lists, response, error: undefined, answers, policy, tags, isOutage };
    if (typeof answers !== 'object' || answers.errors.length > 0) return outcome;
    const life = this.#learn(request.entities!, policy, response);
    // Not cached if the call was sent before this look-up, by another request: there may have been an invalidation in
    // between.
    const mayBeKept = isShareable(response) && (response.sentAt ?? began) >= began;
    const kept = mayBeKept ? this.#keep(outcome, answers, clock) : undefined;
    return { ...outcome, policy: life, tags: kept ?? tags };
  }

  /** Remembers the policy of each list's entities. Returns the strictest one. */
  #learn(lists: readonly EntityList[], policy: Policy, response: SubgraphResponse): Policy {
    const { headers, status, policies } = response;
    if (status !== 200) return policy;
    const hasOwn = this.#options.policyOfType.size > 0 && isShareable(response);
    const isDeclared = headers['cache-control'] !== undefined;
    let all: Policy | undefined;
    for (const [i, list] of lists.entries()) {
      const own = policies?.[i];
      const lives =
        hasOwn || own !== undefined
          ? list.representations.map((each, n) => this.#lifeOf(each, own?.[n] ?? policy))
          : [policy];
      const life = lives.reduce(strictest);
      // One entity that may not be kept is no reason to look up none.
      const kept = own === undefined ? none : lives.filter(isStorable);
      for (const each of kept.length === 0 ? [life] : kept)
        this.#lifetimes.learn(list.selection, each, lists.length === 1, isDeclared);
      all = all === undefined ? life : strictest(all, life);
    }
    return all!;
  }

  /** Returns the tags of all entities, which are those of the response; undefined if not all were kept. */
  #keep(
    { request, response, policy }: EntityCallResult,
    answers: EntityAnswers,
    clock: Clock,
  ): Iterable<string> | undefined {
    const { store, tags, missing, statistics } = this.#options;
    const now = this.#now();
    const groups = groupsOf(response!, 'cache-groups');
    const entries = new Map<string, CacheEntry>();
    const tagsOfAll: (readonly string[])[] = [];
    let isAll = true as boolean;
    request.entities!.forEach((list, i) => {
      const keys = new Map<Policy['scope'], string[]>();
      const policies = response!.policies?.[i];
      answers.lists[i]!.forEach(({ json, errors: own }, n) => {
        const representation = list.representations[n]!;
        const life = this.#lifeOf(representation, policies?.[n] ?? policy);
        const lives = isNull(json)
          ? { ...noStore, scope: life.scope, maxAge: Math.min(life.maxAge, missing) }
          : life;
        const ofEntity =
          own.length > 0 || !isStorable(lives)
            ? undefined
            : tags.ofEntity(list.selection, representation, json);
        if (ofEntity === undefined) {
          isAll = false;
          return;
        }
        const { scope } = life;
        if (!keys.has(scope)) keys.set(scope, this.#keys.of(list, scope, request.caller));
        const key = keys.get(scope)![n]!;
        const entry = entryOf(json, lives, [...ofEntity, ...groups], now);
        entries.set(key, entry);
        tagsOfAll.push(entry.tags);
        statistics.stored(this.#countsOf(representation), key, crc32(json), entry.freshUntil, now);
      });
    });
    // If storing fails, the entities are fetched again next time.
    if (entries.size > 0) store.set(entries, clock).catch(() => undefined);
    return isAll ? lazy(() => tagsOfAll.flat()) : undefined;
  }

  /** The counts of an entity's type. A representation begins with `__typename`. */
  readonly #countsOf = (representation: Buffer): CacheCounts => {
    const end = representation.indexOf(quote, typeStart);
    const type = representation.toString('latin1', typeStart, Math.max(typeStart, end));
    return this.#options.statistics.ofEntities(this.#options.subgraph, type);
  };

  #policyOf(response: SubgraphResponse): Policy {
    return response.policy ?? this.#options.policyOf(response);
  }

  #lifeOf(representation: Buffer, policy: Policy): Policy {
    const { policyOfType } = this.#options;
    if (policyOfType.size === 0) return policy;
    const { __typename: type } = JSON.parse(representation.toString()) as { readonly __typename: string };
    return policyOfType.get(type) ?? policy;
  }

  #respondFromCache({ caller, operation }: SubgraphRequest, wanted: readonly WantedList[]): SubgraphResponse {
    countFetches(caller, operation, 'cached', 1);
    return this.#respond(caller, wanted, []);
  }

  /** Joins the cached entities and the results of the calls to one response. */
  #respond(
    { calls }: Caller,
    wanted: readonly WantedList[],
    outcomes: readonly EntityCallResult[],
  ): SubgraphResponse {
    const errorsOfAll: unknown[] = [];
    let extensions: Buffer | undefined;
    for (const outcome of outcomes) {
      const { lists, answers, isOutage } = outcome;
      if (typeof answers === 'object' && !(isOutage && lists.every(({ hasSpares }) => hasSpares))) {
        lists.forEach((list, i) => list.take(answers.lists[i]!));
        errorsOfAll.push(...answers.errors);
        extensions ??= answers.extensions;
      } else {
        const errors = this.#errorsOf(outcome);
        for (const list of lists) list.takeSpares(errors);
      }
    }
    const now = this.#now();
    for (const list of wanted) {
      const { counts } = list;
      list.count(this.#countsOf, now);
      if (counts.stale > 0) {
        const { subgraph } = this.#options;
        const stale = (calls.stale ??= {});
        stale[subgraph] = (stale[subgraph] ?? 0) + counts.stale;
      }
    }
    const kept = wanted.flatMap(({ policy }) => (policy === undefined ? [] : [policy]));
    const lists = wanted.map(({ list }) => list);
    const answers = wanted.map((each) => each.answers);
    return {
      status: 200,
      headers: {},
      body: writeEntities(lists, { lists: answers, errors: errorsOfAll, extensions }),
      policy: [...kept, ...outcomes.map(({ policy }) => policy)].reduce(strictest),
      tags: lazy(() => [
        ...wanted.flatMap(({ tags }) => tags.flat()),
        ...outcomes.flatMap(({ tags }) => [...tags]),
      ]),
      isNear: wanted.some(({ isNear }) => isNear),
      isShareable: outcomes.every(({ response }) => response === undefined || isShareable(response)),
      sentAt: Math.min(...outcomes.map(({ response }) => response?.sentAt ?? Infinity)),
    };
  }

  #errorsOf({ error, response, answers }: EntityCallResult): readonly object[] {
    const { subgraph } = this.#options;
    if (error instanceof TransportError)
      return [{ message: error.message, extensions: { code: error.code } }];
    const { status = 502, body } = response ?? {};
    if (answers === 'no data')
      return (JSON.parse(body!.toString()) as { readonly errors: readonly object[] }).errors;
    const isError = status < 200 || status >= 300;
    const code = isError ? 'SUBREQUEST_HTTP_ERROR' : 'SUBREQUEST_MALFORMED_RESPONSE';
    const message = isError
      ? errors.SUBREQUEST_HTTP_ERROR.message({ subgraph, status })
      : errors.SUBREQUEST_MALFORMED_RESPONSE.message({
          subgraph,
          reason: 'it has not the requested entities',
        });
    return [{ message, extensions: { code } }];
  }
}

const none: readonly Policy[] = [];
const typeStart = '{"__typename":"'.length;
const quote = 0x22;

/** A call, and the lists whose missing entities it fetches. */
interface EntityCall {
  readonly request: SubgraphRequest;
  readonly lists: readonly WantedList[];
}

/** The keys of a list's representations, for each scope. */
type KeysOfList = readonly (readonly string[])[];

interface EntityCallResult extends EntityCall {
  readonly response: SubgraphResponse | undefined;
  /** Why there is no response. */
  readonly error: unknown;
  readonly answers: ReturnType<typeof readEntities> | undefined;
  readonly policy: Policy;
  readonly tags: Iterable<string>;
  /** Whether the subgraph failed, so that stale entities are served instead. */
  readonly isOutage: boolean;
}

/** Failures that are no sign of the health of the subgraph. */
const ownFailures: ReadonlySet<TransportError['failure']> = new Set([
  'aborted',
  'closed',
  'unsendable',
  'unknown',
]);

/** Private entries take precedence over public ones. */
const ranks = { fresh: 2, stale: 1, spare: 0 };
const isBetter = (one: KeptEntity, other: KeptEntity | undefined): boolean =>
  other === undefined || ranks[one.state] > ranks[other.state];

const isNull = (json: Buffer): boolean => json.length === 4 && json.toString('latin1') === 'null';

/** Ends the span of a look-up. @param now Unix milliseconds */
function endLookup(span: Span, wanted: readonly WantedList[], now: number): void {
  const sum = (count: (list: WantedList) => number): number =>
    wanted.reduce((total, each) => total + count(each), 0);
  const oldest = Math.min(...wanted.map((each) => each.oldest));
  const misses = sum(({ missing }) => missing.length);
  span.set('weir.cache.kind', 'entity');
  span.set('weir.cache.result', misses === 0 ? 'hit' : 'miss');
  const [hits, stale] = [sum(({ counts }) => counts.hit), sum(({ counts }) => counts.stale)];
  span.set('weir.cache.hits', hits);
  span.set('weir.cache.stale', stale);
  span.set('weir.cache.misses', misses);
  if (oldest !== Infinity) {
    span.set('weir.cache.age', Math.max(0, Math.floor((now - oldest) / 1000)));
    span.set('weir.cache.tier', wanted.some(({ isNear }) => isNear) ? 'memory' : 'store');
  }
  span.end();
}

/** A caller for background calls: with the same headers and identity, but without deadline, and never gone. */
const backgroundCaller = ({ headers, signedIdentity, scope, tracing, span }: Caller): Caller => ({
  headers,
  signedIdentity,
  scope,
  tracing,
  span,
  isGone: false,
  deadline: undefined,
  calls: noCalls(),
  provenance: new AnswerProvenance(),
});
