import { type DocumentNode, Kind, parse, print } from 'graphql';
import type { SubgraphSchema } from '../compose';
import { federationSchema } from './federation-schema';
import { withOverlay } from './overlay';
import { Owners } from './owners';
import { isSourceSchema } from './source-words';

/**
 * The schemas of a graph in which these sources are federation subgraphs, as their mocks are. A schema with mistakes stays as
 * it is, for composition to report them.
 */
export function asSubgraphs(
  subgraphs: readonly SubgraphSchema[],
  isIncluded: (name: string) => boolean,
): SubgraphSchema[] {
  const documents = subgraphs.map(({ sdl, document }) =>
    withOverlay(document ?? parsed(sdl), undefined, () => undefined),
  );
  const owners = new Owners(documents);
  return subgraphs.map((subgraph, index) => {
    const { name, routingUrl, file } = subgraph;
    const isSource = isIncluded(name) && isSourceSchema(documents[index]!);
    const made = isSource ? federationSchema(documents[index]!, owners, () => undefined) : undefined;
    return made === undefined ? subgraph : { name, routingUrl, file, sdl: `${print(made.document)}\n` };
  });
}

function parsed(sdl: string): DocumentNode {
  try {
    return parse(sdl);
  } catch {
    return { kind: Kind.DOCUMENT, definitions: [] };
  }
}
