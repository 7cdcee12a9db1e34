import { getOperationAST, type GraphQLSchema, parse } from 'graphql';
import type { SlicedTask } from '../net/sliced-tasks';
import type { Authorization } from '../auth/directives';
import { compileInSlices, type Program } from '../execution';
import { type OutlinedCall, outlineCalls } from '../explain/outline-calls';
import { type PlannedOperation, type Planner, type PlannerContext, type SupergraphFacts } from '../planning';
import { type OperationCache, PlanCache, type PlanEntry } from './operation-cache';
import { type CallStatistics, countedOperation, ProgramTally } from '../telemetry/metrics/call-statistics';

/** An operation that is refused because its caller may not see all of its fields. */
export class Rejection {
  /** @param fields the refused fields, as `Type.field` */
  constructor(readonly fields: readonly string[]) {}

  /** Size on the heap, in bytes. */
  get bytes(): number {
    return this.fields.reduce((sum, field) => sum + 16 + field.length, 200);
  }
}

export interface ProgramsOptions {
  readonly planner: Pick<Planner, 'run'>;
  readonly authorization: Authorization;
  /** The API schema, which clients see. */
  readonly schema: GraphQLSchema;
  /** The schema with everything that subgraphs may answer. */
  readonly supergraphSchema: GraphQLSchema;
  readonly facts: Pick<SupergraphFacts, 'inaccessibleValues' | 'entities'>;
  readonly cache: OperationCache<PlanEntry<CountedProgram | Rejection>>;
  readonly calls: CallStatistics;
}

/** A program whose fetches are counted for its operation. */
export interface CountedProgram extends Program {
  readonly tally: ProgramTally;
}

/** The programs of operations: one for each operation and set of refused fields. */
export function createPrograms(options: ProgramsOptions): PlanCache<CountedProgram | Rejection> {
  const { planner, authorization, schema, supergraphSchema, facts, cache, calls } = options;
  const { inaccessibleValues, entities } = facts;
  const graph = { schema, supergraphSchema, inaccessibleValues, subgraphs: entities.subgraphs };
  return new PlanCache<CountedProgram | Rejection>({
    cache,
    sizeOf: (compiled) => (compiled instanceof Rejection ? compiled.bytes : compiled.size.bytes),
    make: (operation, sender = '', onGrowth) =>
      planner.run(operation.document, sender, (planning) => make(operation, planning, onGrowth)),
  });

  function* make(
    operation: PlannedOperation,
    planning: PlannerContext,
    onGrowth: () => void,
  ): SlicedTask<CountedProgram | Rejection> {
    const planned = yield* plan(operation, planning);
    if (planned.kind === 'rejected') return new Rejection(planned.fields);
    const { plan: made, refusals } = planned;
    const document = parse(operation.document, { noLocation: true });
    const { operationName } = operation;
    const client = { document, operationName, refusals, onGrowth };
    const { operation: type, name } = getOperationAST(document, operationName)!;
    const outline = (): readonly OutlinedCall[] | undefined => {
      const kept = compiled.deref();
      return kept && outlineCalls(kept, {});
    };
    const tally = new ProgramTally(countedOperation(type, name?.value), calls, outline);
    const program = { ...(yield* compileInSlices({ ...graph, plan: made, ...client, tally })), tally };
    // Weak, as the counts of an operation are kept for longer than its programs.
    const compiled = new WeakRef<Program>(program);
    return program;
  }

  function* plan(operation: PlannedOperation, planning: PlannerContext) {
    const { document, operationName, overrideLabels, refused = [] } = operation;
    if (refused.length > 0) return yield* authorization.plan(operation, planning);
    const made = yield* planning.plan(document, operationName, overrideLabels);
    return { kind: 'plan' as const, plan: made, refusals: undefined };
  }
}
