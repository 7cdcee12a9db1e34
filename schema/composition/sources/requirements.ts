/** What the arguments with `@require` need of other subgraphs. */
import { type FieldDefinitionNode, Kind } from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { directive, namedTypeOf } from '../../supergraph/sdl';
import { fieldSetOf, fieldSetOfPaths, type SelectionMap } from '../../supergraph/sources/selection-map';
import type { SourceField } from '../../supergraph/sources/source-schema';
import type { Owners } from './owners';
import { type SourceDraft, use } from './source-draft';

/** Adds what a field needs of other subgraphs: `@external`, and `@requires` of the field. */
export function addRequirements(
  draft: SourceDraft,
  type: string,
  { name, arguments: args }: SourceField,
): void {
  const { source, types, owners } = draft;
  const fields = types.get(type)?.fields;
  const field = fields?.get(name);
  if (field === undefined) return;
  const foreign = [...args.values()].flatMap(({ require: map }) => {
    const steps = map === undefined ? [] : [...stepsOf(map, type, owners)];
    const isOwn = steps.every((step) => source.types.get(step.type)?.fields.has(step.field.name.value));
    if (!isOwn) for (const step of steps) addExternal(draft, step);
    return isOwn ? [] : map!;
  });
  if (foreign.length === 0) return;
  const all = fieldSetOf(foreign);
  // What the source has itself is in the representation if it is of the key.
  const isExternal = (path: readonly string[]): boolean => {
    let at = types.get(type);
    return path.some((step) => {
      const one = at?.fields.get(step);
      at = one && types.get(namedTypeOf(one.type));
      return one !== undefined && directive(one, 'external') !== undefined;
    });
  };
  const needed = all.includes('...') ? all : fieldSetOfPaths(readKey(all).filter(isExternal));
  const directives = [...(field.directives ?? []), use('requires', field.loc, { fields: needed })];
  fields!.set(name, { ...field, directives });
}

interface Step {
  readonly type: string;
  readonly field: FieldDefinitionNode;
}

function addExternal(draft: SourceDraft, { type, field }: Step): void {
  addForeignType(draft, type);
  const { fields } = draft.types.get(type)!;
  const { description: _description, ...rest } = field;
  if (!fields.has(field.name.value))
    fields.set(field.name.value, { ...rest, directives: [use('external', field.loc)] });
  addForeignType(draft, namedTypeOf(field.type));
}

/** The fields that a map selects, of the subgraphs that have them. Others were reported. */
function* stepsOf(map: SelectionMap, scope: string, owners: Owners): Iterable<Step> {
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

function addForeignType({ types, rest, owners }: SourceDraft, name: string): void {
  const node = owners.type(name);
  const isThere = types.has(name) || rest.some((each) => 'name' in each && each.name.value === name);
  if (node === undefined || isThere) return;
  if (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION)
    types.set(name, { node: { ...node, interfaces: [], directives: [] }, fields: new Map() });
  else rest.push({ ...node, directives: [] });
}
