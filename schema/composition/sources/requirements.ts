/** What the arguments with `@require` need of other subgraphs. */
import { type FieldDefinitionNode, Kind } from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { directive, namedTypeOf } from '../../supergraph/sdl';
import { fieldSetOf, type SelectionMap } from '../../supergraph/sources/selection-map';
import type { SourceField } from '../../supergraph/sources/source-schema';
import { external, type GraphTypes, requiring, type SourceInProgress } from './graph-types';
import type { Owners } from './owners';
import { type FieldPath, textOf } from './partial-positions';

/** Adds what a field needs of other subgraphs: `@external`, and `@requires` of the field. */
export function addRequirements(
  progress: SourceInProgress,
  type: string,
  { name, arguments: args }: SourceField,
): void {
  const field = progress.types.field(type, name);
  const maps = [...args.values()].flatMap(({ require }) => require ?? []);
  const foreign = maps.filter((map) => isForeign(progress, map, type));
  if (foreign.length === 0 || field === undefined) return;
  for (const map of foreign) addExternal(progress, map, type);
  const all = fieldSetOf(foreign);
  // What the source has itself is in the representation if it is of the key.
  const paths = readKey(all).filter((path) => hasExternal(progress.types, type, path));
  progress.types.put(type, requiring(field, all.includes('...') ? all : textOf(paths)));
}

function hasExternal(types: GraphTypes, scope: string, path: FieldPath): boolean {
  let type = scope;
  return path.some((name) => {
    const field = types.field(type, name);
    type = field === undefined ? '' : namedTypeOf(field.type);
    return field !== undefined && directive(field, 'external') !== undefined;
  });
}

/** Whether a map needs what the source has not. */
function isForeign({ source, owners }: SourceInProgress, map: SelectionMap, scope: string): boolean {
  let isMissing = false;
  for (const { type, field } of stepsOf(map, scope, owners))
    isMissing ||= source.types.get(type)?.fields.has(field.name.value) !== true;
  return isMissing;
}

function addExternal(progress: SourceInProgress, map: SelectionMap, scope: string): void {
  const { types, owners } = progress;
  for (const { type, field } of stepsOf(map, scope, owners)) {
    addForeignType(progress, type);
    if (types.field(type, field.name.value) === undefined) types.put(type, external(field));
    addForeignType(progress, namedTypeOf(field.type));
  }
}

/** The fields that a map selects, of the subgraphs that have them. Others were reported. */
function* stepsOf(
  map: SelectionMap,
  scope: string,
  owners: Owners,
): Iterable<{ readonly type: string; readonly field: FieldDefinitionNode }> {
  if (map.kind === 'choice') {
    for (const each of map.of) yield* stepsOf(each, scope, owners);
    return;
  }
  let type = scope;
  for (const { kind, name } of map.path) {
    const field = kind === 'field' ? owners.field(type, name) : undefined;
    if (field !== undefined) yield { type, field };
    type = field === undefined ? name : namedTypeOf(field.type);
  }
  if (map.kind === 'list') yield* stepsOf(map.item, type, owners);
  if (map.kind === 'object') for (const { value } of map.fields) yield* stepsOf(value, type, owners);
}

function addForeignType({ types, rest, owners }: SourceInProgress, name: string): void {
  const node = owners.type(name);
  if (
    node === undefined ||
    types.get(name) ||
    rest.some((each) => 'name' in each && each.name.value === name)
  )
    return;
  if (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION)
    types.declare({ ...node, interfaces: [], directives: [] });
  else rest.push({ ...node, directives: [] });
}
