import type { EnumType, Schema } from '@apollo/federation-internals';
import { sourceDirective, sourceFeature } from '../../supergraph/sources/sources-of';

/** Writes the schemas of sources into a supergraph, where `sourcesOf` reads them. */
export function writeSources(supergraph: Schema, sources: ReadonlyMap<string, string>): void {
  const { schemaDefinition } = supergraph;
  schemaDefinition.applyDirective('link', { url: sourceFeature, for: 'EXECUTION' });
  for (const value of (supergraph.type('join__Graph') as EnumType).values) {
    const schema = sources.get(String(value.appliedDirectivesOf('join__graph')[0]!.arguments()['name']));
    if (schema !== undefined)
      schemaDefinition.applyDirective('join__directive', {
        ...{ graphs: [value.name], name: sourceDirective, args: { schema } },
      });
  }
}
