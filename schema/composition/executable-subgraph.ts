import { buildSubgraph, type Subgraph } from '@apollo/federation-internals';
import { type GraphQLSchema, Kind, parse, type SelectionSetNode } from 'graphql';
import { readAppSync } from './appsync-schema';
import type { SubgraphSchema } from './compose';
import { readOneOf } from './one-of';

/** A subgraph's schema as it is executed, with `_entities` and `_service`. */
export interface ExecutableSubgraph {
  readonly schema: GraphQLSchema;
  /** The keys of entities by type, each as the paths of its leaves: `id organization { id }` is two. */
  readonly keys: ReadonlyMap<string, readonly EntityKey[]>;
}

export type EntityKey = readonly (readonly string[])[];

/** @throws {GraphQLError} if the schema is not that of a subgraph */
export function executableSubgraph({ name, routingUrl, sdl }: SubgraphSchema): ExecutableSubgraph {
  const { document } = readOneOf(readAppSync(parse(sdl)).document);
  const subgraph = buildSubgraph(name, routingUrl, document);
  return { schema: subgraph.schema.toGraphQLJSSchema(), keys: keysOf(subgraph) };
}

function keysOf(subgraph: Subgraph): ExecutableSubgraph['keys'] {
  const directive = subgraph.metadata().keyDirective();
  const keys = new Map<string, readonly EntityKey[]>();
  for (const type of [...subgraph.schema.objectTypes(), ...subgraph.schema.interfaceTypes()]) {
    const applied = type.appliedDirectivesOf(directive);
    if (applied.length > 0)
      keys.set(
        type.name,
        applied.map((key) => leavesOf(String(key.arguments().fields))),
      );
  }
  return keys;
}

function leavesOf(fields: string): EntityKey {
  const [definition] = parse(`{ ${fields} }`, { noLocation: true }).definitions;
  return definition?.kind === Kind.OPERATION_DEFINITION ? pathsIn(definition.selectionSet) : [];
}

const pathsIn = ({ selections }: SelectionSetNode): EntityKey =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
    if (selection.kind === Kind.INLINE_FRAGMENT) return pathsIn(selection.selectionSet);
    const { name, selectionSet } = selection;
    if (name.value === '__typename') return [];
    return selectionSet === undefined
      ? [[name.value]]
      : pathsIn(selectionSet).map((path) => [name.value, ...path]);
  });
