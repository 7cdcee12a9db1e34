import { type DocumentNode, Kind, parse, print } from 'graphql';
import type { SubgraphSchema } from '../compose';
import { sourceGraphs } from './federation-graphs';
import { withOverlay } from './overlay';
import { Owners } from './owners';
import { isSourceSchema } from './source-words';

/**
 * The schemas of a graph in which these sources are federation subgraphs, as their mocks are. Each has one schema, as a mock
 * has all fields of an entity wherever it is. A schema with mistakes stays as it is, for composition to report them.
 */
export function asSubgraphs(
  subgraphs: readonly SubgraphSchema[],
  isIncluded: (name: string) => boolean,
): SubgraphSchema[] {
  const documents = subgraphs.map(({ sdl, document }) => document ?? parsed(sdl));
  const owners = new Owners(documents.map((document) => withOverlay(document, undefined, () => undefined)));
  return subgraphs.map((subgraph, index) => {
    const { name, routingUrl, file } = subgraph;
    const document = documents[index]!;
    if (!isIncluded(name) || !isSourceSchema(document)) return subgraph;
    const problems: string[] = [];
    const joined = withOverlay(document, undefined, () => undefined);
    const whole = sourceGraphs(name, joined, owners, (message) => problems.push(message), {
      isWhole: true,
    });
    if (problems.length > 0) return subgraph;
    return { name, routingUrl, file, sdl: `${print(whole.graphs.get(name)!)}\n` };
  });
}

function parsed(sdl: string): DocumentNode {
  try {
    return parse(sdl);
  } catch {
    return { kind: Kind.DOCUMENT, definitions: [] };
  }
}
