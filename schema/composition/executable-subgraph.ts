import { buildSubgraph, type Subgraph } from '@apollo/federation-internals';
import {
  buildASTSchema,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  parse,
  specifiedDirectives,
  visit,
} from 'graphql';
import { readAppSync } from './appsync-schema';
import type { SubgraphSchema } from './compose';
import { readOneOf } from './one-of';
import { readKey } from '../supergraph/key-paths';
import { readSourceSchema } from '../supergraph/sources/source-schema';
import { withOverlay } from './sources/overlay';
import { isSourceSchema } from './sources/source-words';

/** A subgraph's schema as it is executed, with `_entities` and `_service`. */
export interface ExecutableSubgraph {
  readonly schema: GraphQLSchema;
  /** The keys of entities by type, each as the paths of its leaves: `id organization { id }` is two. */
  readonly keys: ReadonlyMap<string, readonly EntityKey[]>;
}

export type EntityKey = readonly (readonly string[])[];

/** @throws {GraphQLError} if the schema is not that of a subgraph */
export function executableSubgraph({ name, routingUrl, sdl }: SubgraphSchema): ExecutableSubgraph {
  const { document: declared } = readAppSync(parse(sdl));
  if (isSourceSchema(declared)) return executableSource(declared);
  const { document } = readOneOf(declared);
  const subgraph = buildSubgraph(name, routingUrl, document);
  return { schema: subgraph.schema.toGraphQLJSSchema(), keys: keysOf(subgraph) };
}

/** The API itself, without what its overlay adds. */
function executableSource(document: DocumentNode): ExecutableSubgraph {
  const isAdded = ({ directives = [] }: FieldDefinitionNode) =>
    directives.some(({ name }) => name.value === 'derive' || name.value === 'from');
  const joined = withOverlay(document);
  const plain: DocumentNode = visit(joined, {
    FieldDefinition: (field) => (isAdded(field) ? null : undefined),
    Directive: ({ name }) => (isStandard(name.value) ? undefined : null),
  });
  const { lookups } = readSourceSchema(joined);
  const keys = Array.from(lookups, ([type, all]) => [type, all.map(({ key }) => readKey(key))] as const);
  return { schema: buildASTSchema(plain), keys: new Map(keys) };
}

const isStandard = (directive: string): boolean => specifiedDirectives.some(({ name }) => name === directive);

function keysOf(subgraph: Subgraph): ExecutableSubgraph['keys'] {
  const directive = subgraph.metadata().keyDirective();
  const keys = new Map<string, readonly EntityKey[]>();
  for (const type of [...subgraph.schema.objectTypes(), ...subgraph.schema.interfaceTypes()]) {
    const applied = type.appliedDirectivesOf(directive);
    if (applied.length > 0)
      keys.set(
        type.name,
        applied.map((key) =>
          readKey(String(key.arguments().fields)).filter((path) => path.at(-1) !== '__typename'),
        ),
      );
  }
  return keys;
}
