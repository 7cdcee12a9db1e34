/** What a cache needs to know of a supergraph. */
import { createHash } from 'node:crypto';
import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputValueDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  type TypeDefinitionNode,
  type TypeNode,
  type ValueNode,
} from 'graphql';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { remembered } from './maps';
import { type Annotated, applied, argumentsText, typeText, valueText } from '../../schema/supergraph/sdl';
import { isInterfaceObject, type SupergraphIndex } from './supergraph-index';

/** The facts of a supergraph that a cache needs to find the entities in an answer. Plain data: it crosses threads. */
export interface EntityFacts {
  readonly queryType: string;
  readonly mutationType: string;
  /** The type of each field with objects, by parent type and field name. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The object types of each interface and union. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
  /** The interfaces and unions of each object type. */
  readonly abstract: ReadonlyMap<string, readonly string[]>;
  /** The keys of each entity in all subgraphs, as field sets. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly subgraphs: ReadonlyMap<string, SubgraphFacts>;
}

export interface SubgraphFacts {
  /** A hash of the subgraph's part of the supergraph. */
  readonly fingerprint: string;
  /** The keys of its entities, as field sets. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** The interfaces that it defines as `@interfaceObject`. */
  readonly interfaceObjects: ReadonlySet<string>;
  /** The formats of `@cacheTag`, by type, and by field of the query type. */
  readonly typeTags: ReadonlyMap<string, readonly string[]>;
  readonly fieldTags: ReadonlyMap<string, readonly string[]>;
}

/** @param index of the same supergraph */
export function* entityFactsOf(
  { definitions }: DocumentNode,
  { roots, subgraphs, types }: SupergraphIndex,
): SlicedWork<EntityFacts> {
  const parts = subgraphs.map(newPart);
  const byGraph = new Map(subgraphs.map(({ graph }, i) => [graph, parts[i]!]));
  for (const definition of definitions) {
    if (!isTypeDefinitionNode(definition)) continue;
    const { value: name } = definition.name;
    const graphs = new Set(applied(definition, 'join__type').map(({ graph }) => String(graph)));
    for (const graph of graphs) byGraph.get(graph)?.hash.update(partOf(definition, graph));
    for (const [graph, format] of cacheTagsOf(definition)) addTo(byGraph.get(graph)?.typeTags, name, format);
    if (name === roots.query && definition.kind === Kind.OBJECT_TYPE_DEFINITION)
      for (const field of definition.fields ?? [])
        for (const [graph, format] of cacheTagsOf(field))
          addTo(byGraph.get(graph)?.fieldTags, field.name.value, format);
    yield;
  }
  const fields = new Map<string, ReadonlyMap<string, string>>();
  const objects = new Map<string, string[]>();
  const abstract = new Map<string, string[]>();
  const keys = new Map<string, readonly string[]>();
  for (const type of types.values()) {
    const { name } = type;
    const withObjects = [...type.fields.values()].filter(({ namedType }) => types.has(namedType));
    if (type.kind !== 'union')
      fields.set(name, new Map(withObjects.map(({ name: field, namedType }) => [field, namedType])));
    for (const object of type.objects.keys()) {
      addTo(objects, name, object);
      addTo(abstract, object, name);
    }
    for (const [subgraph, join] of type.joins) {
      const own = join.keys.map(({ text }) => text);
      if (own.length > 0) {
        parts[subgraph]!.keys.set(name, own);
        keys.set(name, [...new Set([...(keys.get(name) ?? []), ...own])]);
      }
      if (isInterfaceObject(type, subgraph)) parts[subgraph]!.interfaceObjects.add(name);
    }
    yield;
  }
  return {
    queryType: roots.query,
    mutationType: roots.mutation,
    ...{ fields, objects, abstract, keys },
    subgraphs: new Map(
      subgraphs.map(({ name }, i) => {
        const { hash, ...part } = parts[i]!;
        return [name, { fingerprint: hash.digest('base64url').slice(0, 16), ...part }];
      }),
    ),
  };
}

/** One subgraph, while the supergraph is read. */
const newPart = () => ({
  hash: createHash('sha256'),
  keys: new Map<string, readonly string[]>(),
  interfaceObjects: new Set<string>(),
  typeTags: new Map<string, string[]>(),
  fieldTags: new Map<string, string[]>(),
});

function addTo(lists: Map<string, string[]> | undefined, name: string, item: string): void {
  if (lists !== undefined) remembered(lists, name, () => []).push(item);
}

/** A subgraph's part of a type, as text. */
function partOf(definition: TypeDefinitionNode, graph: string): string {
  const {
    directives = [],
    fields = [],
    values = [],
  } = definition as Annotated & Partial<Record<'fields' | 'values', readonly MemberNode[]>>;
  let part = `\n${definition.kind} ${definition.name.value}`;
  const add = (own: readonly ConstDirectiveNode[]): void => {
    for (const directive of own) part += directive.name.value + argumentsText(directive);
  };
  add(directives.filter((directive) => mentions(directive, graph)));
  for (const member of [...fields, ...values]) {
    const joins = (member.directives ?? []).filter(({ name: { value } }) => value.startsWith('join__'));
    const own = joins.filter((directive) => mentions(directive, graph));
    if (joins.length > 0 && own.length === 0) continue;
    part += `\n${memberText(member)}`;
    add(own);
  }
  return part;
}

/** A field, or the value of an enum, without its description. */
function memberText({ name, type, arguments: given = [] }: MemberNode): string {
  const args = given.length === 0 ? '' : `(${given.map(argumentText).join()})`;
  return `${name.value}${args}:${type === undefined ? '' : typeText(type)}`;
}

const argumentText = ({ name, type, defaultValue: value }: InputValueDefinitionNode): string =>
  `${name.value}:${typeText(type)}${value === undefined ? '' : `=${valueText(value)}`}`;

type MemberNode = Pick<FieldDefinitionNode, 'name' | 'arguments' | 'directives'> & {
  readonly type?: TypeNode;
};

/** `@cacheTag`s, which composition writes as `@join__directive`: their formats, each with a graph. */
const cacheTagsOf = (node: Annotated): (readonly [graph: string, format: string])[] =>
  applied(node, 'join__directive').flatMap(({ graphs, name, args }) => {
    const format = (args as { readonly format?: unknown } | undefined)?.format;
    const isTag = /^(federation__)?cacheTag$/.test(String(name)) && typeof format === 'string';
    return isTag ? (graphs as string[]).map((graph) => [graph, format] as const) : [];
  });

const mentions = ({ arguments: given = [] }: ConstDirectiveNode, graph: string): boolean =>
  given.some(({ value }) => isGraph(value, graph));

const isGraph = (value: ValueNode, graph: string): boolean =>
  value.kind === Kind.LIST
    ? value.values.some((each) => isGraph(each, graph))
    : value.kind === Kind.ENUM && value.value === graph;
