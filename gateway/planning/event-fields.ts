import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  type InputObjectTypeDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  OperationTypeNode,
  parse,
  print,
  type ScalarTypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import { readKey } from '../cache/tag-formats';
import { applied, namedTypeOf } from '../../schema/supergraph/sdl';

/** A subscription field whose source is events rather than a subgraph. Plain data: it crosses threads. */
export interface EventField {
  /** The fields of the key that events have, as paths: `org.id`. */
  readonly key: readonly string[];
  /** The arguments that its filter names. */
  readonly arguments: readonly string[];
}

/** By their names in the subscription type. */
export type EventFields = Readonly<Record<string, EventField>>;

/** What the options say of a field, and the supergraph does not have. */
export interface EventFieldProblem {
  readonly field: string;
  /** The member of the option; undefined for the whole. */
  readonly member: 'key' | 'filter' | undefined;
  /** What follows the name of the option. */
  readonly says: string;
}

/** The subgraph that events stand for in a supergraph. Nobody calls it. */
export const eventsSubgraph = 'weir-events';
const graph = 'WEIR_EVENTS';

/**
 * Makes events a subgraph of the supergraph: it has these fields of the subscription type, and of their types nothing but a
 * key. So a plan fetches everything else by that key, from whatever subgraph has it. Fields with a problem stay as they are.
 */
export function withEventFields(
  supergraph: DocumentNode,
  fields: EventFields,
): { readonly supergraph: DocumentNode; readonly problems: readonly EventFieldProblem[] } {
  if (Object.keys(fields).length === 0) return { supergraph, problems: [] };
  const types = new Types(supergraph.definitions);
  const problems: EventFieldProblem[] = [];
  const root = types.object(types.subscription);
  const fed = Object.entries(fields).flatMap(([name, field]) => {
    const definition = root?.fields?.find((each) => each.name.value === name);
    const found =
      definition === undefined ? [unknown(name, root)] : problemsOf(name, field, definition, types);
    problems.push(...found);
    return definition === undefined || found.length > 0 ? [] : [{ definition, field }];
  });
  if (root === undefined || fed.length === 0) return { supergraph, problems };
  types.addGraph();
  types.feed(root, new Set(fed.map(({ definition }) => definition.name.value)));
  for (const { definition, field } of fed) {
    types.addKey(namedTypeOf(definition.type), field.key);
    for (const { type } of definition.arguments ?? []) types.addInput(namedTypeOf(type));
  }
  return { supergraph: { ...supergraph, definitions: types.definitions }, problems };
}

function unknown(field: string, root: ObjectTypeDefinitionNode | undefined): EventFieldProblem {
  const known = (root?.fields ?? []).map(({ name }) => name.value).join(', ');
  const says = `is no field of the subscription type of the supergraph${known === '' ? '' : `, which has ${known}`}.`;
  return { field, member: undefined, says };
}

function problemsOf(
  field: string,
  { key, arguments: used }: EventField,
  definition: FieldDefinitionNode,
  types: Types,
): EventFieldProblem[] {
  const type = namedTypeOf(definition.type);
  const object = types.object(type);
  if (isList(definition.type) || object === undefined)
    return [
      {
        field,
        member: undefined,
        says: `must be a field of one object with a key, but is of type ${print(definition.type)}.`,
      },
    ];
  const owners = applied(definition, 'join__field').map(({ graph: of }) => of);
  const keys = applied(object, 'join__type').filter(
    ({ graph: of, key: fields, resolvable }) =>
      typeof fields === 'string' && resolvable !== false && (owners.length === 0 || owners.includes(of)),
  );
  const readable = keys.map(({ key: fields }) => readKey(String(fields)).map((path) => path.join('.')));
  const fits = readable.some(
    (each) => each.length === key.length && each.every((path) => key.includes(path)),
  );
  const all = [...new Set(readable.map((each) => each.join(' and ')))].join(', or ') || 'a key, but has none';
  const says = `must have ${all}: a key by which the subgraph of the field finds a ${type}.`;
  const names = (definition.arguments ?? []).map(({ name }) => name.value);
  const known = names.length === 0 ? 'none' : names.join(', ');
  const unknownNames = used.filter((name) => !names.includes(name));
  return [
    ...(fits ? [] : [{ field, member: 'key' as const, says }]),
    ...unknownNames.map((name) => ({
      field,
      member: 'filter' as const,
      says: `names the argument ${name}, but the field has ${known}.`,
    })),
  ];
}

type Definition =
  | ObjectTypeDefinitionNode
  | InputObjectTypeDefinitionNode
  | EnumTypeDefinitionNode
  | ScalarTypeDefinitionNode;

/** The definitions of a supergraph, while they change. */
class Types {
  readonly subscription: string;
  readonly #definitions: DefinitionNode[];
  readonly #byName = new Map<string, number>();

  constructor(definitions: readonly DefinitionNode[]) {
    this.#definitions = [...definitions];
    let subscription = 'Subscription';
    definitions.forEach((definition, i) => {
      if (isTypeDefinitionNode(definition)) this.#byName.set(definition.name.value, i);
      if (definition.kind !== Kind.SCHEMA_DEFINITION) return;
      const named = definition.operationTypes.find(
        ({ operation }) => operation === OperationTypeNode.SUBSCRIPTION,
      );
      if (named !== undefined) subscription = named.type.name.value;
    });
    this.subscription = subscription;
  }

  get definitions(): readonly DefinitionNode[] {
    return this.#definitions;
  }

  object(name: string): ObjectTypeDefinitionNode | undefined {
    const found = this.#definitions[this.#byName.get(name) ?? -1];
    return found?.kind === Kind.OBJECT_TYPE_DEFINITION ? found : undefined;
  }

  addGraph(): void {
    const [value] = (
      parse(`enum E { ${graph} @join__graph(name: "${eventsSubgraph}", url: "") }`, options)
        .definitions[0] as EnumTypeDefinitionNode
    ).values!;
    this.#replace<EnumTypeDefinitionNode>('join__Graph', (graphs) => ({
      ...graphs,
      values: [...(graphs.values ?? []), value!],
    }));
  }

  /** Has fields of the subscription type come from events. */
  feed(root: ObjectTypeDefinitionNode, names: ReadonlySet<string>): void {
    const explicit = this.#withOwners(root);
    const fields = explicit.fields!.map((field) =>
      names.has(field.name.value)
        ? {
            ...field,
            directives: [
              ...others(field.directives, 'join__field'),
              directive(`@join__field(graph: ${graph})`),
            ],
          }
        : field,
    );
    const left = new Set(fields.flatMap((field) => applied(field, 'join__field').map(({ graph: of }) => of)));
    const joins = (root.directives ?? []).filter(
      (each) =>
        each.name.value !== 'join__type' ||
        left.has(applied({ directives: [each] }, 'join__type')[0]!['graph']),
    );
    this.#set({ ...root, fields, directives: [...joins, directive(`@join__type(graph: ${graph})`)] });
  }

  /** Gives events a key of an object type. @param paths its fields */
  addKey(name: string, paths: readonly string[], isNested = false): void {
    const explicit = this.#withOwners(this.object(name)!);
    const below = new Map<string, string[]>();
    for (const path of paths) {
      const [first, ...rest] = path.split('.') as [string, ...string[]];
      below.set(first, [...(below.get(first) ?? []), ...(rest.length === 0 ? [] : [rest.join('.')])]);
    }
    const text = isNested
      ? `@join__type(graph: ${graph})`
      : `@join__type(graph: ${graph}, key: ${JSON.stringify(selection(paths))}, resolvable: false)`;
    const join = directive(text);
    // Another field may have given it the same key.
    const has = explicit.directives!.some((each) => print(each) === print(join));
    this.#set({
      ...explicit,
      directives: has ? explicit.directives! : [...explicit.directives!, join],
      fields: explicit.fields!.map((field) =>
        !below.has(field.name.value) || isOf(field.directives)
          ? field
          : { ...field, directives: [...field.directives!, directive(`@join__field(graph: ${graph})`)] },
      ),
    });
    for (const [field, rest] of below) {
      const type = namedTypeOf(explicit.fields!.find((each) => each.name.value === field)!.type);
      if (rest.length > 0) this.addKey(type, rest, true);
      else this.addInput(type);
    }
  }

  /** Has events know a scalar, an enum or an input type, and all that is in it. */
  addInput(name: string): void {
    const found = this.#definitions[this.#byName.get(name) ?? -1] as Definition | undefined;
    // Those of GraphQL itself have no definition.
    if (found === undefined || isOf(found.directives)) return;
    const directives = [...(found.directives ?? []), directive(`@join__type(graph: ${graph})`)];
    if (found.kind === Kind.ENUM_TYPE_DEFINITION) {
      const values = (found.values ?? []).map((value) => ({
        ...value,
        directives: [...(value.directives ?? []), directive(`@join__enumValue(graph: ${graph})`)],
      }));
      this.#set({ ...found, directives, values });
    } else if (found.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) {
      const fields = (found.fields ?? []).map((field) =>
        applied(field, 'join__field').length === 0
          ? field
          : { ...field, directives: [...field.directives!, directive(`@join__field(graph: ${graph})`)] },
      );
      this.#set({ ...found, directives, fields });
      for (const { type } of found.fields ?? []) this.addInput(namedTypeOf(type));
    } else this.#set({ ...found, directives });
  }

  /** Fields without a subgraph are those of all subgraphs of their type: of one more, unless they name theirs. */
  #withOwners(type: ObjectTypeDefinitionNode): ObjectTypeDefinitionNode {
    const graphs = new Set(applied(type, 'join__type').map(({ graph: of }) => String(of)));
    graphs.delete(graph);
    const owners = Array.from(graphs, (of) => directive(`@join__field(graph: ${of})`));
    const fields = (type.fields ?? []).map((field) =>
      applied(field, 'join__field').length > 0
        ? field
        : { ...field, directives: [...(field.directives ?? []), ...owners] },
    );
    return { ...type, directives: type.directives ?? [], fields };
  }

  #set(definition: Definition): void {
    this.#definitions[this.#byName.get(definition.name.value)!] = definition;
  }

  #replace<Kind extends Definition>(name: string, change: (definition: Kind) => Kind): void {
    this.#set(change(this.#definitions[this.#byName.get(name)!] as Kind));
  }
}

const options = { noLocation: true };

/** A directive that is applied, of its text. */
function directive(text: string): ConstDirectiveNode {
  const [definition] = parse(`scalar S ${text}`, options).definitions;
  return (definition as ScalarTypeDefinitionNode).directives![0]!;
}

const others = (directives: readonly ConstDirectiveNode[] = [], name: string): ConstDirectiveNode[] =>
  directives.filter((each) => each.name.value !== name);

/** Whether events have it already. */
const isOf = (directives: readonly ConstDirectiveNode[] = []): boolean =>
  ['join__type', 'join__field'].some((name) =>
    applied({ directives }, name).some(({ graph: of }) => of === graph),
  );

/** The field set of paths. */
function selection(paths: readonly string[]): string {
  const names = [...new Set(paths.map((path) => path.split('.', 1)[0]!))];
  return names
    .map((name) => {
      const rest = paths
        .filter((path) => path.startsWith(`${name}.`))
        .map((path) => path.slice(name.length + 1));
      return rest.length === 0 ? name : `${name} { ${selection(rest)} }`;
    })
    .join(' ');
}

const isList = (type: TypeNode): boolean =>
  type.kind === Kind.LIST_TYPE || (type.kind === Kind.NON_NULL_TYPE && isList(type.type));
