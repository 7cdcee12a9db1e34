/** Which root fields of a mutation are one request: they run in their order, whatever their conditions. */
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { type CallBits } from './search/calls';
import { type StepCount } from './budget';
import { groupsBy, remembered } from './maps';
import { cover } from './search/cover';
import { type Search } from './search/search';
import { type PlanSource, type SourceList } from './search/sources';
import { allOf, type Conditions, conditionsKey, contradicts, type SelectedField } from './selections';
import { type IndexedType } from './supergraph-index';

/** Root fields that are fetched one after another: all of a query, some of a mutation each. */
export interface RootGroup {
  readonly fields: readonly SelectedField[];
  readonly sources: SourceList;
}

/** Of all ways to group the fields, the one with the fewest rounds of calls, then the fewest calls, then the fewest groups. */
export function* mutationGroups(
  search: Search,
  root: IndexedType,
  fields: readonly SelectedField[],
): SlicedWork<readonly RootGroup[]> {
  let ways: readonly MutationWay[] = [];
  const byName = new Map<string, SelectedField[]>();
  for (const field of fields) remembered(byName, field.responseName, () => []).push(field);
  for (const field of fields) {
    const occurrence = yield* occurrenceOf(field, byName.get(field.responseName)!, search.steps);
    if (occurrence.length === 0) continue;
    const able = yield* search.attempt(() => ableTo(search, root, occurrence));
    const before = ways.length === 0 ? [undefined] : ways;
    ways = able.map((one) =>
      before.map((way) => extended(search.steps, way, one, occurrence)).reduce(cheaperOf),
    );
  }
  const best: MutationWay[] = [];
  for (let way: MutationWay | undefined = ways.reduce(cheaperOf); way !== undefined; way = way.before)
    best.push(way);
  const groups: (RootGroup & { readonly fields: SelectedField[] })[] = [];
  for (const { isJoined, occurrence, subgraph } of best.reverse())
    if (isJoined) groups.at(-1)!.fields.push(...occurrence);
    else groups.push({ fields: [...occurrence], sources: rootSources(search, root, [subgraph]) });
  return groups;
}

export function rootSources(search: Search, root: IndexedType, subgraphs: Iterable<number>): SourceList {
  const list: PlanSource[] = [];
  for (const subgraph of subgraphs) list.push({ subgraph, stage: 0, as: root, provided: undefined });
  return search.sourceLists.of(list);
}

/** A way to run the mutation fields up to those of one occurrence. */
interface MutationWay {
  readonly subgraph: number;
  readonly before: MutationWay | undefined;
  readonly occurrence: readonly SelectedField[];
  /** Whether it is in one request with the occurrence before; then `depth` is that of both. */
  readonly isJoined: boolean;
  readonly depth: number;
  /** Rounds of calls, one after the other. */
  readonly rounds: number;
  readonly calls: number;
  readonly groups: number;
}

type AbleSubgraph = Pick<MutationWay, 'subgraph' | 'depth' | 'calls'>;

/** The subgraphs that answer all of what is selected of one mutation field. */
function ableTo(search: Search, root: IndexedType, same: readonly SelectedField[]): readonly AbleSubgraph[] {
  const { name } = same[0]!;
  const able: AbleSubgraph[] = [];
  for (const subgraph of root.fields.get(name)?.joins.keys() ?? []) {
    const sources = rootSources(search, root, [subgraph]);
    const plans = same.map((field) => cover(search, field, sources));
    if (!plans.every((plan) => plan !== null && plan.left === undefined)) continue;
    const calls: CallBits = [];
    for (const plan of plans) search.callSets.addAll(calls, plan!.calls, 0);
    const depth = Math.max(...plans.map((plan) => plan!.depth));
    able.push({ subgraph, depth, calls: search.callSets.count(calls) });
  }
  if (able.length === 0) throw new Error(`No subgraph answers ${root.name}.${name}`);
  return able;
}

function extended(
  steps: StepCount,
  before: MutationWay | undefined,
  { subgraph, depth, calls }: AbleSubgraph,
  occurrence: readonly SelectedField[],
): MutationWay {
  const isJoined = before?.subgraph === subgraph;
  // Of fields under conditions that exclude each other, one side is left out: to join the other saves no call.
  const isSaved = isJoined && !isAlternative(steps, before, occurrence);
  const covered = isSaved ? before.depth + 1 : 0;
  return {
    ...{ before, occurrence, subgraph, isJoined },
    depth: isSaved ? Math.max(before.depth, depth) : depth,
    rounds: (before?.rounds ?? 0) + Math.max(0, depth + 1 - covered),
    calls: (before?.calls ?? 0) + calls + (isSaved ? 0 : 1),
    groups: (before?.groups ?? 0) + (isJoined ? 0 : 1),
  };
}

/** Whether no field of an occurrence runs where one of the group before it does. */
function isAlternative(steps: StepCount, before: MutationWay, occurrence: readonly SelectedField[]): boolean {
  const runsWith = (one: SelectedField): boolean => {
    // Of one response name, each occurrence is under the condition that those before are left out.
    if (one.responseName === occurrence[0]!.responseName) return false;
    steps.take(occurrence.length);
    return occurrence.some(({ when }) => !contradicts(allOf(one.when, when)));
  };
  for (let way = before; ; way = way.before!) {
    if (way.occurrence.some(runsWith)) return false;
    if (!way.isJoined) return true;
  }
}

function cheaperOf(one: MutationWay, other: MutationWay): MutationWay {
  const more = one.rounds - other.rounds || one.calls - other.calls || one.groups - other.groups;
  return more <= 0 ? one : other;
}

/**
 * What runs at the position of a field: those of its response name that run together are one field.
 *
 * A field with several occurrences runs where the first of them is that the conditions include, with the selections of all
 * (GraphQL, section 6.3.2, "Field Collection"). So it stands at each occurrence, under the condition that those
 * before are left out. Conditions of many occurrences have exponentially many ways: each is a step.
 */
function* occurrenceOf(
  field: SelectedField,
  same: readonly SelectedField[],
  steps: StepCount,
): SlicedWork<readonly SelectedField[]> {
  /** The ways in which the field is included, and all before it are not. */
  let guards: readonly Conditions[] = [field.when];
  for (const { when: excluded } of same.slice(0, same.indexOf(field))) {
    if (guards.length === 0) return [];
    steps.take(1 + guards.length * excluded.length);
    if (steps.isSliceOver) yield;
    guards = guards
      .flatMap((guard) => negationsOf(excluded).map((negation) => allOf(guard, negation)))
      .filter((guard) => !contradicts(guard));
  }
  const here: SelectedField[] = [];
  for (const guard of guards) {
    steps.take(same.length);
    if (steps.isSliceOver) yield;
    for (const one of same) {
      const when = allOf(guard, one.when);
      if (!contradicts(when)) here.push({ ...one, when });
    }
  }
  return withoutRepeated(here);
}

/** The ways in which not all conditions hold: the first that does not is the first, or the second, and so on. */
const negationsOf = (when: Conditions): readonly Conditions[] =>
  when.map(({ variable, value }, i) => allOf(when.slice(0, i), [{ variable, value: !value }]));

/** Fields under the same conditions as one, with the selections of all. */
const withoutRepeated = (fields: readonly SelectedField[]): SelectedField[] =>
  groupsBy(fields, ({ when }) => conditionsKey(when)).map((alike) =>
    alike.reduce((known, { selection }) =>
      known.selection === undefined || selection === known.selection
        ? known
        : { ...known, selection: [...known.selection, ...selection!] },
    ),
  );
