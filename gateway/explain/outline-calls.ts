/** The subgraph calls of a program, as far as they are known without data. */
import { Kind, type OperationDefinitionNode, parse } from 'graphql';
import { type OutlinedFetch, type Program } from '../execution/program';
import { type CompiledOperation } from '../execution/compile/subgraph-operation';
import { groupsOf } from '../execution/run/call-scheduler';

export interface OutlinedCall {
  readonly subgraph: string;
  /** `subscription`: opens the source of events; the other calls are made for each event. */
  readonly kind: 'mutation' | 'subscription' | 'root' | 'entities';
  /** Calls of step 1 depend on no other call, those of step 2 on calls of step 1, and so on. */
  readonly step: number;
  /** The fetches of the plan that go in this call. */
  readonly fetches: readonly {
    /** Fields of a root type, or the types of entities. */
    readonly asks: readonly string[];
    /** The path of the objects in the response; empty at the root. */
    readonly path: string;
  }[];
}

/**
 * The calls that are needed in any case, in the order of their steps. Fetches that start at the same time share a call.
 */
export function outlineCalls(program: Program, variables: Readonly<Record<string, unknown>>): OutlinedCall[] {
  const fetches = program.outline(program.conditionsOf(variables));
  const steps: number[] = [];
  const starting = new Map<string, number[]>();
  const stepOf = (i: number): number =>
    (steps[i] ??= 1 + Math.max(0, ...fetches[i]!.waitsFor.map((earlier) => stepOf(earlier))));
  for (const [i, { waitsFor }] of fetches.entries()) {
    const key = [...waitsFor].sort().join();
    starting.set(key, [...(starting.get(key) ?? []), i]);
  }
  return [...starting.values()]
    .flatMap((together) =>
      callsOf(
        together.map((i) => fetches[i]!),
        program,
      ).map((call) => describe(call, stepOf(together[0]!))),
    )
    .sort((one, other) => one.step - other.step);
}

/** Groups fetches that start at the same time by the call that they share. */
function callsOf(fetches: readonly OutlinedFetch[], { combinations }: Program): OutlinedFetch[][] {
  const isMutation = ({ operation }: OutlinedFetch) => operation.request.kind === 'mutation';
  const queries = fetches.filter((fetch) => !isMutation(fetch));
  const operations = [...new Set(queries.map(({ operation }) => operation))];
  // Equal fetches at several positions are requested once.
  const asking = (some: readonly CompiledOperation[]) =>
    queries.filter(({ operation }) => some.includes(operation));
  const groups = groupsOf(operations.map((operation) => ({ operation }))).flatMap((group) => {
    const together = group.map(({ operation }) => operation);
    return together.length === 1 || combinations.of(together) !== undefined
      ? [asking(together)]
      : together.map((operation) => asking([operation]));
  });
  return [...fetches.filter(isMutation).map((fetch) => [fetch]), ...groups];
}

function describe(fetches: readonly OutlinedFetch[], step: number): OutlinedCall {
  const { request, asksEntities } = fetches[0]!.operation;
  const query = asksEntities ? 'entities' : 'root';
  return {
    subgraph: request.subgraph,
    kind: request.kind === 'query' ? query : request.kind,
    step,
    fetches: fetches.map(({ operation, path }) => ({ asks: askedBy(operation), path })),
  };
}

export function askedBy({ request, asksEntities }: CompiledOperation): string[] {
  const { definitions } = parse(request.document, { noLocation: true });
  const { selections } = (definitions[0] as OperationDefinitionNode).selectionSet;
  const [first] = selections;
  const asked = asksEntities && first?.kind === Kind.FIELD ? first.selectionSet!.selections : selections;
  return asked.flatMap((selection) => {
    if (selection.kind === Kind.FIELD)
      return selection.name.value === '__typename' ? [] : [selection.name.value];
    return selection.kind === Kind.INLINE_FRAGMENT ? [selection.typeCondition!.name.value] : [];
  });
}
