/** Over 300 lines: it creates all that belongs to one supergraph, and ends it. */
import { createHash } from 'node:crypto';
import { type GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { Policies } from '../auth/directives';
import type { Invalidate } from '../cache/invalidation';
import type { Instance } from '../discovery/resolver';
import { readLifetimes } from '../cache/lifetimes';
import type { Store } from '../cache/stores/store';
import type { ProcessCaches } from '../cache/responses/caching';
import { digest } from '../cache/responses/response-keys';
import { createEngine } from './create-engine';
import type { Engine, KnownOperation, LearnFromContext } from './engine';
import type { Subgraph, SubgraphSubscriptions } from '../subgraph-calls/subgraph';
import type { ClientLimits } from '../limits/client-limits';
import type { PlanWaits } from '../admission/plan-waits';
import type { EventFeeds } from '../events/feeds';
import type { UnknownName } from '../cache/unknown-names';
import { unknownInEvents } from '../events/unknown-in-events';
import { type Options, OptionsError } from '../options';
import type { Invalidation } from '../options/invalidation';
import { targetOf } from '../options/targets';
import type { ObjectTo } from '../auth/authentication';
import type { Hooks } from '../request/hooks';
import type { PersistedOperations } from '../request/persisted/persisted-operations';
import { defaultSubscriptions, type SubgraphSubscriptionOptions } from '../options/subgraph-subscriptions';
import type { PackagedGraph } from '../packaged/packaged-graph';
import type { QueryPlan } from '../planning';
import type { OperationMemory } from './operation-cache';
import type { SubgraphSigners } from '../subgraph-calls/signers/open-signers';
import type { SubgraphLocation } from '../supergraph/subgraphs';
import type { Audit } from '../telemetry/audit/audit';
import { audited } from './observation/audited';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { Tracer } from '../telemetry/traces/tracer';
import { appSyncTimeout } from '../subgraph-calls/wire/appsync';
import { flattenHeaderRules, headerRulesOf } from '../subgraph-calls/headers';
import type { EndpointParts } from '../subgraph-calls/endpoints/connect-endpoints';
import { parseSubgraphUrl } from '../subgraph-calls/endpoints/subgraph-url';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import { originOf } from './origin';
import type { Cursors } from './subscriptions/cursor';
import type { Prepare } from './subscriptions/prepared';
import type { Subscriptions } from './subscriptions/subscriptions';
import type { UsageRecorder } from '../usage/recorder';

export interface GenerationOptions extends Omit<EndpointParts, 'calls' | 'discovering' | 'isTraced'> {
  readonly supergraphSdl: string;
  /** What was made of this supergraph in advance. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  readonly options: Options;
  /** The generation that this one replaces: its most used operations are planned before the swap. */
  readonly previous?: Generation | undefined;
  /** Whether no other generation has run with these options: names in them that the supergraph does not have are refused. */
  readonly isFirst: boolean;
  readonly policies: Policies;
  readonly limits: ClientLimits;
  readonly planWaits: PlanWaits;
  readonly signers: SubgraphSigners;
  readonly store: Store;
  readonly memory: OperationMemory;
  readonly invalidate: Invalidate;
  readonly caching: ProcessCaches;
  readonly interceptors: readonly Interceptor[];
  /** The audit trails in which mutations are recorded. */
  readonly audit?: Audit | undefined;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly runningSubscriptions: Subscriptions;
  readonly cursors: Cursors;
  readonly eventFeeds: EventFeeds;
  readonly refuse: PersistedOperations['refuse'];
  readonly hooks: Pick<Hooks, 'onOperation'>;
  readonly objectionTo: ObjectTo | undefined;
  readonly logger: Logger;
  /** Counts which fields operations use. */
  readonly usage?: UsageRecorder | undefined;
}

/** A supergraph that cannot be run; the message says why. */
export class SupergraphError extends Error {
  override readonly name = 'SupergraphError';
}

/**
 * Everything that is derived from one supergraph. It is immutable: a new supergraph is a new generation, built beside the
 * old one. A request finishes on the generation that validated its operation.
 */
export class Generation {
  readonly #engine: Engine;
  /** A hash of the supergraph, equal on all gateways that run an equal one. */
  readonly digest: string;
  #requests = 0;
  /** Called when it is closed, once it has ended. */
  #onClosed: (() => void) | undefined;
  #isClosed = false;

  /**
   * @throws {SupergraphError} when the supergraph cannot be run
   * @throws {OptionsError} when the options name what it does not have, and must not
   */
  static async build({
    supergraphSdl,
    options,
    previous,
    isFirst,
    audit,
    signers,
    ...shared
  }: GenerationOptions): Promise<Generation> {
    try {
      const isDevelopment = options.mode === 'development';
      const mask = options.errors.maskSubgraphs ?? (isDevelopment ? 'none' : 'unexpected');
      const errors = { mask, limit: options.limits.errors };
      const warmUp = previous === undefined ? [] : previous.#engine.mostUsed(operationsToWarmUp);
      const named = new Set(Object.keys(options.subgraphs));
      const connection = digest(JSON.stringify([shared.connections, options.privateLinks]));
      let generation: Generation | undefined;
      const engine = await createEngine({
        supergraphSdl,
        hold: () => generation!.hold(),
        chooseSubgraph: (found) => {
          named.delete(found.name);
          return chooseSubgraph(found, options, signers, connection);
        },
        errors,
        isDevelopment,
        mostBytes: options.limits.response,
        assumedListSize: options.limits.assumedListSize,
        planning: options.planning,
        events: options.events,
        overrides: options.overrides,
        subscribing: { ...options.subscriptions, allUnread: options.overload.unread },
        calls: options,
        discovering: { ...options.discovery, loopback: options.discovery.loopback ?? isDevelopment },
        authorization: options.authorization,
        cache: options.cache,
        warmUp,
        ...shared,
      });
      const wrong = unknownInEvents(options.events, engine);
      if (wrong.length > 0 && isFirst) {
        await engine.close();
        throw new OptionsError(wrong);
      }
      for (const { sentence } of wrong) shared.logger.warn(`the supergraph has changed: ${sentence}`);
      const whole = audit === undefined ? engine : audited(engine, audit);
      return (generation = new Generation(supergraphSdl, whole, [...named]));
    } catch (error) {
      if (error instanceof SupergraphError || error instanceof OptionsError) throw error;
      const { message } = error as Error;
      const place = message.startsWith('Syntax Error')
        ? placeOfSyntaxError(supergraphSdl, options.supergraph?.file)
        : '';
      throw new SupergraphError(`The supergraph cannot be run: ${place}${message}`, { cause: error });
    }
  }

  private constructor(
    readonly supergraphSdl: string,
    engine: Engine,
    /** Subgraphs that the options name and the supergraph does not have: they have no effect. */
    readonly unknownSubgraphs: readonly string[],
  ) {
    this.digest = digest(supergraphSdl);
    this.#engine = engine;
  }

  get apiSchemaSdl(): readonly string[] {
    return this.#engine.apiSchemaSdl;
  }

  get apiSchema(): GraphQLSchema {
    return this.#engine.apiSchema;
  }

  get tagFormats(): readonly string[] {
    return this.#engine.tagFormats;
  }

  /** The instances of a subgraph that are called now. */
  instancesOf(subgraph: string): readonly Instance[] {
    return this.#engine.instancesOf(subgraph);
  }

  /** Undefined for one that the supergraph does not have. */
  subgraph(name: string): Subgraph | undefined {
    return this.#engine.subgraphs.get(name);
  }

  get subgraphs(): readonly Subgraph[] {
    return [...this.#engine.subgraphs.values()];
  }

  unknownNames(invalidation: Invalidation): UnknownName[] {
    return this.#engine.unknownNames(invalidation);
  }

  get learn(): LearnFromContext {
    return this.#engine.learn;
  }

  /** An operation that was executed before. */
  known(document: string, operationName: string | undefined): KnownOperation | undefined {
    return this.#engine.known(document, operationName);
  }

  /** The query plan of an operation. Rejects if it is not valid any more, or cannot be planned. */
  async plan(document: string, operationName: string | undefined): Promise<QueryPlan> {
    const [problem] = validate(this.apiSchema, parse(document), undefined, { maxErrors: 1 });
    if (problem !== undefined) throw problem;
    const release = this.hold();
    try {
      return await this.#engine.plan(document, operationName);
    } finally {
      release();
    }
  }

  get prepare(): Prepare {
    return this.#engine.prepare;
  }

  /** Whether something still runs on it. */
  get isHeld(): boolean {
    return this.#requests > 0;
  }

  /** Keeps the generation open until the function that it returns is called. */
  hold(): () => void {
    this.#requests++;
    return () => {
      this.#requests--;
      this.#closeWhenUnused();
    };
  }

  /**
   * Ends the generation: it gets no new requests, and its engine closes when its last request is over.
   *
   * @param onClosed called then, perhaps at once
   */
  retire(onClosed = (): void => undefined): void {
    this.#onClosed = onClosed;
    this.#closeWhenUnused();
  }

  #closeWhenUnused(): void {
    if (this.#onClosed === undefined || this.#requests > 0 || this.#isClosed) return;
    this.#isClosed = true;
    void this.#engine.close();
    this.#onClosed();
  }
}

const operationsToWarmUp = 1000;

/** A short name for a supergraph in logs: the beginning of its SHA-256. */
export function supergraphId(supergraphSdl: string): string {
  return createHash('sha256').update(supergraphSdl).digest('hex').slice(0, 12);
}

function chooseSubgraph(
  { name, url }: SubgraphLocation,
  options: Options,
  signers: SubgraphSigners,
  /** A digest of the options by which all subgraphs are connected to. */
  connectionOfAll: string,
): Subgraph {
  const { subgraphs, timeouts, headers, connections } = options;
  const headerRules = headerRulesOf(options);
  const own = subgraphs[name];
  const { identity = 'forwarded', arrayBatching = false } = own ?? {};
  const isAppSync = own?.appsync !== undefined;
  const written = own?.endpoints ?? (own?.url === undefined ? undefined : [{ url: own.url }]);
  const endpoints = written ?? [{ url }];
  if (endpoints[0]!.url === '') {
    throw new SupergraphError(
      `Subgraph "${name}" has no URL in the supergraph, and none in the options: give it as \`subgraphs.${name}.url\`.`,
    );
  }
  // Only options may name targets: what a supergraph says is not trusted.
  if (written === undefined) parseSubgraphUrl(name, url);
  for (const each of written ?? []) {
    const { protocol, host } = targetOf(each.url);
    parseSubgraphUrl(name, `${protocol}://${host}`);
  }
  const subgraph = {
    name,
    endpoints,
    timeout: Math.min(own?.timeout ?? timeouts.subgraph, isAppSync ? appSyncTimeout : Infinity),
    maxResponseSize: connections.response,
    // Other subgraphs get these headers together with the headers of the client.
    headers: Object.fromEntries(flattenHeaderRules(headerRules.independent.get(name) ?? []).set),
    tls: own?.tls,
    isAppSync,
    identity,
  };
  const { auth, appsync, subscriptions = defaultSubscriptions } = own ?? {};
  return {
    ...subgraph,
    hasOwnHeaders: headerRules.own.has(name),
    withheldHeaders: headerRules.withheld.get(name) ?? [],
    responseHeaders: new Map(Object.entries({ ...headers.response, ...own?.headers.response })),
    signer: signers.of(name),
    connection: digest(
      JSON.stringify([connectionOfAll, subgraph, auth, appsync, headerRules.own.get(name), subscriptions]),
    ),
    origin: originOf({ endpoints, auth, appsync }),
    arrayBatching,
    subscriptions: { ...readSubscriptions(subscriptions), verifyCallback: signers.callbacksOf(name) },
    lifetimes: readLifetimes(own?.cache),
  };
}

const readSubscriptions = ({
  waiting,
  slow,
  ...others
}: SubgraphSubscriptionOptions): Omit<SubgraphSubscriptions, 'verifyCallback'> => ({
  ...others,
  bounds: { events: waiting, slow },
});

/**
 * The position of a syntax error, as a prefix of its message. The error itself has none, as the supergraph is parsed in
 * pieces.
 */
function placeOfSyntaxError(supergraphSdl: string, file: string | undefined): string {
  try {
    parse(supergraphSdl, { noLocation: true });
    return '';
  } catch (error) {
    const [{ line, column } = { line: 1, column: 1 }] = (error as GraphQLError).locations ?? [];
    return file === undefined ? `line ${line}, column ${column}: ` : `${file}:${line}:${column}: `;
  }
}
