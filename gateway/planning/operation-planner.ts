/** Plans the operations of one supergraph. */
import { DirectiveLocation, type DocumentNode, Kind } from 'graphql';
import { type QueryPlan } from '../execution/compile/plan';
import { inSlices, type PlanningBudget, runAtOnce, Steps } from './budget';
import { OperationPlanning } from './plan-operation';
import { type KnownDirectives } from './selections/operation';
import { type SupergraphIndex } from './supergraph-index/supergraph-index';
import { SupergraphReader } from './supergraph-index/read-supergraph';

export interface PlannedRequest {
  /** Valid for the API schema. */
  readonly document: DocumentNode;
  /** Undefined where the document has one operation. */
  readonly operationName?: string | undefined;
  /** The labels of progressive `@override`s that are on. @default none */
  readonly overrideLabels?: readonly string[] | undefined;
}

export class OperationPlanner {
  readonly #supergraph: DocumentNode;
  readonly #budget: PlanningBudget;
  readonly #directives: KnownDirectives;
  /** By the labels that are on. */
  readonly #indexes = new Map<string, SupergraphIndex>();

  constructor(supergraph: DocumentNode, budget: PlanningBudget = defaultBudget) {
    this.#supergraph = supergraph;
    this.#budget = budget;
    this.#directives = {
      onFragments: directivesOn(DirectiveLocation.INLINE_FRAGMENT, supergraph),
      onQueries: directivesOn(DirectiveLocation.QUERY, supergraph),
    };
  }

  /** Plans at once. Throws a `GraphQLError` with the code `QUERY_TOO_COMPLEX` beyond the budget. */
  plan(request: PlannedRequest): QueryPlan {
    const planning = this.begin(request, new Steps(this.#budget));
    runAtOnce(planning);
    return planning.plan;
  }

  /** Begins to plan. Throws as `plan` does. */
  begin({ document, operationName, overrideLabels = [] }: PlannedRequest, steps: Steps): OperationPlanning {
    const index = this.indexFor(overrideLabels);
    return new OperationPlanning({ index, directives: this.#directives, document, operationName }, steps);
  }

  /** Builds the index, in slices. Throws where the supergraph is wrong. */
  async prepare(): Promise<void> {
    const reader = new SupergraphReader(this.#supergraph, new Set());
    await inSlices(this.#supergraph.definitions, (definition) => reader.read(definition));
    this.#indexes.set('', reader.finish());
  }

  indexFor(labels: readonly string[]): SupergraphIndex {
    const key = [...labels].sort().join();
    let index = this.#indexes.get(key);
    if (index === undefined) {
      const reader = new SupergraphReader(this.#supergraph, new Set(labels));
      for (const definition of this.#supergraph.definitions) reader.read(definition);
      this.#indexes.set(key, (index = reader.finish()));
    }
    return index;
  }
}

export const defaultBudget: PlanningBudget = { steps: 30_000, depth: 1000 };

/** The names of the directives that a supergraph allows at a location. */
function directivesOn(location: string, { definitions }: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of definitions)
    if (node.kind === Kind.DIRECTIVE_DEFINITION && node.locations.some(({ value }) => value === location))
      names.add(node.name.value);
  return names;
}
