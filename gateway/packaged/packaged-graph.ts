import type { SlicedTask } from '../net/sliced-tasks';
import type { Planner, PlannerContext, QueryPlan, SupergraphFacts } from '../planning';
import { sha256 } from '../request/persisted/manifest';
import type { TrustedOperations } from '../request/persisted/trusted-operations';
import { PackageError } from './package-error';

/** All that a planner's thread would say of a supergraph and its trusted operations, so that a start needs none. */
export interface PackagedGraph {
  readonly supergraphSdl: string;
  readonly facts: SupergraphFacts;
  /** The labels of progressive `@override`s that every request has on; plans are made with these. Sorted. */
  readonly overrideLabels: readonly string[];
  readonly operations: readonly PackagedOperation[];
}

/** A document of a manifest. */
export interface PackagedOperation {
  readonly document: string;
  /** Its ids in manifests, and the SHA-256 of its text. */
  readonly names: readonly string[];
  /** Empty where it does not fit the supergraph, or cannot be planned. */
  readonly plans: readonly PackagedPlan[];
}

export interface PackagedPlan {
  /** The names by which a request may choose the operation; null for a request without a name. */
  readonly operationNames: readonly (string | null)[];
  /** The query plan, as JSON. */
  readonly plan: string;
}

/** The parts of a package of the gateway, beside its code: its options, its supergraph, and what was made of both. */
export const optionsFile = 'weir.yaml';
export const supergraphFile = 'supergraph.graphql';
export const graphFile = 'graph.json';

/** What the file of a packaged graph has beside it: for which gateway and supergraph it was made. */
interface Origin {
  /** Weir's version. */
  readonly weir: string;
  /** The SHA-256 of the supergraph. */
  readonly supergraph: string;
}

/** As JSON: unlike V8's own form, every version of Node reads it. */
export function writeGraph({ supergraphSdl, ...graph }: PackagedGraph, weir: string): string {
  const origin: Origin = { weir, supergraph: sha256(supergraphSdl) };
  return JSON.stringify({ ...origin, ...graph }, withCollections);
}

/**
 * @param weir the version that is to run it
 * @throws {PackageError} if it was made by another version, or of another supergraph
 */
export function readGraph(text: string, supergraphSdl: string, weir: string): PackagedGraph {
  const { weir: made, supergraph, ...graph } = JSON.parse(text, readCollections) as Origin & PackagedGraph;
  if (made !== weir)
    throw new PackageError(
      `${graphFile} was made by Weir ${made}, but this is Weir ${weir}: package it again.`,
    );
  if (supergraph !== sha256(supergraphSdl))
    throw new PackageError(
      `${graphFile} was made of another supergraph than the package has: package it again.`,
    );
  return { ...graph, supergraphSdl };
}

/** Maps and sets, which JSON does not have, as an object with one member that no fact has. */
const withCollections = (_: string, value: unknown): unknown => {
  if (value instanceof Map) return { '\0map': [...(value as ReadonlyMap<unknown, unknown>)] };
  if (value instanceof Set) return { '\0set': [...(value as ReadonlySet<unknown>)] };
  return value;
};

const readCollections = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if ('\0map' in value) return new Map(value['\0map'] as [unknown, unknown][]);
  if ('\0set' in value) return new Set(value['\0set'] as unknown[]);
  return value;
};

/** The operations as manifests have them. */
export const trustedOperationsIn = ({ operations }: PackagedGraph): TrustedOperations => ({
  texts: new Set(operations.map(({ document }) => document)),
  byName: new Map(operations.flatMap(({ document, names }) => names.map((name) => [name, document]))),
  digest: sha256(JSON.stringify(operations.map(({ names }) => names))),
});

/** The plans of a packaged graph, by document and operation name. */
export class PackagedPlans {
  readonly #plans = new Map<string, Map<string | null, string>>();
  readonly #overrideLabels: string;

  constructor({ operations, overrideLabels }: Pick<PackagedGraph, 'operations' | 'overrideLabels'>) {
    this.#overrideLabels = overrideLabels.join('\n');
    for (const { document, plans } of operations)
      this.#plans.set(
        document,
        new Map(plans.flatMap(({ operationNames, plan }) => operationNames.map((name) => [name, plan]))),
      );
  }

  /** Whether an operation is valid and planned. */
  has(document: string, operationName: string | undefined): boolean {
    return this.#plans.get(document)?.has(operationName ?? null) === true;
  }

  /** Plans as `planner` does, which is called only for what is not here. */
  inFrontOf(planner: Pick<Planner, 'run'>): Pick<Planner, 'run'> {
    return {
      run: (text, sender, begin) =>
        planner.run(text, sender, (planning) =>
          begin({ plan: (...operation) => this.#plan(planning, ...operation) }),
        ),
    };
  }

  *#plan(
    planning: PlannerContext,
    ...[document, operationName, overrideLabels = []]: Parameters<PlannerContext['plan']>
  ): SlicedTask<QueryPlan> {
    const isSame = overrideLabels.join('\n') === this.#overrideLabels;
    const plan = isSame ? this.#plans.get(document)?.get(operationName ?? null) : undefined;
    if (plan === undefined) return yield* planning.plan(document, operationName, overrideLabels);
    return JSON.parse(plan) as QueryPlan;
  }
}
