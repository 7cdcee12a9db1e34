import type { EnumType, Schema } from '@apollo/federation-internals';
import { sourceDirective, sourceFeature, type SubgraphSource } from '../../supergraph/sources/sources-of';

/** A source, and the names of its graphs. */
export interface ComposedSource extends SubgraphSource {
  readonly graphs: readonly string[];
}

/** Writes sources into a supergraph, where `sourcesOf` reads them. */
export function writeSources(supergraph: Schema, sources: readonly ComposedSource[]): void {
  const { schemaDefinition } = supergraph;
  const values = new Map(
    (supergraph.type('join__Graph') as EnumType).values.map((value) => [
      value.appliedDirectivesOf('join__graph')[0]!.arguments()['name'],
      value.name,
    ]),
  );
  schemaDefinition.applyDirective('link', { url: sourceFeature, for: 'EXECUTION' });
  for (const { graphs, schema, of } of sources)
    schemaDefinition.applyDirective('join__directive', {
      ...{ graphs: graphs.map((name) => values.get(name)), name: sourceDirective, args: { schema, of } },
    });
}
