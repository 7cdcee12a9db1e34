import { type DocumentNode, GraphQLError, parse, Source } from 'graphql';
import { locate, locateNode, type Problem } from '../problem';
import { SupergraphConfigError } from '../supergraph-config';
import { federationDocument } from './graph-types';
import { withOverlay } from './overlay';
import { isSourceSchema } from './source-words';

interface Text {
  readonly text: string;
  readonly file: string;
}

/**
 * Reads a schema with its overlay.
 *
 * @param isGenerated whether nobody has written the schema: no problem is located in it
 * @throws {SupergraphConfigError} with what is wrong in the two texts
 */
export function overlaidDocument(
  subgraph: string,
  { sdl, file }: { readonly sdl: string; readonly file: string },
  overlay: Text,
  { isGenerated }: { readonly isGenerated: boolean },
): DocumentNode {
  const problems: Problem[] = [];
  const schema = parsed(subgraph, { text: sdl, file }, isGenerated);
  const document = withOverlay(schema, parsed(subgraph, overlay, false), (message, node) =>
    problems.push({
      level: 'error',
      code: 'INVALID_SOURCE_SCHEMA',
      message,
      locations: locateNode(node, subgraph),
    }),
  );
  if (problems.length > 0) throw new SupergraphConfigError(problems);
  return isSourceSchema(document) ? document : federationDocument(document.definitions);
}

function parsed(subgraph: string, { text, file }: Text, noLocation: boolean): DocumentNode {
  const source = new Source(text, file);
  try {
    return parse(source, { noLocation });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { message, positions = [] } = error;
    const locations = positions.map((offset) => locate(source, offset, subgraph));
    throw new SupergraphConfigError([{ level: 'error', code: 'INVALID_GRAPHQL', message, locations }]);
  }
}
