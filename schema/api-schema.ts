import { Supergraph } from '@apollo/federation-internals';
import type { GraphQLSchema } from 'graphql';

/** The schema that clients see of a supergraph. @throws when it is not one, or hides so much that nothing is left */
export function apiSchemaOf(supergraphSdl: string): GraphQLSchema {
  // Composition has validated it, with whatever features it uses.
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null, validateSupergraph: false });
  return supergraph.apiSchema().toGraphQLJSSchema({ includeDefer: false });
}
