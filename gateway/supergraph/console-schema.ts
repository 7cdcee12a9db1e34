/**
 * The schema browser: what a supergraph declares of its types, and who uses them. It only reads, so a thread can run it. Over 300
 * lines: each kind of type is described in its own way.
 */
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  parse,
  print,
  type SelectionSetNode,
  type StringValueNode,
  type TypeDefinitionNode,
} from 'graphql';
import { applied, namedTypeOf } from '../../schema/supergraph/sdl';
import type { SchemaField, SchemaType } from '../console/api';

/** What clients have used, as a registry counts it. */
export interface SchemaUsage {
  readonly requests: number;
  /** The first day that counts, such as `2026-11-25`; undefined before the first request. */
  readonly firstDay: string | undefined;
  readonly days: number;
  /** On how many days requests must have been counted before what no client has used may be deleted. */
  readonly neededDays: number;
  readonly coordinates: ReadonlyMap<string, CoordinateUsage>;
}

export interface CoordinateUsage {
  readonly requests: number;
  readonly lastDay: string;
  /** The most frequent first. */
  readonly clients: readonly {
    readonly client: string;
    readonly version: string;
    readonly requests: number;
    readonly lastDay: string;
  }[];
  /** The most used first. */
  readonly operations: readonly { readonly name: string; readonly requests: number }[];
}

/** Clients of all fields together, about 100 bytes each; where there are more, each field names a few. */
const mostUses = 100_000;
const fewClients = 5;
const mostOperations = 10;

/**
 * Describes the types of a supergraph, by name, without those of its machinery.
 *
 * @param supergraphSdl valid
 * @param usage undefined where nobody counts it
 */
export function describeTypes(supergraphSdl: string, usage?: SchemaUsage): SchemaType[] {
  const { definitions } = parse(supergraphSdl, { noLocation: true });
  const names = subgraphNames(definitions);
  const types = definitions.filter(isOwnType);
  const needed = usage === undefined ? undefined : neededIn(types, names);
  const mostClients = isCrowded(usage) ? fewClients : Infinity;
  return types
    .map((type) => describeType(type, { names, usage, mostClients, needed }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface SchemaFacts {
  /** The names of subgraphs by their values of `join__Graph`. */
  readonly names: ReadonlyMap<string, string>;
  readonly usage: SchemaUsage | undefined;
  /** How many clients a field names. */
  readonly mostClients: number;
  /** Why a field cannot be deleted, by coordinate. */
  readonly needed: ReadonlyMap<string, string> | undefined;
}

function isCrowded(usage: SchemaUsage | undefined): boolean {
  let uses = 0;
  for (const { clients } of usage?.coordinates.values() ?? []) uses += clients.length;
  return uses > mostUses;
}

/** Types of subgraphs are joined (join specification, `@join__type`); those of the machinery are not. */
const isOwnType = (definition: DefinitionNode): definition is TypeDefinitionNode =>
  isTypeDefinitionNode(definition) && applied(definition, 'join__type').length > 0;

function subgraphNames(definitions: readonly DefinitionNode[]): Map<string, string> {
  const graphs = definitions.flatMap((definition) =>
    definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph'
      ? (definition.values ?? [])
      : [],
  );
  return new Map(
    graphs.map((graph) => [graph.name.value, String(applied(graph, 'join__graph')[0]?.['name'])]),
  );
}

function describeType(type: TypeDefinitionNode, known: SchemaFacts): SchemaType {
  const { names } = known;
  const joins = applied(type, 'join__type');
  const owners = unique(joins.map(({ graph }) => names.get(String(graph))!));
  const keys = new Map<string, string[]>();
  for (const { key, graph } of joins)
    if (typeof key === 'string') keys.set(key, [...(keys.get(key) ?? []), names.get(String(graph))!]);
  return {
    ...{ name: type.name.value, kind: kinds[type.kind], owners },
    ...described(type),
    ...(keys.size > 0 && { keys: Array.from(keys, ([fields, of]) => ({ fields, owners: of })) }),
    ...('interfaces' in type &&
      type.interfaces.length > 0 && { interfaces: type.interfaces.map(({ name }) => name.value) }),
    directives: directivesOf(type, names, owners),
    fields: membersOf(type, owners, known),
  };
}

const kinds = {
  [Kind.OBJECT_TYPE_DEFINITION]: 'object',
  [Kind.INTERFACE_TYPE_DEFINITION]: 'interface',
  [Kind.UNION_TYPE_DEFINITION]: 'union',
  [Kind.ENUM_TYPE_DEFINITION]: 'enum',
  [Kind.INPUT_OBJECT_TYPE_DEFINITION]: 'input',
  [Kind.SCALAR_TYPE_DEFINITION]: 'scalar',
} as const;

function membersOf(type: TypeDefinitionNode, owners: readonly string[], known: SchemaFacts): SchemaField[] {
  switch (type.kind) {
    case Kind.SCALAR_TYPE_DEFINITION:
      return [];
    case Kind.UNION_TYPE_DEFINITION: {
      const joins = applied(type, 'join__unionMember');
      return (type.types ?? []).map(({ name: { value: name } }) => {
        const own = joins.filter(({ member }) => member === name);
        return { name, type: '', owners: ownersBy(own, owners, known), directives: [] };
      });
    }
    case Kind.ENUM_TYPE_DEFINITION:
      return (type.values ?? []).map((value) => ({
        ...{ name: value.name.value, type: '', ...described(value) },
        ...deprecationOf(value),
        owners: ownersBy(applied(value, 'join__enumValue'), owners, known),
        directives: directivesOf(value, known.names, owners),
        ...usageOf(`${type.name.value}.${value.name.value}`, known),
      }));
    default:
      return (type.fields ?? []).map((field) => describeField(type.name.value, field, owners, known));
  }
}

function describeField(
  type: string,
  field: FieldDefinitionNode | InputValueDefinitionNode,
  ofType: readonly string[],
  known: SchemaFacts,
): SchemaField {
  const joins = applied(field, 'join__field');
  const resolving = joins.filter(
    ({ external, usedOverridden }) => external !== true && usedOverridden !== true,
  );
  const args = 'arguments' in field ? (field.arguments ?? []) : [];
  return {
    ...{ name: field.name.value, type: print(field.type), ...described(field) },
    ...(args.length > 0 && { args: args.map((argument) => print(bare(argument))).join(', ') }),
    ...deprecationOf(field),
    owners: ownersBy(joins.length > 0 ? resolving : [], joins.length > 0 ? [] : ofType, known),
    directives: [...joinedDirectives(joins, known.names), ...directivesOf(field, known.names, ofType)],
    ...usageOf(`${type}.${field.name.value}`, known),
  };
}

const bare = ({ kind, name, type, defaultValue }: InputValueDefinitionNode): InputValueDefinitionNode => ({
  ...{ kind, name, type },
  ...(defaultValue && { defaultValue }),
});

/** The subgraphs of joins; where there are none, those of all. */
const ownersBy = (
  joins: readonly Record<string, unknown>[],
  all: readonly string[],
  { names }: SchemaFacts,
): string[] =>
  joins.length === 0 ? [...all] : unique(joins.flatMap(({ graph }) => names.get(String(graph)) ?? []));

const described = ({ description }: { readonly description?: StringValueNode | undefined }) =>
  description === undefined ? {} : { description: description.value };

function deprecationOf(element: { readonly directives?: readonly ConstDirectiveNode[] | undefined }) {
  const [deprecated] = applied(element, 'deprecated');
  if (deprecated === undefined) return {};
  const { reason } = deprecated;
  return { deprecated: typeof reason === 'string' ? reason : 'No longer supported' };
}

/** What subgraphs declare of a field for the planner, such as `@requires(fields: "price") in inventory`. */
const joinedDirectives = (
  joins: readonly Record<string, unknown>[],
  names: ReadonlyMap<string, string>,
): string[] =>
  joins.flatMap(({ graph, requires, provides, override, external }) => {
    const where = ` in ${names.get(String(graph))}`;
    const fields = (name: string, given: unknown) =>
      typeof given === 'string' ? [`@${name}(fields: ${JSON.stringify(given)})${where}`] : [];
    return [
      ...fields('requires', requires),
      ...fields('provides', provides),
      ...(typeof override === 'string' ? [`@override(from: ${JSON.stringify(override)})${where}`] : []),
      ...(external === true ? [`@external${where}`] : []),
    ];
  });

/** All other directives. Composition writes some as `@join__directive`. */
function directivesOf(
  { directives = [] }: { readonly directives?: readonly ConstDirectiveNode[] | undefined },
  names: ReadonlyMap<string, string>,
  owners: readonly string[],
): string[] {
  return directives.flatMap((directive) => {
    const name = directive.name.value;
    if (name === 'join__directive') return joinedDirective(directive, names, owners);
    return name.startsWith('join__') || name === 'deprecated' ? [] : [print(directive)];
  });
}

function joinedDirective(
  directive: ConstDirectiveNode,
  names: ReadonlyMap<string, string>,
  owners: readonly string[],
): string[] {
  const [{ name, graphs } = {}] = applied({ directives: [directive] }, 'join__directive');
  const args = directive.arguments?.find((argument) => argument.name.value === 'args')?.value;
  const given =
    args?.kind === Kind.OBJECT && args.fields.length > 0
      ? `(${args.fields.map((field) => print(field)).join(', ')})`
      : '';
  const of = (Array.isArray(graphs) ? graphs : []).map((graph) => names.get(String(graph)));
  const where = of.length === owners.length ? '' : ` in ${of.join(', ')}`;
  return [`@${String(name).replace(/^federation__/, '')}${given}${where}`];
}

/** Who uses a field, and whether it may be deleted; empty where use is not counted. */
function usageOf(
  coordinate: string,
  { usage, needed, mostClients }: SchemaFacts,
): Pick<SchemaField, 'usage' | 'mayBeDeleted'> {
  if (usage === undefined) return {};
  const use = usage.coordinates.get(coordinate);
  const reason = needed!.get(coordinate);
  if (use === undefined) return { mayBeDeleted: reasonFor(reason, usage) };
  const { requests, lastDay, clients, operations } = use;
  return {
    usage: {
      ...{ requests, lastSeen: lastDay },
      clients: clients.slice(0, mostClients).map(({ client, version, requests, lastDay }) => ({
        ...{ name: client, version, requests, lastSeen: lastDay },
      })),
      others: Math.max(0, clients.length - mostClients),
      operations: operations.slice(0, mostOperations),
      otherOperations: Math.max(0, operations.length - mostOperations),
    },
    mayBeDeleted: {
      yes: false,
      why: `Clients use it: ${requests === 1 ? 'one request' : `${requests} requests`} since ${usage.firstDay}, the last on ${lastDay}.`,
    },
  };
}

function reasonFor(
  reason: string | undefined,
  { firstDay, days, neededDays }: SchemaUsage,
): { yes: boolean; why: string } {
  if (firstDay === undefined)
    return { yes: false, why: 'No request was counted yet, so it is not known who uses it.' };
  if (reason !== undefined) return { yes: false, why: reason };
  const unused = `No client has used it since ${firstDay}`;
  const counted = `requests were counted on ${days === 1 ? 'one day' : `${days} days`}`;
  return days < neededDays
    ? { yes: false, why: `${unused}, but ${counted} only: ${neededDays} are needed.` }
    : { yes: true, why: `${unused}: ${counted}.` };
}

/** What the graph itself needs, by coordinate, with a sentence. */
function neededIn(
  types: readonly TypeDefinitionNode[],
  names: ReadonlyMap<string, string>,
): Map<string, string> {
  const needed = new Map<string, string>();
  const byName = new Map(types.map((type) => [type.name.value, type]));
  const fieldsOf = (type: TypeDefinitionNode | undefined): readonly FieldDefinitionNode[] =>
    type?.kind === Kind.OBJECT_TYPE_DEFINITION || type?.kind === Kind.INTERFACE_TYPE_DEFINITION
      ? (type.fields ?? [])
      : [];
  const need = (type: string, { selections }: SelectionSetNode, why: string): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        need(selection.typeCondition?.name.value ?? type, selection.selectionSet, why);
        continue;
      }
      const coordinate = `${type}.${selection.name.value}`;
      if (!needed.has(coordinate)) needed.set(coordinate, why);
      const field = fieldsOf(byName.get(type)).find(({ name }) => name.value === selection.name.value);
      if (selection.selectionSet !== undefined && field !== undefined)
        need(namedTypeOf(field.type), selection.selectionSet, why);
    }
  };
  const needFields = (type: string, fields: unknown, why: string): void => {
    if (typeof fields === 'string') need(type, fieldSet(fields), why);
  };

  for (const type of types) {
    const name = type.name.value;
    for (const { key, graph } of applied(type, 'join__type'))
      needFields(name, key, `It is in the key \`${String(key)}\` of ${names.get(String(graph))}.`);
    for (const field of fieldsOf(type)) {
      const coordinate = `${name}.${field.name.value}`;
      for (const { requires, provides, graph } of applied(field, 'join__field')) {
        const subgraph = names.get(String(graph));
        needFields(name, requires, `\`${coordinate}\` of ${subgraph} requires it.`);
        needFields(namedTypeOf(field.type), provides, `\`${coordinate}\` of ${subgraph} provides it.`);
      }
    }
    if ('interfaces' in type)
      for (const { name: implemented } of type.interfaces ?? [])
        for (const field of fieldsOf(byName.get(implemented.value)))
          needed.set(`${name}.${field.name.value}`, `The interface \`${implemented.value}\` has it.`);
    const members = 'fields' in type ? type.fields : 'values' in type ? type.values : [];
    if (members.length === 1) {
      const only = `${name}.${members[0]!.name.value}`;
      if (!needed.has(only)) needed.set(only, `\`${name}\` has nothing else.`);
    }
  }

  for (const type of types)
    for (const field of fieldsOf(type)) {
      const answered = byName.get(namedTypeOf(field.type));
      if (answered?.kind === Kind.ENUM_TYPE_DEFINITION)
        for (const value of answered.values ?? [])
          needed.set(
            `${answered.name.value}.${value.name.value}`,
            'Answers may have it, and nobody counts which values they have.',
          );
    }
  return needed;
}

/** A field set of Federation, such as `id organization { id }`. */
function fieldSet(fields: string): SelectionSetNode {
  const [definition] = parse(`{ ${fields} }`, { noLocation: true }).definitions;
  return (definition as { readonly selectionSet: SelectionSetNode }).selectionSet;
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
