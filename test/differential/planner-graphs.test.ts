/**
 * The smallest supergraphs on which planners were wrong: each with the operation that shows it, and with operations drawn at
 * random, answered as one schema would answer them.
 */
import '../support/fast-graphql';
import { Supergraph } from '@apollo/federation-internals';
import { parse } from 'graphql';
import { RandomWorld, type SubgraphSource } from '../support/random-world';
import { amountOf } from '../support/amounts';
import { readGraph } from '../support/planner-graph';
import { type Difference, differenceOf, drawOperation, report } from './case';
import { composeGraph, type Graph, startEngine } from './systems';

const operations = amountOf('WEIR_OPERATIONS', 20, 2000);
const worlds = [1, 2, 3, 4, 5, 6, 7, 8];

describe.each([
  ['mini-chain', '{ a { z } }'],
  ['mini-chain-i', '{ i { ... on A { z } } }'],
  ['mini-io', '{ w { ... on A { y } ... on B { n } } }'],
  ['3-min', '{ t { f } }'],
  ['5-min-one-subgraph', '{ ps { d { ... on DB { pages } } ... on F { d { c } } } }'],
  ['cov-3', '{ ms { e { ... on E1 { y } } ... on M1 { e { y } } } }'],
  ['6-min', '{ ms { y ... on M2 { label } ... on M1 { name } } }'],
  ['6-min', '{ ms { y ... on M2 { label } } }'],
  [
    '8-min-covariant',
    '{ as { c { ... on C2 { l { ... on L1 { z } } } } c { l { ... on L1 { z } } ... on C2 { l { ... on L1 { w } } } } ... on A2 { c { k } } } }',
  ],
  [
    'more-io',
    'query($b: Boolean! = false) { any { ... on M1 @skip(if: $b) { next { ... on M1 { label } } } } }',
  ],
])('on %s', (name, source) => {
  test(`answers ${source} as one schema would`, async () => {
    for (const seed of worlds) {
      const graph = graphOf(name, seed);
      const operation = { source, document: parse(source), variables: {}, operationName: undefined };
      const difference = await differenceOf(graph, startEngine(graph), operation);
      await refuse(graph, seed, operation, difference);
    }
  });

  test('answers operations drawn at random as one schema would', async () => {
    for (const seed of worlds) {
      const graph = graphOf(name, seed);
      const engine = startEngine(graph);
      for (let number = 0; number < operations / worlds.length; number++) {
        const operation = drawOperation(graph, seed, number);
        await refuse(graph, seed, operation, await differenceOf(graph, engine, operation));
      }
    }
  });
});

async function refuse(
  graph: Graph,
  worldSeed: number,
  operation: Parameters<typeof report>[1],
  difference: Difference | undefined,
): Promise<void> {
  if (difference !== undefined) throw new Error(await report({ graph, worldSeed }, operation, difference));
}

const subgraphs = new Map<string, readonly SubgraphSource[]>();

function graphOf(name: string, seed: number): Graph {
  let sources = subgraphs.get(name);
  if (sources === undefined) {
    const extracted = Supergraph.build(readGraph(`test/differential/graphs/${name}.graphql`))
      .subgraphs()
      .values();
    sources = extracted.map((subgraph) => ({
      name: subgraph.name,
      // A subgraph may have no query type.
      typeDefs: subgraph.toString().replace(/^schema([^{]*)\{[^}]*\}/, 'extend schema$1'),
    }));
    subgraphs.set(name, sources);
  }
  const graph = composeGraph(sources, new RandomWorld(seed, sources));
  if (Array.isArray(graph)) throw new Error(graph.join('\n'));
  return graph;
}
