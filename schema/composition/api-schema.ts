import { buildASTSchema, type GraphQLSchema, Kind, parse } from 'graphql';
import { Features } from '../supergraph/features';
import { runAtOnce } from '../supergraph/sliced-work';
import { visibleDefinitions } from '../supergraph/visible-definitions';

/** The API schema of a supergraph. @throws if the text is no supergraph, or hides so much that nothing is left */
export function apiSchemaOf(supergraphSdl: string): GraphQLSchema {
  const document = parse(supergraphSdl, { noLocation: true });
  const { definitions } = runAtOnce(visibleDefinitions(document, new Features(document)));
  // Composition has validated it already.
  return buildASTSchema({ kind: Kind.DOCUMENT, definitions }, { assumeValidSDL: true });
}
