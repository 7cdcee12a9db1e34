/**
 * Labels of progressive `@override`s that are not found for an operation change nothing of its plan: so answers need not be
 * kept apart by them. `WEIR_SEED` chooses the first seed, `WEIR_SUPERGRAPHS` how many are drawn.
 */
import '../support/fast-graphql';
import { findCallerOverrides } from '../../gateway/graph/overrides';
import { amountOf, timeFor } from '../support/amounts';
import { buildQueryPlanner } from '../support/own-planner';
import { RandomSource } from '../support/random-source';
import { drawGraph, drawOperation, firstIntricate } from './case';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 70_000);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 32, 400);
const operations = 40;

it(
  'finds all labels on which a plan depends, and not all that there are',
  () => {
    const counts = { plans: 0, changed: 0, leftOut: 0 };
    for (let i = 0; i < supergraphs; i++) {
      const seed = firstSeed + (i >> 1) + (i % 2 === 0 ? 0 : firstIntricate);
      const { graph } = drawGraph(seed);
      const { supergraph, plan } = buildQueryPlanner({ supergraphSdl: graph.supergraphSdl });
      const labels = supergraph.overrideLabels;
      const overrides = Object.fromEntries(labels.map((label) => [label, { claim: 'labels' }]));
      const find = findCallerOverrides(supergraph, overrides);
      if (find === undefined) continue;
      const random = new RandomSource(seed);
      for (let number = 0; number < operations; number++) {
        const { document, source, operationName } = drawOperation(graph, seed, number);
        const on = labels.filter(() => random.chance(0.5)).sort();
        const identity = { claims: { labels: on }, groups: [] };
        const own = find(document, graph.apiSchema)?.({ identity, head: { headers: {} } }).on ?? [];
        const planWith = (some: readonly string[]): string =>
          JSON.stringify(plan(source, operationName, some));
        const planned = planWith(on);
        if (planned !== planWith(own))
          throw new Error(`${seed}/${number}: ${on.join()} is not ${own.join()}`);
        counts.plans++;
        if (planned !== planWith([])) counts.changed++;
        if (own.length < on.length) counts.leftOut++;
      }
    }
    expect(counts.changed).toBeGreaterThan(5);
    expect(counts.leftOut).toBeGreaterThan(20);
    process.stdout.write(`${JSON.stringify(counts)}\n`);
  },
  timeFor(supergraphs * operations, 500),
);
