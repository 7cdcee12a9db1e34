import { buildSchema } from 'graphql';
import { Authorization } from '../auth/directives';
import { digest } from '../cache/responses/response-keys';
import { type TagWithoutValues, tagsWithoutValues } from '../cache/shown-tags';
import { unknownNames } from '../cache/unknown-names';
import { bindFeed, eventFieldsOf } from '../events/fed-fields';
import type { ErrorOptions } from '../execution';
import type { ListedSubgraph } from '../../schema/supergraph/sources/sources-of';
import { gentle, swift } from '../net/slice';
import type { Options } from '../options';
import { isOfDefaultGraph } from '../options/graphs';
import { PackagedPlans } from '../packaged/packaged-graph';
import { type EntityFacts, type PlannedOperation, Planner, type SupergraphFacts } from '../planning';
import { eventsSubgraph } from '../planning/event-fields';
import { connectSubgraphs, type SubgraphCalls } from '../subgraph-calls/connect';
import { ScopesInFlight } from '../subgraph-calls/sharing/scopes-in-flight';
import type { Subgraph } from '../subgraph-calls/subgraph';
import { buildSchemaInSteps } from './build-schema';
import type { Engine, KnownOperation } from './engine';
import type { GenerationParts } from './generation-parts';
import type { PlanEntry } from './operation-cache';
import { SupergraphOperations } from './operations';
import { chooseOverrides, findCallerOverrides, overrideRates } from './overrides';
import { type CountedProgram, createPrograms, type Rejection } from './programs';

export interface EngineOptions {
  readonly supergraphSdl: string;
  readonly options: Options;
  readonly parts: GenerationParts;
  /** Adds the options to a subgraph of the supergraph. Throws if the supergraph cannot be run. */
  readonly chooseSubgraph: (found: ListedSubgraph) => Subgraph;
  /** Operations to plan before the engine is ready: the first ten, and more for at most a second. */
  readonly warmUp: readonly PlannedOperation[];
  /** Keeps the generation open until the function that it returns is called. */
  readonly hold: () => () => void;
}

/** Creates an engine that plans operations and runs plans over the bytes of subgraph responses. Rejects if the supergraph does not build. */
export async function createEngine(given: EngineOptions): Promise<Engine> {
  const { supergraphSdl, options, parts, hold } = given;
  const { packaged, operations } = parts;
  const { metrics, tracer, logger } = parts.telemetry;
  // Whoever requests another graph may wait for it.
  const pace = isOfDefaultGraph(options) ? swift : gentle;
  const planner = new Planner({
    ...{ supergraphSdl, pace },
    limits: options.planning,
    eventFields: eventFieldsOf(options.events.subscriptions),
    facts: packaged?.facts,
  });
  const plans = packaged && new PackagedPlans(packaged);
  let calls: SubgraphCalls | undefined;
  // A program is some times as large as the compiled operation that it belongs to.
  const caches = {
    programs: operations.memory.open<PlanEntry<CountedProgram | Rejection>>(3 / 4),
    known: operations.memory.open<KnownOperation>(1 / 4),
  };
  const close = (): Promise<void> => {
    calls?.close();
    for (const cache of Object.values(caches)) cache.close();
    return planner.close();
  };

  try {
    const facts = await planner.ready;
    const rates = overrideRates(facts.overrideLabels, options.overrides);
    const scopes = new ScopesInFlight();
    const subgraphs = facts.subgraphs.map(given.chooseSubgraph);
    const byName = new Map(subgraphs.map((subgraph) => [subgraph.name, subgraph]));
    await pace.pause();
    calls = openCalls(given, subgraphs, facts, scopes);
    await calls.ready();
    await pace.pause();
    const schema = await buildSchemaInSteps(facts.apiSchemaSdl, pace);
    await pace.pause();
    const supergraphSchema =
      facts.answerTypesSdl === undefined ? schema : buildSchema(facts.answerTypesSdl, trusted);
    const authorization = new Authorization({
      ...{ schema, logger, facts: facts.protections },
      ...{ options: options.authorization, policies: parts.access.policies },
    });
    const programs = createPrograms({
      ...{ authorization, schema, supergraphSchema, facts },
      planner: plans?.inFrontOf(planner) ?? planner,
      cache: caches.programs,
      calls: metrics.calls,
    });
    await programs.warm(untilLate(given.warmUp));
    await pace.pause();
    const { limits, objectionTo } = parts.access;
    const { usage, planWaits, refuse, hooks, mocked } = parts.operations;
    const { running: runningSubscriptions, cursors, eventFeeds: feeds } = parts.subscriptions;
    const { subscriptions: fields } = options.events;
    const { learn, known, prepare } = new SupergraphOperations({
      supergraph: digest(supergraphSdl),
      ...{ schema, planner, programs, authorization, scopes, hold, limits, objectionTo },
      ...{ usage, planWaits, refuse, hooks, mocked, runningSubscriptions, cursors, metrics, tracer, logger },
      costs: facts.costs,
      isValid: plans && ((document, operationName) => plans.has(document, operationName)),
      cache: caches.known,
      send: calls.send,
      subscribe: calls.subscribe,
      subgraphs: byName,
      feedOf: (opening, identity) =>
        opening.operation.subgraph === eventsSubgraph
          ? bindFeed(opening, identity, { fields, schema, feeds })
          : undefined,
      chooseOverrides: () => chooseOverrides(rates),
      callerOverrides: findCallerOverrides(facts, options.overrides),
      errors: errorsOf(options, subgraphs),
      isDevelopment: isDevelopment(options),
      mostBytes: options.limits.response,
      assumedListSize: options.limits.assumedListSize,
      caching: parts.caches.caching,
      subscribing: { ...options.subscriptions, allUnread: options.overload.unread },
    });
    /** Made for the first one, as a large supergraph has many. */
    let shownTag: TagWithoutValues | undefined;
    return {
      apiSchema: schema,
      apiSchemaSdl: facts.apiSchemaSdl,
      ...{ learn, known, prepare },
      plan: (document, operationName) => planner.plan(document, operationName),
      accessTo: (document, operation) => authorization.accessTo(document, operation),
      requirementsOf: (what) => authorization.requirementsOf(what),
      ...{ subgraphs: byName, instancesOf: calls.instancesOf },
      eventFieldProblems: facts.eventFieldProblems,
      tagFormats: formatsIn(facts.entities),
      unknownNames: (invalidation) => unknownNames(invalidation, facts.entities),
      tagWithoutValues: (tag) => (shownTag ??= tagsWithoutValues(facts.entities))(tag),
      mostUsed: (count) => programs.mostUsed(count),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openCalls(
  { options, parts }: EngineOptions,
  subgraphs: readonly Subgraph[],
  { entities: facts }: SupergraphFacts,
  scopes: ScopesInFlight,
): SubgraphCalls {
  const { transport, subscriptions, connections, breakers, discovery, interceptors } = parts.calls;
  const { store, caching, invalidate } = parts.caches;
  const { metrics, logger, tracer } = parts.telemetry;
  const { interval, emptyAfter, dnsServers, loopback = isDevelopment(options) } = options.discovery;
  return connectSubgraphs({
    ...{ subgraphs, facts, scopes, calls: options, cache: options.cache },
    ...{ transport, subscriptions, connections, breakers, discovery, interceptors },
    discovering: { interval, emptyAfter, dnsServers, loopback },
    ...{ store, caching, invalidate, metrics, logger },
    isTraced: tracer !== undefined,
  });
}

/** What clients see of the errors of subgraphs. */
function errorsOf(options: Options, subgraphs: readonly Subgraph[]): ErrorOptions {
  const own = subgraphs.flatMap(({ name }) => {
    const mask = options.subgraphs[name]?.maskErrors;
    return mask === undefined ? [] : [[name, mask] as const];
  });
  return {
    mask: options.errors.maskSubgraphs ?? (isDevelopment(options) ? 'none' : 'unexpected'),
    maskOf: own.length === 0 ? undefined : new Map(own),
    limit: options.limits.errors,
  };
}

const isDevelopment = ({ mode }: Options): boolean => mode === 'development';

const trusted = { assumeValidSDL: true, assumeValid: true, noLocation: true };
const warmUpTime = 1_000;
/** Planned without a time limit: most requests are for few operations. */
const leastWarmUp = 10;

/** Yields operations until the time for warming up is over; the others are planned when they are requested. */
function* untilLate(operations: readonly PlannedOperation[]): Iterable<PlannedOperation> {
  const end = performance.now() + warmUpTime;
  for (const [i, operation] of operations.entries()) {
    if (i >= leastWarmUp && performance.now() > end) return;
    yield operation;
  }
}

/** The formats of all `@cacheTag`s. */
function formatsIn({ subgraphs }: EntityFacts): readonly string[] {
  const formats = [...subgraphs.values()].flatMap(({ typeTags, fieldTags }) =>
    [...typeTags.values(), ...fieldTags.values()].flat(),
  );
  return [...new Set(formats)];
}
