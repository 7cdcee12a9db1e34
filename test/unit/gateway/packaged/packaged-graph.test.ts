import type { SupergraphFacts } from '../../../../gateway/planning';
import {
  type PackagedGraph,
  PackagedPlans,
  readGraph,
  writeGraph,
} from '../../../../gateway/packaged/packaged-graph';
import { plannerOf, planWith } from '../../../support/planning';

const graph: PackagedGraph = {
  supergraphSdl: 'type Query { a: Int }',
  facts: {
    apiSchemaSdl: ['type Query { a: Int }'],
    inaccessibleValues: new Map([['E', ['A']]]),
    subgraphs: [{ name: 's', url: '' }],
    overrideLabels: ['l'],
    entities: {
      subgraphs: new Map([['s', { keys: new Map(), interfaceObjects: new Set(['I']) }]]),
    },
  } as unknown as SupergraphFacts,
  overrideLabels: ['l'],
  operations: [
    { document: '{ a }', names: ['1'], plans: [{ operationNames: [null], plan: '{"kind":"QueryPlan"}' }] },
    { document: '{ gone }', names: ['2'], plans: [] },
  ],
};

describe('a packaged graph', () => {
  it('is read as it was written, with maps and sets', () => {
    expect(readGraph(writeGraph(graph, '1.0.0'), graph.supergraphSdl, '1.0.0')).toEqual(graph);
  });

  it('is refused by another version of Weir, and with another supergraph', () => {
    const text = writeGraph(graph, '1.0.0');
    expect(() => readGraph(text, graph.supergraphSdl, '1.0.1')).toThrow(
      'graph.json was made by Weir 1.0.0, but this is Weir 1.0.1: package it again.',
    );
    expect(() => readGraph(text, 'type Query { b: Int }', '1.0.0')).toThrow(
      'graph.json was made of another supergraph than the package has: package it again.',
    );
  });

  it('has the plans of valid operations, with the labels that are always on', async () => {
    const asked: string[] = [];
    const plans = new PackagedPlans(graph);
    const planner = plans.inFrontOf(
      plannerOf((document, name, labels) => {
        asked.push([document, name, ...labels].join(' '));
        return { kind: 'QueryPlan' };
      }),
    );
    expect(plans.has('{ a }', undefined)).toBe(true);
    expect(plans.has('{ a }', 'A')).toBe(false);
    expect(plans.has('{ gone }', undefined)).toBe(false);
    expect(await planWith(planner, '{ a }', undefined, ['l'])).toEqual({ kind: 'QueryPlan' });
    expect(asked).toEqual([]);
    await planWith(planner, '{ a }', undefined, []);
    await planWith(planner, '{ a }', 'A', ['l']);
    await planWith(planner, '{ gone }', undefined, ['l']);
    expect(asked).toEqual(['{ a } ', '{ a } A l', '{ gone }  l']);
  });
});
