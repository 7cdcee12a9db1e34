/** Makes the schemas that Apollo's composer takes of a source schema: of one graph, or of two (`partial-graph.ts`). */
import {
  type ConstDirectiveNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  print,
  type TypeNode,
  visit,
} from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { argumentsOf, directive, namedTypeOf } from '../../supergraph/sdl';
import { fieldSetOf } from '../../supergraph/sources/selection-map';
import {
  type ReportProblem,
  readSourceSchema,
  type SourceField,
  type SourceSchema,
} from '../../supergraph/sources/source-schema';
import {
  derivedNames,
  federationDocument,
  graphNameOf,
  nameOf,
  withoutMissing,
  GraphTypes,
  reachable,
  type SourceInProgress,
  use,
} from './graph-types';
import type { Owners } from './owners';
import { partialGraph } from './partial-graph';
import { addRequirements } from './requirements';
import { checkSourceSchema } from './rules';

export interface SourceGraphs {
  /** By name: that of the source and, where it has partial objects, `NAME.partial`. */
  readonly graphs: ReadonlyMap<string, DocumentNode>;
  /** The source schema as the executor needs it: without descriptions, and only what can be reached. */
  readonly schema: string;
}

/**
 * @param document without extensions of types
 * @param isWhole whether each position has all of an entity, so that there is one graph @default false
 */
export function sourceGraphs(
  name: string,
  document: DocumentNode,
  owners: Owners,
  report: ReportProblem,
  { isWhole = false } = {},
): SourceGraphs {
  const problems: Parameters<ReportProblem>[] = [];
  const collect: ReportProblem = (...problem) => void problems.push(problem);
  const source = readSourceSchema(document, collect);
  checkSourceSchema(source, owners, collect);
  for (const problem of problems) report(...problem);
  if (problems.length > 0) return { graphs: new Map(), schema: '' };
  const progress: SourceInProgress = { source, owners, types: new GraphTypes(), rest: [], report };
  addTypes(progress, document);
  addKeys(progress);
  const fields = [...source.types.values()].flatMap((type) =>
    Array.from(type.fields.values(), (field) => ({ type: type.graphName, field })),
  );
  for (const { field } of fields) if (field.derived !== undefined) addTarget(progress, field);
  const known = new Set([...progress.types.names(), ...progress.rest.map(nameOf)]);
  const partial = isWhole ? undefined : partialGraph(progress);
  const graphs = new Map<string, DocumentNode>();
  for (const [graph, types] of [[name, progress.types] as const, [`${name}.partial`, partial] as const]) {
    if (types === undefined) continue;
    const there = new Set(
      withoutMissing([...progress.rest, ...types.definitions()], known).flatMap((node) =>
        'fields' in node ? (node.fields ?? []).map((field) => `${nameOf(node)}.${field.name.value}`) : [],
      ),
    );
    for (const { type, field } of fields)
      if (there.has(`${type}.${field.name}`)) addRequirements({ ...progress, types }, type, field);
    graphs.set(graph, federationDocument([...progress.rest, ...types.definitions()], known));
  }
  const reached = new Set([...graphs.values()].flatMap(({ definitions }) => definitions.map(nameOf)));
  for (const { type, field } of fields)
    if (field.derived !== undefined && progress.types.get(type) !== undefined && !reached.has(type))
      report(
        `Nothing leads to \`${type}\`, which has this link: a @lookup of it, or a field that returns one, is missing.`,
        field.node.name,
      );
  return { graphs, schema: executorSchema(source, document) };
}

/** The types as clients see them. */
function addTypes({ source, types, rest }: SourceInProgress, { definitions }: DocumentNode): void {
  const internal = new Set(
    definitions.flatMap((node) =>
      isTypeDefinitionNode(node) && directive(node, 'internal') ? node.name.value : [],
    ),
  );
  const inGraph = (type: TypeNode): TypeNode =>
    visit(type, {
      NamedType: ({ name, ...node }) => ({
        ...node,
        name: { ...name, value: graphNameOf(source, name.value) },
      }),
    });
  for (const node of definitions) {
    if (isTypeDefinitionNode(node) && internal.has(node.name.value)) continue;
    if (node.kind === Kind.UNION_TYPE_DEFINITION) {
      const members = new Map((node.types ?? []).map((each) => [graphNameOf(source, each.name.value), each]));
      const kept = Array.from(members.values(), (each) => inGraph(each) as typeof each);
      rest.push({ ...node, types: kept.filter(({ name }) => !internal.has(name.value)) });
    } else if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) {
      rest.push(node);
    } else {
      const name = graphNameOf(source, node.name.value);
      const isSummary = name !== node.name.value;
      // Of an entity of which there are only summaries, these are all that there is.
      if (isSummary && source.types.has(name)) continue;
      types.declare({ ...node, name: { ...node.name, value: name } });
      for (const field of node.fields ?? []) {
        const isHidden = directive(field, 'internal') || internal.has(namedTypeOf(field.type));
        if (isHidden || types.field(name, field.name.value) !== undefined) continue;
        const args = (field.arguments ?? []).filter((argument) => !directive(argument, 'require'));
        types.put(name, { ...field, type: inGraph(field.type), arguments: args });
      }
    }
  }
}

/** The keys by which a source answers an entity: those of its lookups, or what its fields with `@from` need. */
function addKeys({ source, types, owners, report }: SourceInProgress): void {
  const queries = source.types.get(source.roots.query ?? '')?.fields;
  for (const name of types.names()) {
    const keys = new Map<string, ConstDirectiveNode>();
    for (const { key, field } of source.lookups.get(name) ?? [])
      keys.set(
        normalized(key),
        use('key', directive(queries!.get(field)!.node, 'lookup')?.loc, { fields: key }),
      );
    const uses = types.get(name)!.directives ?? [];
    const written = uses.filter((each) => each.name.value === 'key');
    const fields = [...(source.types.get(name)?.fields.values() ?? [])];
    const call = fields.find(({ from }) => from !== undefined)?.node;
    const isLookedUp = keys.size > 0;
    if (call !== undefined && !isLookedUp && written.length === 0) {
      const key = keyOfCalls(fields);
      if (key === '') report(`\`${name}\` needs a @key, or fields that are one.`, call.name);
      else keys.set(key, use('key', directive(call, 'from')?.loc, { fields: key }));
    }
    for (const each of written) {
      const key = String(argumentsOf(each)['fields']);
      const isAnswered = call !== undefined && !isLookedUp;
      if (!keys.has(normalized(key)))
        keys.set(
          normalized(key),
          isAnswered ? each : use('key', each.loc, { fields: key, resolvable: false }),
        );
    }
    // Of an entity of which there are only summaries: by what they have, the others find it.
    if (keys.size === 0 && !source.types.has(name))
      for (const key of owners.keys(name))
        if (readKey(key).every(([first]) => types.field(name, first!)))
          keys.set(key, use('key', types.get(name)!.loc, { fields: key, resolvable: false }));
    if (keys.size > 0)
      types.annotate(name, [...uses.filter((each) => !written.includes(each)), ...keys.values()]);
  }
}

/** What the calls of an entity without lookups need of it; all its values where that is nothing. */
function keyOfCalls(fields: readonly SourceField[]): string {
  const own = new Set(fields.filter(isOwn).map(({ name }) => name));
  const maps = fields.flatMap((field) =>
    [...field.arguments.values()].flatMap(({ require }) => require ?? []),
  );
  const needed = fieldSetOf(
    maps.filter((map) => map.kind === 'path' && map.path.length === 1 && own.has(map.path[0]!.name)),
  );
  return needed || [...own].join(' ');
}

/** Whether a field is a value of the object itself. */
export const isOwn = ({ from, derived, arguments: args }: SourceField): boolean =>
  from === undefined && derived === undefined && args.size === 0;

/** The object to which `@derive` links: at least its key is there. */
function addTarget({ types, owners }: SourceInProgress, { namedType, derived, node }: SourceField): void {
  const isNew = types.get(namedType) === undefined;
  const names = derivedNames(derived!);
  types.declare(objectType(namedType));
  for (const value of isNew ? names : []) {
    const { type = idType } = owners.field(namedType, value) ?? {};
    const name = { kind: Kind.NAME as const, value, loc: node.loc! };
    types.put(namedType, { kind: Kind.FIELD_DEFINITION, name, type, loc: node.loc! });
  }
  const { directives = [] } = types.get(namedType)!;
  const fields = names.join(' ');
  if (!directives.some(({ name }) => name.value === 'key'))
    types.annotate(namedType, [
      ...directives,
      use('key', directive(node, 'derive')?.loc, { fields, resolvable: false }),
    ]);
}

function executorSchema(source: SourceSchema, { definitions }: DocumentNode): string {
  const kept = reachable(definitions, (node) => {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION) return false;
    const fields = source.types.get(node.name.value)?.fields.values() ?? [];
    return source.lookups.has(node.name.value) || Array.from(fields).some(({ from }) => from !== undefined);
  });
  const blank = { description: undefined };
  const described = (node: { readonly description?: unknown }) =>
    node.description ? { ...node, ...blank } : undefined;
  return print(
    visit(
      { kind: Kind.DOCUMENT, definitions: kept },
      { enter: (node) => ('description' in node ? described(node) : undefined) },
    ) as DocumentNode,
  );
}

const objectType = (value: string): ObjectTypeDefinitionNode => ({
  kind: Kind.OBJECT_TYPE_DEFINITION,
  name: { kind: Kind.NAME, value },
});

const idType: TypeNode = {
  kind: Kind.NON_NULL_TYPE,
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'ID' } },
};

/** Equal for keys of the same fields. */
export const normalized = (key: string): string =>
  readKey(key)
    .map((path) => path.join('.'))
    .sort()
    .join(' ');
