import { type DocumentNode, Kind, parse, print, type Source } from 'graphql';
import type { Problem } from '../problem';
import type { SubgraphSchema } from '../compose';
import { federationSchema } from './federation-schema';
import { withOverlay } from './overlay';
import { Owners } from './owners';
import { sourceProblem } from './source-problem';
import { isSourceSchema } from './source-words';

/** A subgraph to compose. */
export interface SubgraphDocument {
  readonly subgraph: Pick<SubgraphSchema, 'name' | 'routingUrl'>;
  readonly document: DocumentNode;
  /** Of which its nodes are. */
  readonly texts: ReadonlySet<Source | undefined>;
}

/** Replaces the schemas of sources by those of federation subgraphs. */
export function readSources(schemas: readonly SubgraphDocument[]) {
  /** By the names of the subgraphs. */
  const sources = new Map<string, string>();
  const problems: Problem[] = [];
  const joined = schemas.map(({ document }) => withOverlay(document));
  const owners = new Owners(joined);
  const documents = schemas.map((each, index): SubgraphDocument => {
    if (!isSourceSchema(each.document)) return each;
    const { name } = each.subgraph;
    const made = federationSchema(joined[index]!, owners, (message, node) =>
      problems.push(sourceProblem(message, node, name)),
    );
    if (made === undefined) return each;
    sources.set(name, made.source);
    return { ...each, document: made.document };
  });
  return { documents, sources, problems };
}

/**
 * The schemas of a graph in which these sources are federation subgraphs, as their mocks are. A schema with mistakes stays as
 * it is, for composition to report them.
 */
export function asSubgraphs(
  subgraphs: readonly SubgraphSchema[],
  isIncluded: (name: string) => boolean,
): SubgraphSchema[] {
  const schemas = subgraphs.map((subgraph) => ({
    ...{ subgraph, texts: new Set<Source>() },
    document: subgraph.document ?? parsed(subgraph.sdl),
  }));
  const { documents, sources } = readSources(schemas);
  return subgraphs.map((subgraph, index) => {
    const { name, routingUrl, file } = subgraph;
    if (!isIncluded(name) || !sources.has(name)) return subgraph;
    return { name, routingUrl, file, sdl: `${print(documents[index]!.document)}\n` };
  });
}

function parsed(sdl: string): DocumentNode {
  try {
    return parse(sdl);
  } catch {
    return { kind: Kind.DOCUMENT, definitions: [] };
  }
}
