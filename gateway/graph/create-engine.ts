import { buildSchema } from 'graphql';
import { Authorization, type Policies } from '../auth/directives';
import { buildSchemaInSteps } from './build-schema';
import type { Invalidate } from '../cache/invalidation';
import { bindFeed, eventFieldsOf } from '../events/fed-fields';
import type { EventFeeds } from '../events/feeds';
import { unknownNames } from '../cache/unknown-names';
import type { Store } from '../cache/stores/store';
import { digest } from '../cache/responses/response-keys';
import type { Engine, KnownOperation } from './engine';
import type { Subgraph } from '../subgraph-calls/subgraph';
import { type OperationOptions, SupergraphOperations } from './operations';
import type { Options } from '../options';
import { type PackagedGraph, PackagedPlans } from '../packaged/packaged-graph';
import { chooseOverrides, overrideRates } from './overrides';
import { Planner, type EntityFacts, type PlannedOperation } from '../planning';
import { type OperationMemory, type PlanEntry } from './operation-cache';
import { eventsSubgraph } from '../planning/event-fields';
import { type CountedProgram, createPrograms, type Rejection } from './programs';
import type { SubgraphLocation } from '../supergraph/subgraphs';
import { type CallOptions, connectSubgraphs, type SubgraphCalls } from '../subgraph-calls/connect';
import type { EndpointParts } from '../subgraph-calls/endpoints/connect-endpoints';
import type { Interceptor } from '../subgraph-calls/contract/transport';
import { ScopesInFlight } from '../subgraph-calls/sharing/scopes-in-flight';

export interface EngineOptions extends OperationOptions, Omit<EndpointParts, 'isTraced'> {
  readonly supergraphSdl: string;
  /** What was made of this supergraph in advance. @default nothing */
  readonly packaged?: PackagedGraph | undefined;
  /** Adds the options to a subgraph of the supergraph. Throws if the supergraph cannot be run. */
  readonly chooseSubgraph: (found: SubgraphLocation) => Subgraph;
  readonly planning: Options['planning'];
  readonly events: Options['events'];
  readonly eventFeeds: EventFeeds;
  /** Percentages by the labels of progressive `@override`s. */
  readonly overrides: Options['overrides'];
  readonly calls: CallOptions;
  readonly cache: Options['cache'];
  readonly authorization: Options['authorization'];
  readonly policies: Policies;
  /** Operations to plan before the engine is ready: the first ten, and more for at most a second. */
  readonly warmUp: readonly PlannedOperation[];
  readonly store: Store;
  readonly invalidate: Invalidate;
  readonly interceptors: readonly Interceptor[];
  readonly memory: OperationMemory;
  /** Keeps the generation open until the function that it returns is called. */
  readonly hold: () => () => void;
}

/** Creates an engine that plans operations and runs plans over the bytes of subgraph responses. Rejects if the supergraph does not build. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { supergraphSdl, packaged, chooseSubgraph, planning, overrides, warmUp, memory } = options;
  const { subscriptions: fields } = options.events;
  const planner = new Planner({
    supergraphSdl,
    limits: planning,
    eventFields: eventFieldsOf(fields),
    facts: packaged?.facts,
  });
  const plans = packaged && new PackagedPlans(packaged);
  let calls: SubgraphCalls | undefined;
  // A program is some times as large as the compiled operation that it belongs to.
  const caches = {
    programs: memory.open<PlanEntry<CountedProgram | Rejection>>(3 / 4),
    known: memory.open<KnownOperation>(1 / 4),
  };
  const close = (): Promise<void> => {
    calls?.close();
    for (const cache of Object.values(caches)) cache.close();
    return planner.close();
  };

  try {
    const facts = await planner.ready;
    const rates = overrideRates(facts.overrideLabels, overrides);
    const scopes = new ScopesInFlight();
    const subgraphs = facts.subgraphs.map(chooseSubgraph);
    const byName = new Map(subgraphs.map((subgraph) => [subgraph.name, subgraph]));
    calls = connectSubgraphs({
      ...options,
      ...{ subgraphs, facts: facts.entities, scopes },
      isTraced: options.tracer !== undefined,
    });
    await calls.ready();
    const schema = await buildSchemaInSteps(facts.apiSchemaSdl);
    const supergraphSchema =
      facts.answerTypesSdl === undefined ? schema : buildSchema(facts.answerTypesSdl, trusted);
    const authorization = new Authorization({
      facts: facts.protections,
      schema,
      options: options.authorization,
      policies: options.policies,
      logger: options.logger,
    });
    const programs = createPrograms({
      ...{ authorization, schema, supergraphSchema, facts },
      planner: plans?.inFrontOf(planner) ?? planner,
      cache: caches.programs,
      calls: options.metrics.calls,
    });
    await programs.warm(untilLate(warmUp));
    const { learn, known, prepare } = new SupergraphOperations({
      ...options,
      supergraph: digest(supergraphSdl),
      schema,
      costs: facts.costs,
      planner,
      programs,
      isValid: plans && ((document, operationName) => plans.has(document, operationName)),
      cache: caches.known,
      authorization,
      ...calls,
      subgraphs: byName,
      feedOf: (opening, identity) =>
        opening.operation.subgraph === eventsSubgraph
          ? bindFeed(opening, identity, { fields, schema, feeds: options.eventFeeds })
          : undefined,
      scopes,
      chooseOverrides: () => chooseOverrides(rates),
    });
    return {
      apiSchema: schema,
      apiSchemaSdl: facts.apiSchemaSdl,
      ...{ learn, known, prepare },
      plan: (document, operationName) => planner.plan(document, operationName),
      subgraphs: byName,
      instancesOf: calls.instancesOf,
      eventFieldProblems: facts.eventFieldProblems,
      tagFormats: formatsIn(facts.entities),
      unknownNames: (invalidation) => unknownNames(invalidation, facts.entities),
      mostUsed: (count) => programs.mostUsed(count),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

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
