import { createHash } from 'node:crypto';
import {
  type ConstDirectiveNode,
  type DirectiveNode,
  type ValueNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  OperationTypeNode,
  print,
} from 'graphql';
import { applied, isComposite, namedTypeOf } from '../../schema/supergraph/sdl';

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

/** @param supergraph valid */
export function entityFactsOf(supergraph: DocumentNode): EntityFacts {
  const fields = new Map<string, Map<string, string>>();
  const objects = new Map<string, string[]>();
  const abstract = new Map<string, string[]>();
  const keys = new Map<string, string[]>();
  const graphs = new Map<string, Graph>();
  const composites = new Set<string>();
  let queryType = 'Query';
  let mutationType = 'Mutation';

  for (const definition of supergraph.definitions) {
    if (definition.kind === Kind.SCHEMA_DEFINITION) {
      for (const { operation, type } of definition.operationTypes) {
        if (operation === OperationTypeNode.QUERY) queryType = type.name.value;
        if (operation === OperationTypeNode.MUTATION) mutationType = type.name.value;
      }
    } else if (definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph') {
      for (const { name, directives = [] } of definition.values ?? [])
        graphs.set(name.value, new Graph(directives));
    } else if (isComposite(definition)) composites.add(definition.name.value);
  }

  for (const definition of supergraph.definitions) {
    if (!('name' in definition)) continue;
    const name = definition.name.value;
    const directives = definition.directives ?? [];
    for (const { graph, key, isInterfaceObject } of applied({ directives }, 'join__type')) {
      graphs.get(String(graph))?.describe(definition, String(graph));
      if (isInterfaceObject === true) graphs.get(String(graph))?.addInterfaceObject(name);
      if (typeof key !== 'string') continue;
      if (!keys.get(name)?.includes(key)) listIn(keys, name).push(key);
      graphs.get(String(graph))?.addKey(name, key);
    }
    for (const { graphs: of, format } of cacheTagsOf(directives))
      for (const graph of of) graphs.get(graph)?.addTag('type', name, format);
    if (definition.kind === Kind.UNION_TYPE_DEFINITION) {
      for (const { name: object } of definition.types ?? []) standFor(name, object.value);
    }
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION && definition.kind !== Kind.INTERFACE_TYPE_DEFINITION)
      continue;
    if (definition.kind === Kind.OBJECT_TYPE_DEFINITION) {
      for (const { name: implemented } of definition.interfaces ?? []) standFor(implemented.value, name);
    }
    const ofObjects = new Map<string, string>();
    for (const field of definition.fields ?? []) {
      const type = namedTypeOf(field.type);
      if (composites.has(type)) ofObjects.set(field.name.value, type);
      if (name !== queryType) continue;
      for (const { graphs: of, format } of cacheTagsOf(field.directives ?? []))
        for (const graph of of) graphs.get(graph)?.addTag('field', field.name.value, format);
    }
    fields.set(name, ofObjects);
  }

  function standFor(name: string, object: string): void {
    listIn(objects, name).push(object);
    listIn(abstract, object).push(name);
  }

  return {
    queryType,
    mutationType,
    fields,
    objects,
    abstract,
    keys,
    subgraphs: new Map([...graphs.values()].map((graph) => [graph.name, graph.toFacts()])),
  };
}

/** One subgraph, while the supergraph is read. */
class Graph {
  readonly name: string;
  readonly #hash = createHash('sha256');
  readonly #described = new Set<string>();
  readonly #keys = new Map<string, string[]>();
  readonly #interfaceObjects = new Set<string>();
  readonly #tags = { type: new Map<string, string[]>(), field: new Map<string, string[]>() };

  constructor(directives: readonly DirectiveNode[]) {
    this.name = String(applied({ directives }, 'join__graph')[0]?.['name']);
  }

  /** Takes its part of a type into account, as text. */
  describe(
    definition: DefinitionNode & { readonly name?: { readonly value: string } | undefined },
    graph: string,
  ): void {
    const { value: name } = definition.name!;
    if (this.#described.has(name)) return;
    this.#described.add(name);
    this.#hash.update(`\n${definition.kind} ${name}`);
    const { directives = [], fields = [], values = [] } = definition as Members;
    for (const directive of directives) if (mentions(directive, graph)) this.#hash.update(print(directive));
    for (const member of [...fields, ...values]) {
      const joins = (member.directives ?? []).filter(({ name: { value } }) => value.startsWith('join__'));
      const own = joins.filter((directive) => mentions(directive, graph));
      if (joins.length > 0 && own.length === 0) continue;
      this.#hash.update(`\n${print(visible(member, own))}`);
    }
  }

  addKey(type: string, key: string): void {
    listIn(this.#keys, type).push(key);
  }

  addInterfaceObject(type: string): void {
    this.#interfaceObjects.add(type);
  }

  addTag(kind: 'type' | 'field', name: string, format: string): void {
    listIn(this.#tags[kind], name).push(format);
  }

  /** To be called once. */
  toFacts(): SubgraphFacts {
    const { type: typeTags, field: fieldTags } = this.#tags;
    const fingerprint = this.#hash.digest('base64url').slice(0, 16);
    return { fingerprint, keys: this.#keys, interfaceObjects: this.#interfaceObjects, typeTags, fieldTags };
  }
}

/** A member as its subgraph knows it, without its description. */
function visible(member: FieldDefinitionNode, directives: readonly DirectiveNode[]): FieldDefinitionNode {
  const { kind, name, type, arguments: given = [] } = member;
  return { kind, name, type, arguments: given, directives: directives as ConstDirectiveNode[] };
}

interface Members {
  readonly directives?: readonly DirectiveNode[];
  readonly fields?: readonly FieldDefinitionNode[];
  readonly values?: readonly FieldDefinitionNode[];
}

/** `@cacheTag`s, which composition writes as `@join__directive`. */
function cacheTagsOf(
  directives: readonly DirectiveNode[],
): { readonly graphs: readonly string[]; readonly format: string }[] {
  return applied({ directives }, 'join__directive').flatMap(({ graphs, name, args }) => {
    const format = (args as { readonly format?: unknown } | undefined)?.format;
    const isTag = /^(federation__)?cacheTag$/.test(String(name)) && typeof format === 'string';
    return isTag ? [{ graphs: graphs as string[], format }] : [];
  });
}

const mentions = ({ arguments: given = [] }: DirectiveNode, graph: string): boolean =>
  given.some(({ value }) => isGraph(value, graph));

const isGraph = (value: ValueNode, graph: string): boolean =>
  value.kind === Kind.LIST
    ? value.values.some((each) => isGraph(each, graph))
    : value.kind === Kind.ENUM && value.value === graph;

function listIn<Item>(lists: Map<string, Item[]>, name: string): Item[] {
  let list = lists.get(name);
  if (list === undefined) lists.set(name, (list = []));
  return list;
}
