/** The subgraph calls of a program, as far as they are known without data. */
import { Kind, type OperationDefinitionNode, parse, type SelectionNode } from 'graphql';
import { type OutlinedFetch, type Program } from '../execution/program';
import { type FetchOperation } from '../execution/compile/subgraph-operation';
import { groupsOf } from '../execution/run/call-scheduler';
import type { UpstreamCall } from './upstream-calls';

export interface OutlinedCall {
  readonly subgraph: string;
  /** `subscription`: opens the source of events; the other calls are made for each event. */
  readonly kind: 'mutation' | 'subscription' | 'root' | 'entities';
  /** Calls of step 1 depend on no other call, those of step 2 on calls of step 1, and so on. */
  readonly step: number;
  /** The calls whose answers it needs, by their positions in the list; without those that one of these needs. */
  readonly needs: readonly number[];
  /** The fetches of the plan that go in this call. */
  readonly fetches: readonly {
    /** Fields of a root type, or the types of entities. */
    readonly asks: readonly string[];
    /** The path of the objects in the response; empty at the root. */
    readonly path: string;
    /** What a source is called for it; undefined for a federation subgraph. */
    readonly upstream?: readonly UpstreamCall[];
  }[];
}

/** What a fetch from a source calls there; undefined for other subgraphs. */
export type DescribeUpstream = (subgraph: string, document: string) => readonly UpstreamCall[] | undefined;

/** The calls that are needed in any case, in the order of their steps. Fetches that start together share a call. */
export function outlineCalls(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  upstreamOf: DescribeUpstream = () => undefined,
): OutlinedCall[] {
  const fetches = program.outline(program.conditionsOf(variables));
  const steps: number[] = [];
  const starting = new Map<string, number[]>();
  const stepOf = (i: number): number =>
    (steps[i] ??= 1 + Math.max(0, ...fetches[i]!.waitsFor.map((earlier) => stepOf(earlier))));
  for (const [i, { waitsFor }] of fetches.entries()) {
    const key = [...waitsFor].sort().join();
    starting.set(key, [...(starting.get(key) ?? []), i]);
  }
  const calls = [...starting.values()]
    .flatMap((together) => {
      const step = stepOf(together[0]!);
      return callsOf(
        together.map((i) => fetches[i]!),
        program,
      ).map((call) => ({ call, step }));
    })
    .sort((one, other) => one.step - other.step);
  const needs = needsOf(
    calls.map(({ call }) => call),
    program,
  );
  return calls.map(({ call, step }, at) => describe(call, step, needs[at]!, upstreamOf));
}

/** For each call those whose answers it needs; without those that one of them needs, which are needed by way of it. */
function needsOf(calls: readonly (readonly OutlinedFetch[])[], { dependencies }: Program): number[][] {
  /** By the number of the fetch in the plan. */
  const positions = new Map(calls.flatMap((call, at) => call.map(({ index }) => [index, at])));
  const all: ReadonlySet<number>[] = [];
  return calls.map((call, at) => {
    const fetches = call.flatMap(({ index }) => dependencies[index]!);
    const direct = [...new Set(fetches.flatMap((index) => positions.get(index) ?? []))];
    all[at] = new Set(direct.flatMap((each) => [each, ...all[each]!]));
    return direct
      .filter((one) => !direct.some((other) => all[other]!.has(one)))
      .sort((one, other) => one - other);
  });
}

/** Groups fetches that start at the same time by the call that they share. */
function callsOf(fetches: readonly OutlinedFetch[], { combinations }: Program): OutlinedFetch[][] {
  const isMutation = ({ operation }: OutlinedFetch) => operation.request.kind === 'mutation';
  const queries = fetches.filter((fetch) => !isMutation(fetch));
  const operations = [...new Set(queries.map(({ operation }) => operation))];
  // Equal fetches at several positions are requested once.
  const fetchesOf = (some: readonly FetchOperation[]) =>
    queries.filter(({ operation }) => some.includes(operation));
  const groups = groupsOf(operations.map((operation) => ({ operation }))).flatMap((group) => {
    const together = group.map(({ operation }) => operation);
    return together.length === 1 || combinations.of(together) !== undefined
      ? [fetchesOf(together)]
      : together.map((operation) => fetchesOf([operation]));
  });
  return [...fetches.filter(isMutation).map((fetch) => [fetch]), ...groups];
}

function describe(
  fetches: readonly OutlinedFetch[],
  step: number,
  needs: readonly number[],
  upstreamOf: DescribeUpstream,
): OutlinedCall {
  const { request, getsEntities } = fetches[0]!.operation;
  const query = getsEntities ? 'entities' : 'root';
  return {
    subgraph: request.subgraph,
    kind: request.kind === 'query' ? query : request.kind,
    step,
    needs,
    fetches: fetches.map(({ operation, path }) => {
      const upstream = upstreamOf(operation.request.subgraph, operation.request.document);
      return { asks: requestedBy(operation), path, ...(upstream && { upstream }) };
    }),
  };
}

export function requestedBy({ request, getsEntities }: FetchOperation): string[] {
  const { definitions } = parse(request.document, { noLocation: true });
  const { selections } = (definitions[0] as OperationDefinitionNode).selectionSet;
  const [first] = selections;
  return namesIn(getsEntities && first?.kind === Kind.FIELD ? first.selectionSet!.selections : selections);
}

/** Fields, and the types of fragments; a fragment without a type is only around conditions. */
const namesIn = (selections: readonly SelectionNode[]): string[] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD)
      return selection.name.value === '__typename' ? [] : [selection.name.value];
    if (selection.kind !== Kind.INLINE_FRAGMENT) return [];
    const { selectionSet, typeCondition } = selection;
    return typeCondition === undefined ? namesIn(selectionSet.selections) : [typeCondition.name.value];
  });
