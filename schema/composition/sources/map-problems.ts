/** Rules for selection maps (GraphQL Federation specification, appendix A, section "Validation"). */
import { type InputObjectTypeDefinitionNode, Kind, type TypeNode } from 'graphql';
import { namedTypeOf, nullable, typeText } from '../../supergraph/sdl';
import type { Path, SelectionMap } from '../../supergraph/sources/selection-map';

/** The types that a map reads and makes. */
export interface MapTypes {
  /** The type of a field; undefined if the type has no such field. */
  fieldType(type: string, field: string): TypeNode | undefined;
  /** The object types that an object, interface or union may be; undefined for other types. */
  possibleTypes(type: string): readonly string[] | undefined;
  input(type: string): Pick<InputObjectTypeDefinitionNode, 'fields' | 'directives'> | undefined;
}

/** What is wrong with a map that makes a value of type `input` of one of type `output`. */
export function* mapProblems(
  map: SelectionMap,
  output: TypeNode,
  input: TypeNode,
  types: MapTypes,
): Iterable<string> {
  if (map.kind === 'choice') {
    for (const each of map.of) yield* mapProblems(each, output, input, types);
    return;
  }
  const end = endOf(map.path, output, types);
  if (typeof end === 'string') yield end;
  else if (map.kind === 'path') yield* leafProblems(map.path, end, input, types);
  else if (map.kind === 'list') {
    const [from, to] = [nullable(end), nullable(input)];
    if (from.kind !== Kind.LIST_TYPE)
      yield `${quoted(map.path)} is \`${typeText(end)}\`, and no list: leave out [ ].`;
    else if (to.kind !== Kind.LIST_TYPE) yield `[ ] makes a list, but needed is \`${typeText(input)}\`.`;
    else yield* mapProblems(map.item, from.type, to.type, types);
  } else yield* objectProblems(map, end, input, types);
}

function* leafProblems(path: Path, end: TypeNode, input: TypeNode, types: MapTypes): Iterable<string> {
  const name = namedTypeOf(end);
  if (types.possibleTypes(name) !== undefined)
    yield `${quoted(path)} is of the type \`${name}\`, and no value: select its fields.`;
  else if (types.input(namedTypeOf(input)) !== undefined)
    yield `${quoted(path)} makes no \`${namedTypeOf(input)}\`: name each of its fields, in { }.`;
  else if (!isAccepted(end, input))
    yield `${quoted(path)} is \`${typeText(end)}\`, but needed is \`${typeText(input)}\`.`;
}

function* objectProblems(
  map: Extract<SelectionMap, { kind: 'object' }>,
  end: TypeNode,
  input: TypeNode,
  types: MapTypes,
): Iterable<string> {
  const [from, to] = [nullable(end), nullable(input)];
  const definition = to.kind === Kind.NAMED_TYPE ? types.input(to.name.value) : undefined;
  if (from.kind === Kind.LIST_TYPE) {
    yield `${quoted(map.path)} is \`${typeText(end)}\`: write [{ }] for its items.`;
    return;
  }
  if (definition === undefined) {
    yield `{ } makes an object, but needed is \`${typeText(input)}\`.`;
    return;
  }
  const fields = new Map((definition.fields ?? []).map((field) => [field.name.value, field]));
  const seen = new Set<string>();
  for (const { name, value } of map.fields) {
    const field = fields.get(name);
    if (seen.has(name)) yield `\`${name}\` is there twice.`;
    else if (field === undefined) yield `\`${namedTypeOf(to)}\` has no field \`${name}\`.`;
    else yield* mapProblems(value, from, field.type, types);
    seen.add(name);
  }
  if (definition.directives?.some(({ name }) => name.value === 'oneOf') && seen.size > 1)
    yield `\`${namedTypeOf(to)}\` is @oneOf, and takes one field: write alternatives with |.`;
  for (const [name, { type, defaultValue }] of fields)
    if (type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined && !seen.has(name))
      yield `\`${namedTypeOf(to)}.${name}\` is \`${typeText(type)}\`, and must be there.`;
}

/** The type at the end of a path; text: why there is none. */
function endOf(path: Path, output: TypeNode, types: MapTypes): TypeNode | string {
  let type = output;
  for (const [index, { kind, name }] of path.entries()) {
    const at = nullable(type);
    if (at.kind === Kind.LIST_TYPE)
      return `${quoted(path.slice(0, index))} is \`${typeText(type)}\`: select from its items with [ ].`;
    const parent = namedTypeOf(at);
    const possible = types.possibleTypes(parent);
    if (possible === undefined)
      return `${quoted(path.slice(0, index))} is \`${typeText(type)}\`, and has no fields.`;
    if (kind === 'type') {
      if (!types.possibleTypes(name)?.some((each) => possible.includes(each)))
        return `\`${parent}\` is never of the type \`${name}\`.`;
      type = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } };
      continue;
    }
    const field = types.fieldType(parent, name);
    if (field === undefined) return `\`${parent}\` has no field \`${name}\`.`;
    type = field;
  }
  return type;
}

/** Whether values of one leaf type, or lists of it, may be given for another. Nullability is that of the values. */
function isAccepted(output: TypeNode, input: TypeNode): boolean {
  const [from, to] = [nullable(output), nullable(input)];
  if (from.kind === Kind.LIST_TYPE || to.kind === Kind.LIST_TYPE)
    return from.kind === Kind.LIST_TYPE && to.kind === Kind.LIST_TYPE && isAccepted(from.type, to.type);
  const [leaf, needed] = [namedTypeOf(from), namedTypeOf(to)];
  return leaf === needed || accepted[leaf]?.includes(needed) === true;
}

/** IDs are what the source calls them, in text: `5` is sent as the number to a source that takes numbers. */
const accepted: Readonly<Record<string, readonly string[]>> = {
  ID: ['String', 'Int', 'Long'],
  String: ['ID'],
  Int: ['Float', 'Long'],
};

const quoted = (path: Path): string =>
  path.length === 0
    ? 'The object'
    : `\`${path.reduce((text, { kind, name }) => (kind === 'type' ? `${text}<${name}>` : (text && `${text}.${name}`) || name), '')}\``;
