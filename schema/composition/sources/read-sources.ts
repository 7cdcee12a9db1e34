import type { DocumentNode, Source } from 'graphql';
import { locateNode, type Problem } from '../problem';
import type { SubgraphSchema } from '../compose';
import { federationSchema } from './federation-schema';
import { withOverlay } from './overlay';
import { Owners } from './owners';
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
  const read = schemas.map((each) => {
    const isSource = isSourceSchema(each.document);
    return {
      ...each,
      isSource,
      document: isSource ? withOverlay(each.document, undefined, () => undefined) : each.document,
    };
  });
  const owners = new Owners(read.map(({ document }) => document));
  const documents = read.map(({ isSource, ...each }): SubgraphDocument => {
    if (!isSource) return each;
    const { name } = each.subgraph;
    const made = federationSchema(each.document, owners, (message, node) =>
      problems.push({
        level: 'error',
        code: 'INVALID_SOURCE_SCHEMA',
        message,
        locations: locateNode(node, name),
      }),
    );
    if (made === undefined) return each;
    sources.set(name, made.source);
    return { ...each, document: made.document };
  });
  return { documents, sources, problems };
}
