/** What sources answer of a field by themselves. */
import { countLeaves, type Selection } from '../selections';
import { type FieldJoin, isInterfaceObject, isOfType, type IndexedType } from '../supergraph-index';
import { leavesLeft, type ObjectItem, type Plan } from './plans';
import { type Search } from './search';
import { type PlanSource, type SourceList } from './sources';

/**
 * How these sources answer a field of the objects that they hold, together; null if they cannot.
 *
 * @param canRequire whether what the field requires can be sent: where the sources are entered by a key
 */
export function cover(
  search: Search,
  item: ObjectItem,
  sources: SourceList,
  canRequire = false,
): Plan | null {
  const first = sources.list[0]!;
  const knowsInterfaceObject = isInterfaceObject(first.as, first.subgraph);
  if (item.kind === 'bundle')
    return knowsInterfaceObject ? null : search.solve(first.as, item.selection, sources);
  if (item.name === '__typename') {
    const { typing } = sources;
    return typing === undefined ? null : search.leaf(typing.subgraph, typing.stage);
  }
  if (first.as.kind !== 'object' && !knowsInterfaceObject)
    return search.solve(first.as, search.flattening.listOf([item]), sources);
  const known = sources.covers(canRequire);
  let plan = known.get(item);
  if (plan !== undefined) return plan;
  plan = coverField(search, item, sources, canRequire);
  known.set(item, plan);
  // Once it is known: wherever slices end, it is counted once.
  search.steps.take(1);
  return plan;
}

function coverField(
  search: Search,
  { name, selection }: Exclude<ObjectItem, { kind: 'bundle' }>,
  sources: SourceList,
  canRequire: boolean,
): Plan | null {
  const holding: PlanSource[] = [];
  let type: IndexedType | undefined;
  for (const source of sources.list) {
    const resolved = resolvedBy(search, source, name);
    if (resolved === undefined) continue;
    const { join, provided } = resolved;
    if (join.requires !== undefined && !canRequire) continue;
    if (!isContextKnown(join, source, sources)) continue;
    if (selection === undefined) return search.leaf(source.subgraph, source.stage);
    const as = search.index.types.get(join.namedType);
    // Where the subgraphs name different types, the objects of one of them are taken.
    if (as === undefined || (type !== undefined && type !== as)) continue;
    type = as;
    const { subgraph, stage } = source;
    holding.push({ subgraph, stage, as, provided: providedBelow(search, join, provided) });
  }
  if (selection === undefined || type === undefined) return null;
  const plan = search.solve(type, selection, search.sourceLists.of(holding, sources.contexts));
  // What leaves everything is no answer.
  return plan?.left !== undefined && leavesLeft(plan) >= countLeaves(selection) ? null : plan;
}

/** The definition of a field in a source that resolves it for an object that it holds. */
export function resolvedBy(
  search: Search,
  { as, subgraph, provided }: Pick<PlanSource, 'as' | 'subgraph' | 'provided'>,
  name: string,
): { readonly join: FieldJoin; readonly provided: Selection | undefined } | undefined {
  const join = as.fields.get(name)?.joins.get(subgraph);
  if (join === undefined) return undefined;
  const below = provided === undefined ? undefined : providedOf(search, provided, as, name);
  if (below !== undefined) return { join, provided: below };
  if (isOverridden(join, search.labels)) return undefined;
  if (join.isExternal) return undefined;
  return { join, provided: undefined };
}

const isOverridden = ({ overridden }: FieldJoin, labels: ReadonlySet<string>): boolean =>
  typeof overridden === 'boolean' ? overridden : labels.has(overridden.label) === overridden.whenOn;

/** What `@provides` names below a field; undefined where it does not name the field. */
function providedOf(
  search: Search,
  provided: Selection,
  type: IndexedType,
  name: string,
): Selection | undefined {
  const { flattening, index } = search;
  const isPossible = (on: string): boolean =>
    isOfType(index, type.name, on) || isOfType(index, on, type.name);
  let found: Selection | undefined;
  for (const item of provided) {
    let below: Selection | undefined;
    if (item.kind === 'field') below = item.name === name ? (item.selection ?? nothing) : undefined;
    else if (item.on === undefined || isPossible(item.on))
      below = providedOf(search, item.selection, type, name);
    if (below !== undefined) found = found === undefined ? below : flattening.merge(found, below);
  }
  return found;
}

export function providedBelow(
  search: Search,
  { provides }: FieldJoin,
  provided: Selection | undefined,
): Selection | undefined {
  if (provided === undefined || provided.length === 0) return provides;
  return provides === undefined ? provided : search.flattening.merge(provided, provides);
}

const isContextKnown = (
  { contextArguments }: FieldJoin,
  { stage }: PlanSource,
  { contexts }: SourceList,
): boolean => contextArguments.every(({ context }) => (contexts.get(context) ?? Infinity) <= stage);

const nothing: Selection = [];
