/** The schema of a graph while it is made of a source schema. */
import {
  type ASTNode,
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  type Location,
  type ObjectTypeDefinitionNode,
  parse,
  type TypeNode,
  visit,
} from 'graphql';
import { applied, argumentsOf, directive, namedTypeOf } from '../../supergraph/sdl';
import type { SelectionMap } from '../../supergraph/sources/selection-map';
import type { ReportProblem, SourceSchema } from '../../supergraph/sources/source-schema';
import type { Owners } from './owners';
import { sourceWords } from './source-words';

/** A source while its graphs are made. */
export interface SourceInProgress {
  readonly source: SourceSchema;
  readonly owners: Owners;
  readonly types: GraphTypes;
  /** Unions, inputs, enums and what else is the same in both graphs. */
  readonly rest: DefinitionNode[];
  readonly report: ReportProblem;
}

type Fielded = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** The objects and interfaces of a graph. */
export class GraphTypes {
  readonly #types = new Map<string, { node: Fielded; readonly fields: Map<string, FieldDefinitionNode> }>();

  names(): string[] {
    return [...this.#types.keys()];
  }

  /** Adds a type without fields, unless it is there. */
  declare(node: Fielded): void {
    if (!this.#types.has(node.name.value)) this.#types.set(node.name.value, { node, fields: new Map() });
  }

  get(name: string): Fielded | undefined {
    return this.#types.get(name)?.node;
  }

  fields(type: string): FieldDefinitionNode[] {
    return [...(this.#types.get(type)?.fields.values() ?? [])];
  }

  field(type: string, name: string): FieldDefinitionNode | undefined {
    return this.#types.get(type)?.fields.get(name);
  }

  /** Adds a field, or takes it in place of one of its name. */
  put(type: string, field: FieldDefinitionNode): void {
    this.#types.get(type)!.fields.set(field.name.value, field);
  }

  remove(type: string, field: string): void {
    this.#types.get(type)!.fields.delete(field);
  }

  annotate(type: string, directives: readonly ConstDirectiveNode[]): void {
    const entry = this.#types.get(type)!;
    entry.node = { ...entry.node, directives };
  }

  share(type: string, name: string): void {
    const field = this.field(type, name);
    const isShared = field?.directives?.some((each) => each.name.value === 'shareable');
    if (field !== undefined && isShared !== true && this.get(type)?.kind === Kind.OBJECT_TYPE_DEFINITION)
      this.put(type, { ...field, directives: [...(field.directives ?? []), use('shareable', field.loc)] });
  }

  /** Without empty types. Interfaces have only what all their implementers in this graph have. */
  definitions(): Fielded[] {
    const fieldsOf = new Map(this.names().map((name) => [name, this.fields(name)]));
    for (const [name, { node }] of this.#types)
      for (const { name: of } of node.interfaces ?? [])
        fieldsOf.set(
          of.value,
          (fieldsOf.get(of.value) ?? []).filter((field) => this.field(name, field.name.value)),
        );
    const isEmpty = (name: string) => (fieldsOf.get(name) ?? []).length === 0;
    return Array.from(this.#types, ([name, { node }]) => {
      const interfaces = (node.interfaces ?? []).filter((each) => !isEmpty(each.name.value));
      return { ...node, interfaces, fields: fieldsOf.get(name)! };
    }).filter(({ name }) => !isEmpty(name.value));
  }
}

/** A use of a directive, at the location of what it comes from. */
export function use(
  name: string,
  loc: Location | undefined,
  args: Record<string, string | false> = {},
): ConstDirectiveNode {
  return {
    ...{ kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: name } },
    ...(loc && { loc }),
    arguments: Object.entries(args).map(([key, value]) => ({
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: key },
      value: value === false ? { kind: Kind.BOOLEAN, value } : { kind: Kind.STRING, value },
    })),
  };
}

/**
 * A schema as composition takes it: what can be reached of root types and entities, without the words of sources, and with a link
 * to Federation.
 *
 * @param known types that may be missing: with what names them, which another graph of the source has
 */
export function federationDocument(
  all: readonly DefinitionNode[],
  known: ReadonlySet<string> = new Set(),
): DocumentNode {
  const definitions = withoutMissing(all, known);
  const own = definitions.filter(
    (node) => node.kind !== Kind.DIRECTIVE_DEFINITION || !sourceWords.has(node.name.value),
  );
  const kept = reachable(own, (node) => applied(node as Fielded, 'key').length > 0);
  const linked = kept.some(
    (node) => isSchema(node) && applied(node, 'link').some(({ url }) => String(url).startsWith(federation)),
  );
  const document: DocumentNode = visit(
    { kind: Kind.DOCUMENT, definitions: kept },
    { Directive: ({ name }) => (sourceWords.has(name.value) ? null : undefined) },
  );
  return linked ? document : { ...document, definitions: [linkFor(document), ...document.definitions] };
}

/** Removes what names missing types, and what is empty then. */
export function withoutMissing(
  definitions: readonly DefinitionNode[],
  known: ReadonlySet<string>,
): readonly DefinitionNode[] {
  const there = new Set(definitions.map(nameOf));
  const isThere = (type: TypeNode) => !known.has(namedTypeOf(type)) || there.has(namedTypeOf(type));
  const kept = definitions.flatMap((node): DefinitionNode[] => {
    // Objects of the missing type would be of none: where the union is, all its types are.
    if (node.kind === Kind.UNION_TYPE_DEFINITION) return node.types?.every(isThere) === true ? [node] : [];
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION)
      return [node];
    const fields = node.fields?.filter(({ type }) => isThere(type)) ?? [];
    return fields.length === 0
      ? []
      : [{ ...node, fields, interfaces: node.interfaces?.filter(isThere) ?? [] }];
  });
  return kept.length === definitions.length ? kept : withoutMissing(kept, known);
}

const federation = 'https://specs.apollo.dev/federation/';

const isSchema = (node: DefinitionNode) =>
  node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION;

/** Imports the directives that a schema uses and does not define. */
function linkFor(document: DocumentNode): DefinitionNode {
  const used = new Set<string>();
  visit(document, { Directive: ({ name }) => void used.add(name.value) });
  for (const node of document.definitions)
    if (node.kind === Kind.DIRECTIVE_DEFINITION) used.delete(node.name.value);
  const imported = federationDirectives.filter((name) => used.has(name)).map((name) => `"@${name}"`);
  const text = `extend schema @link(url: "${federation}v2.12", import: [${imported.join(' ')}])`;
  return parse(text, { noLocation: true }).definitions[0]!;
}

const federationDirectives = [
  ...[
    'key',
    'requires',
    'provides',
    'external',
    'shareable',
    'inaccessible',
    'override',
    'tag',
    'interfaceObject',
  ],
  ...[
    'authenticated',
    'requiresScopes',
    'policy',
    'context',
    'fromContext',
    'cost',
    'listSize',
    'cacheTag',
    'composeDirective',
  ],
];

/**
 * The definitions that root types and further ones lead to, and those that are no types.
 *
 * @param isRoot whether a type is one more of those where this begins
 */
export function reachable(
  definitions: readonly DefinitionNode[],
  isRoot: (node: DefinitionNode) => boolean,
): DefinitionNode[] {
  const roots = new Set(['Query', 'Mutation', 'Subscription']);
  const named = new Map<string, DefinitionNode>();
  const implementers = new Map<string, string[]>();
  for (const node of definitions) {
    if (isSchema(node)) for (const { type } of node.operationTypes ?? []) roots.add(type.name.value);
    if (!isTypeDefinitionNode(node)) continue;
    named.set(node.name.value, node);
    if ('interfaces' in node)
      for (const { name } of node.interfaces ?? [])
        implementers.set(name.value, [...(implementers.get(name.value) ?? []), node.name.value]);
  }
  const reached = new Set<DefinitionNode>();
  const waiting = definitions.filter(
    (node) => !isTypeDefinitionNode(node) || roots.has(node.name.value) || isRoot(node),
  );
  const follow = (name: string) => {
    const node = named.get(name);
    if (node !== undefined && !reached.has(node)) waiting.push(node);
  };
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    for (const name of namesIn(node)) follow(name);
    for (const name of implementers.get(nameOf(node)) ?? []) follow(name);
  }
  return definitions.filter((node) => reached.has(node));
}

export const nameOf = (node: DefinitionNode): string => ('name' in node ? node.name.value : '');

/** The types that a definition names, also in `@shape(of:)`. */
function namesIn(node: ASTNode): string[] {
  const names: string[] = [];
  visit(node, {
    NamedType: (type) => void names.push(namedTypeOf(type)),
    Directive: (directive) =>
      void (
        directive.name.value === 'shape' &&
        names.push(String(argumentsOf(directive as ConstDirectiveNode)['of']))
      ),
  });
  return names;
}

export const requiring = (field: FieldDefinitionNode, fields: string): FieldDefinitionNode => ({
  ...field,
  directives: [
    ...(field.directives ?? []).filter(({ name }) => name.value !== 'requires'),
    use('requires', field.loc, { fields: [requiredBy(field), fields].join(' ').trim() }),
  ],
});

const requiredBy = (field: FieldDefinitionNode): string => {
  const before = directive(field, 'requires');
  return before === undefined ? '' : String(argumentsOf(before)['fields']);
};

export const external = ({
  name,
  type,
  arguments: args = [],
  loc,
}: FieldDefinitionNode): FieldDefinitionNode => ({
  ...{ kind: Kind.FIELD_DEFINITION, name, type, arguments: args, directives: [use('external', loc)] },
  ...(loc && { loc }),
});

export const graphNameOf = (source: SourceSchema, type: string): string =>
  source.types.get(type)?.graphName ?? type;

/** The fields that a link has of its object. */
export function derivedNames(map: SelectionMap): string[] {
  if (map.kind === 'list') return derivedNames(map.item);
  return map.kind === 'object' ? map.fields.map(({ name }) => name) : [];
}
