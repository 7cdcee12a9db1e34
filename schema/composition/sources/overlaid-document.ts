import { type DocumentNode, GraphQLError, Kind, Lexer, parse, Source, TokenKind } from 'graphql';
import { locate, type Problem } from '../problem';
import { readOpenApi } from '../openapi';
import { type SchemaLocation, SupergraphConfigError } from '../supergraph-config';
import { federationDocument } from './federation-document';
import { withOverlay } from './overlay';
import { sourceProblem } from './source-problem';
import { isSourceSchema } from './source-words';

interface Text {
  readonly text: string;
  readonly file: string;
}

/**
 * Reads a schema with its overlay.
 *
 * @throws {SupergraphConfigError} with what is wrong in the two texts
 */
export function overlaidDocument(
  subgraph: string,
  { sdl, file }: { readonly sdl: string; readonly file: string },
  overlay: Text,
  kind: SchemaLocation['kind'],
): DocumentNode {
  const problems: Problem[] = [];
  const over = parsed(subgraph, overlay, false);
  const text = kind === 'openapi' ? readOpenApi({ text: sdl, file }, over, subgraph).sdl : sdl;
  // Nobody has written what is made of an introspection or a document: no problem is located in it.
  const isGenerated = kind === 'openapi' || kind === 'url';
  const schema = parsed(subgraph, { text, file }, isGenerated);
  const document = withOverlay(schema, over, (message, node) =>
    problems.push(sourceProblem(message, node, subgraph)),
  );
  if (problems.length > 0) throw new SupergraphConfigError(problems);
  return isSourceSchema(document) ? document : federationDocument(document.definitions);
}

function parsed(subgraph: string, { text, file }: Text, noLocation: boolean): DocumentNode {
  const source = new Source(text, file);
  try {
    // With an empty overlay one begins.
    if (new Lexer(source).advance().kind === TokenKind.EOF) return { kind: Kind.DOCUMENT, definitions: [] };
    return parse(source, { noLocation });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { message, positions = [] } = error;
    const locations = positions.map((offset) => locate(source, offset, subgraph));
    throw new SupergraphConfigError([{ level: 'error', code: 'INVALID_GRAPHQL', message, locations }]);
  }
}
