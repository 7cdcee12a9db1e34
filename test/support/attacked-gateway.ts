import type { GatewayOptions } from '../../gateway';
import { type Canary, startCanary } from './canary';
import { sourceOf, startTestGateway, type TestGateway } from './running-gateway';
import { compose, type SmallGraph, startSmallGraph, type TestSubgraph } from './small-graph';

/** A gateway over the small graph and perhaps more, and a client of it that must not feel what others do to it. */
export interface Attacked {
  readonly graph: SmallGraph;
  readonly gateway: TestGateway;
  readonly canary: Canary;
}

export async function startAttacked(
  options: Omit<GatewayOptions, 'supergraph'>,
  subgraphs: readonly TestSubgraph[] = [],
): Promise<Attacked> {
  const graph = await startSmallGraph();
  return { graph, ...(await startAttackedOver([graph.accounts, graph.reviews, ...subgraphs], options)) };
}

/** The same over subgraphs of one's own. @param queries of the client */
export async function startAttackedOver(
  subgraphs: readonly TestSubgraph[],
  options: Omit<GatewayOptions, 'supergraph'>,
  queries?: readonly string[],
): Promise<Omit<Attacked, 'graph'>> {
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose(subgraphs)),
    logging: { level: 'error' },
    ...options,
  });
  return { gateway, canary: await startCanary({ url: gateway.url, ...(queries && { queries }) }) };
}

/** Waits for harm that shows late, for some milliseconds, and ends everything. */
export async function stopAttacked(
  { graph, gateway, canary }: Omit<Attacked, 'graph'> & Partial<Pick<Attacked, 'graph'>>,
  subgraphs: readonly TestSubgraph[] = [],
  after = 200,
): Promise<void> {
  try {
    await canary.expectUnharmed(after);
  } finally {
    await canary.stop();
    await gateway.stop();
    await Promise.all([...(graph ? [graph] : []), ...subgraphs].map((each) => each.close()));
  }
}
