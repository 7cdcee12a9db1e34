/** gateway/planning/planner.ts: what packages, warm plans and the plan cache rely on: a supergraph and an operation have one plan. */
import { buildSchema, parse, validate } from 'graphql';
import type * as PlannerModule from '../../../../gateway/planning/planner';
import { readGraph } from '../../../support/planner-graph';

const graphs: Readonly<Record<string, readonly string[]>> = {
  'schema/supergraph.graphql': [
    '{ products { edges { node { ...P reviews { edges { node { body author { name } product { ...P } } } } } } } } fragment P on Product { name inStock shippingEstimate }',
    'query ($skip: Boolean!) { product(upc: "p1") { a: name ...R @skip(if: $skip) } } fragment R on Product { ratingSummary { average } popularity { __typename } }',
    '{ search(prefix: "ab") { __typename ... on Product { name inStock } ... on Category { name } } viewer { name } carriers { __typename } }',
    '{ review(id: "r1") { author { name } about { __typename alt reviews { __typename } } product { price shippingEstimate } } }',
  ],
  'test/differential/graphs/more-io.graphql': [
    'query($b: Boolean! = false) { any { ... on M1 @skip(if: $b) { next { ... on M1 { label } } } } }',
    '{ top { __typename } ms { __typename } any { __typename } }',
  ],
};

/** Plans like a new process: with modules of its own. */
async function plansOf(
  supergraphSdl: string,
  operations: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  jest.resetModules();
  const { Planner } = require('../../../../gateway/planning/planner') as typeof PlannerModule;
  const planner = new Planner({ supergraphSdl });
  const schema = buildSchema((await planner.ready).apiSchemaSdl.join(''));
  expect(operations.flatMap((operation) => validate(schema, parse(operation)))).toEqual([]);
  const plans = operations.map(async (operation, i) => {
    const plan = await planner.plan(operation, undefined, [], `client ${i}`);
    return [operation, JSON.stringify(plan)] as const;
  });
  const made = new Map(await Promise.all(plans));
  await planner.close();
  return made;
}

it.each(Object.entries(graphs))(
  'plans of %s are the same bytes in each process, whatever was planned before or beside',
  async (file, operations) => {
    const supergraphSdl = readGraph(file);
    const together = await plansOf(supergraphSdl, operations);
    const backwards = await plansOf(supergraphSdl, operations.toReversed());

    for (const operation of operations) {
      const alone = await plansOf(supergraphSdl, [operation]);
      expect(alone.get(operation)).toMatch(/^\{"kind":"QueryPlan"/);
      expect(together.get(operation)).toBe(alone.get(operation));
      expect(backwards.get(operation)).toBe(alone.get(operation));
    }
  },
);
