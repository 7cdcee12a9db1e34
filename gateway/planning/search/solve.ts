/** Solves a problem of the search, by what its objects are. */
import { mapIn } from '../maps';
import { type SelectedField, type Selection, type SelectionItem, unconditional } from '../selections';
import { type IndexedType, isInterfaceObject } from '../supergraph-index';
import { type CallBits } from './calls';
import { classesOf } from './classes';
import { providedBelow, resolvedBy } from './cover';
import { Hub } from './hub';
import { type AbstractPlan, type ItemPlan, type ObjectItem, type ObjectPlan, type Plan } from './plans';
import { type Problem, type Search } from './search';
import { solveObject } from './solve-object';
import { type PlanSource, type SourceList } from './sources';

export function planOf(search: Search, problem: Problem): Plan {
  const { type, selection, sources } = problem;
  if (type.kind === 'object')
    return solveObject(new Hub(search, type, sources), search.flattening.fieldsOf(selection, type.name));
  const others = sources.list.filter(({ subgraph }) => !isInterfaceObject(type, subgraph));
  if (others.length === 0) return solveInterfaceObject(search, problem);
  if (others.length === sources.list.length) return solveAbstract(search, problem);
  return solveAbstract(search, { type, selection, sources: search.sourceLists.of(others, sources.contexts) });
}

/**
 * Objects of an interface that all sources know as if it were one object type: what depends on their types is requested,
 * in one piece, from a subgraph that distinguishes them.
 */
function solveInterfaceObject(search: Search, { type, selection, sources }: Problem): ObjectPlan {
  const hub = new Hub(search, type, sources);
  const { common, typed } = search.flattening.viewOf(selection, type);
  const items: ObjectItem[] = [];
  const byType: SelectionItem[] = [];
  for (const field of common)
    if (field.name === '__typename' || hub.optionsFor(field).length === 0) byType.push(field);
    else items.push(field);
  byType.push(...typed);
  if (byType.length > 0)
    items.push({ kind: 'bundle', when: unconditional, selection: search.flattening.listOf(byType) });
  return solveObject(hub, items);
}

/** Objects of an interface or union that a source distinguishes. None knows it as an interface object. */
function solveAbstract(
  search: Search,
  { type, selection, sources }: Omit<Problem, 'plan' | 'isSolved'>,
): AbstractPlan {
  const first = sources.list[0]!;
  const { flattening, callSets } = search;
  const possible = [...type.objects].flatMap(([name, subgraphs]) =>
    subgraphs.has(first.subgraph) ? (search.index.types.get(name) ?? []) : [],
  );
  const { common, typed, leftovers } = flattening.viewOf(selection, type);
  // The response names that fragments for some types select.
  const separate = new Set<string>();
  const lists = typed.length === 0 ? [] : possible.map(({ name }) => flattening.fieldsOf(typed, name));
  for (const list of new Set(lists)) for (const { responseName } of list) separate.add(responseName);
  // Of fields with different response names it is the same.
  const directPlans = new Map<Selection | undefined, Map<string, Plan | undefined>>();
  const { direct, pushed } = split(common, (item) => {
    const { name, responseName, selection: below } = item;
    if (below !== undefined && separate.has(responseName)) return undefined;
    const known = mapIn(directPlans, below);
    if (!known.has(name)) known.set(name, directPlan(search, type, item, sources, possible));
    return known.get(name);
  });
  const left: SelectionItem[] = [];
  const byType: AbstractPlan['byType'][number][] = [];
  const uses = new Set([first.subgraph]);
  const calls: CallBits = [];
  let [depth, size, visits] = [first.stage, 1, 0];
  const add = (plan: Plan): void => {
    depth = Math.max(depth, plan.depth);
    size += plan.size;
    visits += plan.visits;
    callSets.addAll(calls, plan.calls, 0);
  };
  for (const { plan } of direct) add(plan);
  const ofTypes = pushed.length === 0 ? typed : flattening.listOf([...pushed, ...typed]);
  for (const { types, fields, sources: holding } of classesOf(search, type, possible, ofTypes, sources)) {
    const plan = solveObject(new Hub(search, types[0]!, holding), fields);
    add(plan);
    for (const subgraph of plan.uses) uses.add(subgraph);
    byType.push({ types: types.map(({ name }) => name), plan });
    if (plan.left !== undefined)
      for (const { name } of types) left.push({ ...leftover, on: name, selection: plan.left });
  }
  for (const name of leftovers)
    if (!possible.some((object) => object.name === name))
      left.push(...selection.filter((item) => item.kind === 'fragment' && item.on === name));
  search.steps.take(byType.reduce((sum, { types }) => sum + types.length, possible.length >> 3));
  const rest = left.length === 0 ? undefined : left;
  const costs = { depth, calls, visits, size, uses: [...uses], left: rest };
  return { kind: 'abstract', type, source: first.subgraph, direct, byType, ...costs };
}

const leftover = { kind: 'fragment', when: unconditional, isLeftover: true } as const;

/** The fields that are requested of all objects at once, and those that are of each type: for one name it is the same. */
function split(
  fields: readonly SelectedField[],
  planOf: (field: SelectedField) => Plan | undefined,
): { readonly direct: ItemPlan[]; readonly pushed: SelectedField[] } {
  const plans = fields.map((item) => ({ item, plan: planOf(item) }));
  const names = new Set(plans.flatMap(({ item, plan }) => (plan === undefined ? [item.responseName] : [])));
  const direct: ItemPlan[] = [];
  const pushed: SelectedField[] = [];
  for (const { item, plan } of plans)
    if (plan === undefined || (item.selection !== undefined && names.has(item.responseName)))
      pushed.push(item);
    else direct.push({ item, plan });
  return { direct, pushed };
}

/** How the first source answers a field for objects of all types at once; undefined if it does not. */
function directPlan(
  search: Search,
  type: IndexedType,
  { name, selection }: SelectedField,
  sources: SourceList,
  possible: readonly IndexedType[],
): Plan | undefined {
  const first = sources.list[0]!;
  if (name === '__typename') return search.leaf(first.subgraph, first.stage);
  if (type.kind !== 'interface') return undefined;
  const ofInterface = resolvedBy(search, first, name);
  if (ofInterface === undefined || !needsNothing(ofInterface)) return undefined;
  const { join, provided } = ofInterface;
  let isSplit = sources.list.length > 1;
  for (const object of possible) {
    const one = resolvedBy(search, { subgraph: first.subgraph, provided: first.provided, as: object }, name);
    if (one === undefined || !needsNothing(one)) return undefined;
    const { provides, namedType } = one.join;
    isSplit ||= provides !== undefined || one.provided !== undefined || namedType !== join.namedType;
    if (object.contexts.length > 0 && selection !== undefined && usesContexts(search, selection, object))
      return undefined;
  }
  if (selection === undefined) return search.leaf(first.subgraph, first.stage);
  const as = search.index.types.get(join.namedType)!;
  const below: PlanSource = { ...first, as, provided: providedBelow(search, join, provided) };
  const plan = search.solve(as, selection, search.sourceLists.of([below], sources.contexts));
  if (plan === null || plan.left !== undefined) return undefined;
  return plan.depth > first.stage && isSplit ? undefined : plan;
}

/** Whether an argument below an object takes the value of a context that the object sets. */
const usesContexts = ({ flattening }: Search, selection: Selection, { contexts }: IndexedType): boolean =>
  flattening.contextArgumentsIn(selection).some(({ context }) => contexts.includes(context));

const needsNothing = ({ join }: NonNullable<ReturnType<typeof resolvedBy>>): boolean =>
  join.requires === undefined && join.contextArguments.length === 0;
