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
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([graph.accounts, graph.reviews, ...subgraphs])),
    logging: { level: 'error' },
    ...options,
  });
  return { graph, gateway, canary: await startCanary({ url: gateway.url }) };
}

/** Waits for harm that shows late, for some milliseconds, and ends everything. */
export async function stopAttacked(
  { graph, gateway, canary }: Attacked,
  subgraphs: readonly TestSubgraph[] = [],
  after = 200,
): Promise<void> {
  try {
    await canary.expectUnharmed(after);
  } finally {
    await canary.stop();
    await gateway.stop();
    await Promise.all([graph, ...subgraphs].map((each) => each.close()));
  }
}
