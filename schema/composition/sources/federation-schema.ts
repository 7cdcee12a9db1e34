/** Makes the schema that Apollo's composer takes of a source schema. */
import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  isTypeDefinitionNode,
  Kind,
  print,
  type SchemaDefinitionNode,
  type SchemaExtensionNode,
  type TypeNode,
  visit,
} from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { argumentsOf, directive, namedTypeOf } from '../../supergraph/sdl';
import { derivedNames, fieldSetOf } from '../../supergraph/sources/selection-map';
import {
  madeOf,
  type ReportProblem,
  readSourceSchema,
  type SourceField,
  type SourceSchema,
} from '../../supergraph/sources/source-schema';
import { federationDocument } from './federation-document';
import type { Owners } from './owners';
import { checkPositions, missingOf } from './partial-positions';
import { addRequirements } from './requirements';
import { checkSourceSchema } from './rules';
import { type SourceDraft, type TypeDraft, use } from './source-draft';

export interface FederationSchema {
  readonly document: DocumentNode;
  /** The source schema as the executor needs it: without descriptions. */
  readonly source: string;
}

/**
 * @param document without extensions of types
 * @param report called for what is wrong: then nothing is returned
 */
export function federationSchema(
  document: DocumentNode,
  owners: Owners,
  report: ReportProblem,
): FederationSchema | undefined {
  let problems = 0;
  const collect: ReportProblem = (...problem) => {
    problems++;
    report(...problem);
  };
  const source = readSourceSchema(document, collect);
  checkSourceSchema(source, owners, collect);
  if (problems > 0) return undefined;
  const draft: SourceDraft = { source, owners, types: new Map(), rest: [], report: collect };
  const { types, rest } = draft;
  addTypes(draft, document);
  const fields = [...source.types.values()].flatMap(({ graphName: type, fields: all }) =>
    [...all.values()].flatMap((field) => (types.get(type)?.fields.has(field.name) ? { type, field } : [])),
  );
  const linked = new Map<string, SourceField>();
  for (const { field } of fields) {
    if (field.derived === undefined) continue;
    if (!linked.has(field.namedType)) linked.set(field.namedType, field);
    if (!types.has(field.namedType)) addTarget(draft, field);
  }
  for (const [name, type] of types) addKeys(draft, name, type, linked.get(name));
  checkPositions(draft);
  for (const { type, field } of fields) addRequirements(draft, type, field);
  const definitions = [...types.values()].flatMap(({ node, fields: all }) =>
    all.size === 0 ? [] : { ...node, fields: [...all.values()] },
  );
  const made = federationDocument([...rest, ...definitions]);
  const reached = new Set(made.definitions.map((node) => ('name' in node ? node.name.value : '')));
  for (const { type, field } of fields)
    if (field.derived !== undefined && !reached.has(type))
      collect(
        `Nothing leads to \`${type}\`, which has this link: a @lookup of it, or a field that returns one, is missing.`,
        field.node.name,
      );
  return problems === 0 ? { document: made, source: print(withoutDescriptions(document)) } : undefined;
}

/** The types as clients see them. */
function addTypes({ source, types, rest }: SourceDraft, { definitions }: DocumentNode): void {
  const internal = new Set(
    definitions.flatMap((node) =>
      isTypeDefinitionNode(node) && directive(node, 'internal') ? node.name.value : [],
    ),
  );
  const nameOf = (type: string): string => source.types.get(type)?.graphName ?? type;
  const inGraph = <Node extends TypeNode>(type: Node): Node =>
    visit(type, {
      NamedType: ({ name, ...node }) => ({ ...node, name: { ...name, value: nameOf(name.value) } }),
    });
  const schemas: (SchemaDefinitionNode | SchemaExtensionNode)[] = [];
  for (const node of definitions) {
    if (isTypeDefinitionNode(node) && internal.has(node.name.value)) continue;
    if (node.kind === Kind.UNION_TYPE_DEFINITION) {
      const members = new Map((node.types ?? []).map((each) => [nameOf(each.name.value), inGraph(each)]));
      for (const name of internal) members.delete(name);
      rest.push({ ...node, types: [...members.values()] });
    } else if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) {
      schemas.push(node);
    } else if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) {
      rest.push(node);
    } else {
      const name = nameOf(node.name.value);
      // Of an entity of which there are only summaries, these are all that there is.
      if (name !== node.name.value && source.types.has(name)) continue;
      const type = types.get(name) ?? { node, fields: new Map() };
      const interfaces = (type.node.interfaces ?? []).filter((each) => !internal.has(each.name.value));
      types.set(name, { ...type, node: { ...type.node, interfaces, name: { ...node.name, value: name } } });
      for (const field of node.fields ?? []) {
        const isHidden = directive(field, 'internal') || internal.has(namedTypeOf(field.type));
        if (isHidden || type.fields.has(field.name.value)) continue;
        const args = (field.arguments ?? []).filter((argument) => !directive(argument, 'require'));
        type.fields.set(field.name.value, { ...field, type: inGraph(field.type), arguments: args });
      }
    }
  }
  // Interfaces have what is not hidden in any of their types.
  for (const { node, fields } of types.values())
    for (const { name } of node.interfaces ?? []) {
      const shared = types.get(name.value)?.fields;
      for (const field of shared?.keys() ?? []) if (!fields.has(field)) shared!.delete(field);
    }
  for (const [name, { fields }] of types) if (fields.size === 0) types.delete(name);
  // Of roots without fields in the graph nothing is left.
  for (const node of schemas) {
    const operationTypes = node.operationTypes?.filter(({ type }) => types.has(type.name.value)) ?? [];
    if (operationTypes.length > 0) rest.push({ ...node, operationTypes });
    else if (node.directives?.length) rest.push({ ...node, kind: Kind.SCHEMA_EXTENSION, operationTypes });
  }
}

/** An object of another subgraph to which `@derive` links, with what the link has of it. */
function addTarget({ types, owners }: SourceDraft, { namedType, derived, node: { loc } }: SourceField): void {
  const at = loc && { loc };
  const fields = derivedNames(derived!).map((field): FieldDefinitionNode => {
    // The rules have seen that a subgraph has it.
    const { kind, name, type } = owners.field(namedType, field)!;
    return { kind, type, ...at, name: { ...name, ...at } };
  });
  types.set(namedType, {
    node: { kind: Kind.OBJECT_TYPE_DEFINITION, name: { kind: Kind.NAME, value: namedType } },
    fields: new Map(fields.map((field) => [field.name.value, field])),
  });
}

/**
 * The keys by which others refer to an entity: those of its lookups. Without lookups the source answers by a key where all
 * that it has of the entity is in the key or made of it.
 */
function addKeys(draft: SourceDraft, name: string, type: TypeDraft, link: SourceField | undefined): void {
  const { source, owners, report } = draft;
  const keys = new Map<string, ConstDirectiveNode>();
  const add = (fields: string, loc: ConstDirectiveNode['loc'], isResolvable: boolean): void => {
    const same = normalized(fields);
    if (!keys.has(same))
      keys.set(same, use('key', loc, { fields, ...(!isResolvable && { resolvable: false }) }));
  };
  const lookups = source.lookups.get(name) ?? [];
  for (const { key, field } of lookups) {
    const { node } = source.types.get(source.roots.query!)!.fields.get(field)!;
    add(key, directive(node, 'lookup')?.loc, true);
  }
  const made = [...(source.types.get(name)?.fields.values() ?? [])].filter((field) => madeOf(field));
  const isWhole = (key: string): boolean =>
    lookups.length === 0 &&
    made.length > 0 &&
    missingOf(draft, name, (field) => firstOf(key).includes(field)).length === 0;
  const written = (type.node.directives ?? []).filter((each) => each.name.value === 'key');
  for (const each of written) {
    const key = String(argumentsOf(each)['fields']);
    add(key, each.loc, isWhole(key));
  }
  if (keys.size === 0) {
    const call = made.find(({ from }) => from !== undefined);
    const known = [...owners.keys(name)].filter(
      (key) =>
        firstOf(key).every((field) => type.fields.has(field)) && (!source.types.has(name) || isWhole(key)),
    );
    const of = link ?? call ?? made[0];
    if (link !== undefined) known.splice(0, Infinity, derivedNames(link.derived!).join(' '));
    else if (call !== undefined && known.length === 0) known.push(keyOfCalls(source, name));
    if (known.includes('')) report(`\`${name}\` needs a @key, or fields that are one.`, call!.node.name);
    else for (const key of known) add(key, of?.node.loc ?? type.node.loc, isWhole(key));
  }
  const others = (type.node.directives ?? []).filter((each) => !written.includes(each));
  if (keys.size > 0) type.node = { ...type.node, directives: [...others, ...keys.values()] };
}

/** What the calls of an entity without lookups need of its values; all its values where that is nothing. */
function keyOfCalls(source: SourceSchema, type: string): string {
  const fields = [...source.types.get(type)!.fields.values()];
  const own = fields.filter((field) => madeOf(field) === undefined && field.arguments.size === 0);
  const names = new Set(own.map(({ name }) => name));
  const needed = fields
    .flatMap(({ arguments: args }) => [...args.values()].flatMap(({ require }) => require ?? []))
    .filter((map) => map.kind === 'path' && map.path.length === 1 && names.has(map.path[0]!.name));
  return fieldSetOf(needed) || [...names].join(' ');
}

const firstOf = (key: string): string[] => readKey(key).map(([first]) => first!);

/** Equal for keys of the same fields. */
const normalized = (key: string): string =>
  readKey(key)
    .map((path) => path.join('.'))
    .sort()
    .join(' ');

const withoutDescriptions = (document: DocumentNode): DocumentNode =>
  visit(document, {
    enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
  });
