/** Subscription fields whose source is events rather than a subgraph. */
import { type DocumentNode, type FieldDefinitionNode, isTypeDefinitionNode, Kind } from 'graphql';
import { readKey } from '../../schema/supergraph/key-paths';
import { type Selection } from './selections';
import { type IndexedKey, type IndexedType } from './supergraph-index';
import {
  addKey,
  type EditableIndex,
  joinIn,
  type MutableField,
  type MutableType,
} from './supergraph-index/editable-index';

/** A subscription field whose source is events rather than a subgraph. Plain data: it crosses threads. */
export interface EventField {
  /** The fields of the key that events have, as paths: `org.id`. */
  readonly key: readonly string[];
  /** The arguments that its filter names. */
  readonly arguments: readonly string[];
}

/** By their names in the subscription type. */
export type EventFields = Readonly<Record<string, EventField>>;

/** What the options name of a field, and the supergraph does not have. */
export interface EventFieldProblem {
  readonly field: string;
  /** The member of the option; undefined for the whole. */
  readonly member: 'key' | 'filter' | undefined;
  /** What follows the name of the option. */
  readonly message: string;
}

/** The subgraph that events stand for in a supergraph. Nobody calls it. */
export const eventsSubgraph = 'weir-events';

/**
 * Makes events a subgraph of the supergraph: it has these fields of the subscription type, and of their types nothing but a
 * key. So a plan fetches everything else by that key, from whatever subgraph has it. Fields with a problem stay as they are.
 */
export function addEventFields(
  index: EditableIndex,
  { definitions }: DocumentNode,
  fields: EventFields,
): readonly EventFieldProblem[] {
  const root = index.types.get(index.roots.subscription);
  const named = definitions.find((node) => isTypeDefinitionNode(node) && node.name.value === root?.name);
  const known = (named?.kind === Kind.OBJECT_TYPE_DEFINITION && named.fields) || [];
  const problems: EventFieldProblem[] = [];
  const events = index.subgraphs.length;
  for (const [name, eventField] of Object.entries(fields)) {
    const definition = known.find((each) => each.name.value === name);
    const field = root?.fields.get(name);
    const found =
      definition && field ? problemsOf(eventField, field, definition, index) : [unknown(name, known)];
    problems.push(...found);
    if (found.length === 0) feed(index, events, field!, eventField.key);
  }
  if (root === undefined || index.subgraphs.length === events) return problems;
  joinIn(root, events);
  const left = new Set([...root.fields.values()].flatMap(({ joins }) => [...joins.keys()]));
  for (const subgraph of root.joins.keys()) if (!left.has(subgraph)) root.joins.delete(subgraph);
  return problems;
}

function unknown(field: string, known: readonly FieldDefinitionNode[]): EventFieldProblem {
  const names = known.map(({ name }) => name.value).join(', ');
  const message = `is no field of the subscription type of the supergraph${names === '' ? '' : `, which has ${names}`}.`;
  return { field, member: undefined, message };
}

function problemsOf(
  { key, arguments: used }: EventField,
  { joins, name: field, namedType, type }: MutableField,
  definition: FieldDefinitionNode,
  { types }: EditableIndex,
): EventFieldProblem[] {
  const object = types.get(namedType);
  if (type.includes('[') || object?.kind !== 'object') {
    const message = `must be a field of one object with a key, but is of type ${type}.`;
    return [{ field, member: undefined, message }];
  }
  const problems: EventFieldProblem[] = [];
  const keys = keysOf(joins, object);
  if (!keys.some(({ paths }) => isSame(paths, key))) {
    const all = [...new Set(keys.map(({ paths }) => paths.join(' and ')))].join(', or ');
    const message = `must have ${all || 'a key, but has none'}: a key by which the subgraph of the field finds a ${namedType}.`;
    problems.push({ field, member: 'key', message });
  }
  const names = (definition.arguments ?? []).map(({ name }) => name.value);
  for (const name of used)
    if (!names.includes(name)) {
      const message = `names the argument ${name}, but the field has ${names.join(', ') || 'none'}.`;
      problems.push({ field, member: 'filter', message });
    }
  return problems;
}

/** The keys by which the subgraphs of a field find its object, with the paths of their fields. */
const keysOf = (
  owners: MutableField['joins'],
  { joins }: IndexedType,
): readonly (IndexedKey & { readonly paths: readonly string[] })[] =>
  [...joins]
    .flatMap(([subgraph, { keys }]) => (owners.has(subgraph) ? keys : []))
    .filter(({ isResolvable }) => isResolvable)
    .map((key) => ({ ...key, paths: readKey(key.text).map((path) => path.join('.')) }));

const isSame = (paths: readonly string[], others: readonly string[]): boolean =>
  paths.length === others.length && paths.every((path) => others.includes(path));

/** Makes events the only subgraph of a field, and gives them the key of its object, which they need not resolve. */
function feed(index: EditableIndex, events: number, field: MutableField, paths: EventField['key']): void {
  index.subgraphs[events] ??= { graph: eventsSubgraph, name: eventsSubgraph, url: '' };
  const type = index.types.get(field.namedType)!;
  const key = keysOf(field.joins, type).find((each) => isSame(each.paths, paths))!;
  field.joins = new Map();
  joinField(field, events);
  const join = joinIn(type, events);
  // Another field may have given it the same key.
  if (join.keys.some(({ text }) => text === key.text)) return;
  addKey(join, { ...key, isResolvable: false });
  addFields(key.selection, type);

  function addFields(selection: Selection, to: MutableType): void {
    joinIn(to, events);
    for (const item of selection) {
      if (item.kind === 'fragment') continue;
      const below = to.fields.get(item.name)!;
      joinField(below, events);
      if (item.selection !== undefined) addFields(item.selection, index.types.get(below.namedType)!);
    }
  }
}

function joinField(field: MutableField, subgraph: number): void {
  const { joins, namedType, type } = field;
  const plain = { isExternal: false, overridden: false, requires: undefined, provides: undefined };
  if (!joins.has(subgraph))
    field.joins = new Map(joins).set(subgraph, { type, namedType, ...plain, contextArguments: [], text: '' });
}
