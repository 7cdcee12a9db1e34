/** The sources of a supergraph: its subgraphs that speak no Federation. Composition writes them into it. */
import { type DocumentNode, Kind } from 'graphql';
import { applied } from '../sdl';

/** The feature that a supergraph with sources links, for execution: who does not know it must not run it. */
export const sourceFeature = 'https://weir.graphql.dev/source/v0.1';

/** The name in `@join__directive` of what a supergraph has of a source. */
export const sourceDirective = 'weir__source';

export interface SubgraphSource {
  /** The source schema, which `readSourceSchema` reads. */
  readonly schema: string;
}

/** A subgraph as a supergraph lists it. */
export interface ListedSubgraph {
  readonly name: string;
  readonly url: string;
  /** Of an API that is no federation subgraph. */
  readonly source?: SubgraphSource | undefined;
}

/** By the names of the subgraphs. */
export function sourcesOf({ definitions }: DocumentNode): ReadonlyMap<string, SubgraphSource> {
  const names = new Map<unknown, string>();
  for (const node of definitions)
    if (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph')
      for (const value of node.values ?? [])
        for (const { name } of applied(value, 'join__graph')) names.set(value.name.value, String(name));
  const sources = new Map<string, SubgraphSource>();
  for (const node of definitions) {
    if (node.kind !== Kind.SCHEMA_DEFINITION && node.kind !== Kind.SCHEMA_EXTENSION) continue;
    for (const { graphs, name, args } of applied(node, 'join__directive'))
      if (name === sourceDirective && Array.isArray(graphs))
        for (const graph of graphs) {
          const subgraph = names.get(graph);
          if (subgraph !== undefined) sources.set(subgraph, args as SubgraphSource);
        }
  }
  return sources;
}
