/** Whether what keys, `requires` and `provides` of a supergraph select is there. */
import {
  type DefinitionNode,
  type FieldDefinitionNode,
  Kind,
  parse,
  parseType,
  type SelectionSetNode,
} from 'graphql';
import { applied, namedTypeOf } from './sdl';

/** By type, its fields and their named types: that of the supergraph, and those that subgraphs narrow it to. */
type Fields = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Undefined: the work can be left there. */
export function* fieldSetProblems(definitions: readonly DefinitionNode[]): Iterable<string | undefined> {
  const fields = yield* fieldsOf(definitions);
  const selections = new Map<string, SelectionSetNode | undefined>();
  const checked = new Set<string>();
  function* check(text: unknown, types: readonly string[], what: string): Iterable<string> {
    const id = `${what} ${String(text)}`;
    if (typeof text !== 'string' || checked.has(id)) return;
    checked.add(id);
    if (!selections.has(text)) selections.set(text, parsed(text));
    const selection = selections.get(text);
    if (selection === undefined) yield `${what} is no selection of fields: "${text}".`;
    else
      for (const missing of unknownFields(selection, types, fields))
        yield `${what} selects ${missing}, which does not exist: "${text}".`;
  }
  for (const node of definitions) {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const { value: type } = node.name;
    for (const { key } of applied(node, 'join__type')) yield* check(key, [type], `A key of ${type}`);
    for (const field of node.fields ?? []) {
      const where = `${type}.${field.name.value}`;
      for (const { requires, provides } of applied(field, 'join__field')) {
        yield* check(requires, [type], `What ${where} requires`);
        if (provides !== undefined) yield* check(provides, typesOf(field), `What ${where} provides`);
      }
    }
    yield undefined;
  }
}

function* fieldsOf(definitions: readonly DefinitionNode[]): Generator<undefined, Fields> {
  const types = new Map<string, Map<string, readonly string[]>>();
  for (const node of definitions) {
    if (node.kind === Kind.UNION_TYPE_DEFINITION) types.set(node.name.value, new Map());
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const fields = (node.fields ?? []).map((field) => [field.name.value, typesOf(field)] as const);
    types.set(node.name.value, new Map(fields));
    yield undefined;
  }
  return types;
}

const typesOf = (field: FieldDefinitionNode): string[] => [
  namedTypeOf(field.type),
  ...applied(field, 'join__field').flatMap(({ type }) =>
    typeof type === 'string' ? namedTypeOf(parseType(type, { noLocation: true })) : [],
  ),
];

function parsed(text: string): SelectionSetNode | undefined {
  try {
    const [node] = parse(/^\s*\{/.test(text) ? text : `{${text}}`, { noLocation: true }).definitions;
    return node?.kind === Kind.OPERATION_DEFINITION ? node.selectionSet : undefined;
  } catch {
    return undefined;
  }
}

function* unknownFields(
  { selections }: SelectionSetNode,
  types: readonly string[],
  fields: Fields,
): Iterable<string> {
  for (const selection of selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const on = selection.typeCondition === undefined ? types : [selection.typeCondition.name.value];
      if (on.some((type) => fields.has(type))) yield* unknownFields(selection.selectionSet, on, fields);
      else yield on[0]!;
      continue;
    }
    const { value: name } = selection.name;
    if (name === '__typename') continue;
    const below = types.flatMap((type) => fields.get(type)?.get(name) ?? []);
    if (below.length === 0) yield `${types[0]!}.${name}`;
    else if (selection.selectionSet) yield* unknownFields(selection.selectionSet, below, fields);
  }
}
