/** Reads the index from a supergraph: `join` specification, versions 0.1 to 0.5. */
import {
  type DocumentNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parseType,
  type UnionTypeDefinitionNode,
} from 'graphql';
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { remembered } from '../maps';
import { parseFieldSet } from '../selections/read-selections';
import { type Selection } from '../selections';
import {
  type Applied,
  applied,
  argumentsOf,
  isComposite,
  namedTypeOf,
  argumentsText,
  typeText,
} from '../../../schema/supergraph/sdl';
import { type Features } from '../../../schema/supergraph/features';
import { addKey, type EditableIndex, joinIn, type MutableField, type MutableType } from './editable-index';
import { type ContextArgument, type IndexedSubgraph } from '.';

/** Builds the index. Throws an `Error` where the supergraph is wrong. */
export function* indexOf(supergraph: DocumentNode, features: Features): SlicedWork<EditableIndex> {
  const reader = new SupergraphReader(supergraph, features);
  for (const definition of supergraph.definitions) {
    if (isComposite(definition)) reader.read(definition);
    yield;
  }
  return reader.finish();
}

class SupergraphReader {
  readonly #index = {
    subgraphs: [] as IndexedSubgraph[],
    types: new Map<string, MutableType>(),
    roots: { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' },
    contextual: new Map<string, ContextArgument[]>(),
    overrideLabels: new Set<string>(),
    onFragments: new Set<string>(),
    onQueries: new Set<string>(),
  };
  readonly #fieldSets = new Map<string, Selection>();
  readonly #numbers = new Map<string, number>();
  /** A field of those with the same declaration, by its text. */
  readonly #alike = new Map<string, MutableField>();
  /** Version 0.1 declares less: types and fields without a graph are everywhere, or of their owner. */
  readonly #isFirstVersion: boolean;
  readonly #contextDirective: string | undefined;

  constructor({ definitions }: DocumentNode, features: Features) {
    this.#contextDirective = features.directiveOf('context');
    this.#isFirstVersion = features.named('join')?.url.endsWith('/v0.1') === true;
    for (const definition of definitions) {
      if (definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION) {
        for (const { operation, type } of definition.operationTypes ?? [])
          this.#index.roots[operation] = type.name.value;
      } else if (definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph')
        for (const value of definition.values ?? []) {
          const { value: graph } = value.name;
          const [{ name = graph, url = '' } = {}] = applied(value, 'join__graph');
          this.#numbers.set(graph, this.#index.subgraphs.length);
          this.#index.subgraphs.push({ graph, name: String(name), url: String(url) });
        }
      else if (definition.kind === Kind.DIRECTIVE_DEFINITION)
        for (const { value } of definition.locations) {
          if (value === 'INLINE_FRAGMENT') this.#index.onFragments.add(definition.name.value);
          if (value === 'QUERY') this.#index.onQueries.add(definition.name.value);
        }
    }
  }

  finish(): EditableIndex {
    const { types } = this.#index;
    for (const type of types.values()) {
      if (type.kind !== 'object') continue;
      for (const name of type.interfaces) types.get(name)?.objects.set(type.name, new Set());
      for (const [name, subgraphs] of type.implementedIn) types.get(name)?.objects.set(type.name, subgraphs);
    }
    // Objects of an interface or union that sets a context set it, too.
    for (const { contexts, objects } of types.values())
      for (const context of contexts)
        for (const name of objects.keys()) {
          const object = types.get(name);
          if (object !== undefined && !object.contexts.includes(context)) object.contexts.push(context);
        }
    return this.#index;
  }

  read(node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode): void {
    const type: MutableType = {
      name: node.name.value,
      kind: kinds[node.kind],
      ...{ joins: new Map(), fields: new Map(), objects: new Map() },
      ...{ interfaces: new Set(), implementedIn: new Map() },
      contexts: applied(node, this.#contextDirective).map(({ name }) => String(name)),
    };
    this.#index.types.set(type.name, type);
    for (const join of applied(node, 'join__type')) this.#joinType(type, join);
    const [owner] = applied(node, 'join__owner');
    const owning = owner && this.#numbers.get(String(owner['graph']));
    if (owning !== undefined) joinIn(type, owning);
    if (this.#isFirstVersion && type.joins.size === 0)
      for (const subgraph of this.#index.subgraphs.keys()) joinIn(type, subgraph);
    if (node.kind === Kind.UNION_TYPE_DEFINITION) this.#readMembers(type, node);
    else {
      this.#readInterfaces(type, node);
      for (const field of node.fields ?? []) this.#readField(type, field, owning);
    }
  }

  #joinType(type: MutableType, { graph, key, resolvable, isInterfaceObject }: Applied): void {
    const subgraph = this.#numberOf(graph, type.name);
    const join = joinIn(type, subgraph);
    if (isInterfaceObject === true) join.isInterfaceObject = true;
    if (typeof key !== 'string') return;
    addKey(join, { selection: this.#fieldSet(key), text: key, isResolvable: resolvable !== false });
  }

  #readInterfaces(type: MutableType, node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode): void {
    for (const { name } of node.interfaces ?? []) {
      type.interfaces.add(name.value);
      if (this.#isFirstVersion) type.implementedIn.set(name.value, new Set(type.joins.keys()));
    }
    for (const join of applied(node, 'join__implements')) {
      const graphs = remembered(type.implementedIn, String(join['interface']), () => new Set());
      graphs.add(this.#numberOf(join['graph'], type.name));
    }
  }

  #readMembers(type: MutableType, node: UnionTypeDefinitionNode): void {
    const joins = applied(node, 'join__unionMember');
    for (const { name } of node.types ?? [])
      type.objects.set(name.value, new Set(joins.length === 0 ? type.joins.keys() : []));
    for (const { member, graph } of joins)
      remembered(type.objects, String(member), () => new Set()).add(this.#numberOf(graph, type.name));
  }

  #readField(type: MutableType, node: FieldDefinitionNode, owner: number | undefined): void {
    const { value: name } = node.name;
    const directives = (node.directives ?? []).filter((directive) => directive.name.value === 'join__field');
    const written = typeText(node.type);
    let text = written;
    for (const directive of directives) text += argumentsText(directive);
    if (directives.length === 0) for (const subgraph of type.joins.keys()) text += `@${subgraph}`;
    const alike = this.#alike.get(text);
    if (alike !== undefined && isWithin(alike.joins, type.joins)) {
      type.fields.set(name, { name, type: alike.type, namedType: alike.namedType, joins: alike.joins });
      return;
    }
    const field: MutableField = { name, type: written, namedType: namedTypeOf(node.type), joins: new Map() };
    type.fields.set(name, field);
    const isOwned = this.#isFirstVersion && owner !== undefined;
    if (directives.length === 0)
      for (const subgraph of isOwned ? [owner] : type.joins.keys()) this.#joinField(type, field, subgraph);
    for (const directive of directives) {
      const join = argumentsOf(directive);
      const { graph } = join;
      if (graph === undefined && !isOwned) continue;
      const subgraph = graph === undefined ? owner! : this.#numberOf(graph, `${type.name}.${name}`);
      this.#joinField(type, field, subgraph, join, argumentsText(directive));
    }
    if (this.#isFirstVersion) {
      for (const [subgraph, { keyFields }] of type.joins)
        if (keyFields.has(name) && !field.joins.has(subgraph)) this.#joinField(type, field, subgraph);
    } else if (!this.#index.contextual.has(name) && field.joins.size >= directives.length)
      this.#alike.set(text, field);
  }

  #joinField(type: MutableType, field: MutableField, subgraph: number, join: Applied = {}, text = ''): void {
    if (!type.joins.has(subgraph)) {
      if (!this.#isFirstVersion) return;
      joinIn(type, subgraph);
    }
    const { overrideLabel: label, override, usedOverridden, requires, provides } = join;
    if (typeof label === 'string') this.#index.overrideLabels.add(label);
    const own = typeof join['type'] === 'string' ? parseType(join['type'], { noLocation: true }) : undefined;
    const contextArguments = this.#contextArguments(join);
    if (contextArguments.length > 0)
      remembered(this.#index.contextual, field.name, () => []).push(...contextArguments);
    field.joins.set(subgraph, {
      type: own === undefined ? field.type : typeText(own),
      namedType: own === undefined ? field.namedType : namedTypeOf(own),
      isExternal: join['external'] === true,
      overridden:
        typeof label === 'string' ? { label, whenOn: override === undefined } : usedOverridden === true,
      requires: typeof requires === 'string' ? this.#fieldSet(requires) : undefined,
      provides: typeof provides === 'string' ? this.#fieldSet(provides) : undefined,
      contextArguments,
      text: `${subgraph}${text}`,
    });
  }

  #contextArguments({ contextArguments }: Applied): readonly ContextArgument[] {
    if (contextArguments === undefined) return none;
    const given = contextArguments as readonly Readonly<Record<string, string>>[];
    return given.map(({ name, type, context, selection }) => ({
      ...{ name: name!, type: type!, context: context!, text: selection! },
      selection: this.#fieldSet(selection!),
    }));
  }

  /** Equal texts give one selection. They are checked. */
  #fieldSet(text: string): Selection {
    return remembered(this.#fieldSets, text, () => parseFieldSet(text));
  }

  #numberOf(graph: unknown, where: string): number {
    const number = this.#numbers.get(String(graph));
    if (number === undefined)
      throw new Error(`${where} is of ${String(graph)}, which \`join__Graph\` does not list.`);
    return number;
  }
}

const none: readonly ContextArgument[] = [];

function isWithin(some: ReadonlyMap<number, unknown>, all: ReadonlyMap<number, unknown>): boolean {
  for (const key of some.keys()) if (!all.has(key)) return false;
  return true;
}

const kinds = {
  [Kind.OBJECT_TYPE_DEFINITION]: 'object',
  [Kind.INTERFACE_TYPE_DEFINITION]: 'interface',
  [Kind.UNION_TYPE_DEFINITION]: 'union',
} as const;
