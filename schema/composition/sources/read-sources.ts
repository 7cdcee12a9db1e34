import type { DocumentNode, Source } from 'graphql';
import { locateNode, type Problem } from '../problem';
import type { SubgraphSchema } from '../compose';
import { sourceGraphs } from './federation-graphs';
import { withOverlay } from './overlay';
import { Owners } from './owners';
import { isSourceSchema } from './source-words';
import type { ComposedSource } from './write-sources';

/** A graph to compose: that of a subgraph, or one of two. */
export interface SubgraphDocument {
  readonly subgraph: Pick<SubgraphSchema, 'name' | 'routingUrl'>;
  readonly document: DocumentNode;
  /** Of which its nodes are. */
  readonly texts: ReadonlySet<Source | undefined>;
}

/** Replaces the schemas of sources by their graphs. */
export function readSources(schemas: readonly SubgraphDocument[]) {
  const sources: ComposedSource[] = [];
  const problems: Problem[] = [];
  const isSource = new Set<SubgraphDocument>();
  const read = schemas.map((each) => {
    if (!isSourceSchema(each.document)) return each;
    const source = { ...each, document: withOverlay(each.document, undefined, () => undefined) };
    isSource.add(source);
    return source;
  });
  const owners = new Owners(read.map(({ document }) => document));
  const documents = read.flatMap((each): SubgraphDocument[] => {
    if (!isSource.has(each)) return [each];
    const { name: of, routingUrl } = each.subgraph;
    const { graphs, schema } = sourceGraphs(of, each.document, owners, (message, node) =>
      problems.push({
        level: 'error',
        code: 'INVALID_SOURCE_SCHEMA',
        message,
        locations: locateNode(node, of),
      }),
    );
    sources.push({ of, schema, graphs: [...graphs.keys()] });
    return Array.from(graphs, ([name, document]) => ({ ...each, subgraph: { name, routingUrl }, document }));
  });
  return { documents, sources, problems };
}
