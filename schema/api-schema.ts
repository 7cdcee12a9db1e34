import { Supergraph } from '@apollo/federation-internals';
import type { GraphQLSchema } from 'graphql';

/** The API schema of a supergraph. @throws if the text is no supergraph, or hides so much that nothing is left */
export function apiSchemaOf(supergraphSdl: string): GraphQLSchema {
  // Composition has validated it already, with all features that it uses.
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null, validateSupergraph: false });
  return supergraph.apiSchema().toGraphQLJSSchema({ includeDefer: false });
}
