import { parse } from 'graphql';
import { explainPlan, type FetchReason, printReasons } from '../../../../gateway/explain/fetch-reasons';
import { printPlan } from '../../../../gateway/explain/print-plan';
import { Planner } from '../../../../gateway/planning';
import { defaultBudget, StepCount } from '../../../../gateway/planning/budget';
import { planOperation } from '../../../../gateway/planning/plan-operation';
import { runAtOnce } from '../../../../schema/supergraph/sliced-work';
import { compose } from '../../../support/compose';

const supergraphSdl = compose({
  products: `
    type Query { top: [Product!]! @shareable }
    type Product @key(fields: "upc") @key(fields: "id") { upc: ID! id: ID! price: Int weight: Int name: String @shareable }`,
  inventory: `
    type Product @key(fields: "upc") {
      upc: ID! price: Int @external weight: Int @external
      shipping: Int @requires(fields: "price weight")
    }`,
  catalogue: `
    type Query { top: [Product!]! @shareable }
    type Product @key(fields: "upc") { upc: ID! name: String @shareable }`,
  sellers: `
    type Product @key(fields: "id") @key(fields: "upc") { id: ID! upc: ID! seller: User }
    type User @key(fields: "email") { email: ID! }`,
  accounts: 'type User @key(fields: "email") { email: ID! name: String }',
});

let planner: Planner;

beforeAll(() => {
  planner = new Planner({ supergraphSdl });
});

afterAll(() => planner.close());

async function reasonsOf(operation: string): Promise<readonly FetchReason[]> {
  const { reasons } = await explainPlan(planner, operation, undefined);
  return [...reasons.values()];
}

it('names the key of a fetch, what requires fields of others, and who needs its own', async () => {
  const [root, inventory] = await reasonsOf('{ top { shipping } }');

  expect(root).toMatchObject({
    subgraph: 'products',
    path: '',
    keys: [],
    neededBy: [{ subgraph: 'inventory', fields: ['upc', 'price', 'weight'] }],
  });
  expect(inventory).toEqual({
    subgraph: 'inventory',
    path: 'top',
    keys: ['Product by upc'],
    requires: [{ field: 'Product.shipping', fields: 'price weight' }],
    neededBy: [],
    only: ['Product.shipping'],
    nextBest: 'none',
  });
});

it('says what the next best plan costs', async () => {
  const [root] = await reasonsOf('{ top { name price } }');
  expect(root).toMatchObject({
    subgraph: 'products',
    only: [],
    // Names from the catalogue, then prices.
    nextBest: { fetches: 2, chain: 2 },
  });

  const [, seller, user] = await reasonsOf('{ top { seller { name } } }');
  expect(seller).toMatchObject({
    subgraph: 'sellers',
    only: ['Product.seller'],
    neededBy: [{ subgraph: 'accounts', fields: ['email'] }],
    // By its other key.
    nextBest: { fetches: 3, chain: 3 },
  });
  expect(user).toMatchObject({ path: 'top.seller', keys: ['User by email'], nextBest: 'none' });
});

it('writes them as comments into the plan, which is else as ever', async () => {
  const operation = '{ top { shipping } }';
  const text = printReasons(await explainPlan(planner, operation, undefined));

  expect(text).toContain(`
      Fetch(service: "inventory") {
        # Fetches Product by upc.
        # Product.shipping requires price weight.
        # No other subgraph resolves Product.shipping.
        # There is no other way.
        {
          ... on Product {`);
  expect(text.replaceAll(/^ *#.*\n/gm, '')).toBe(printPlan(await planner.plan(operation, undefined)));
});

it('leaves the next best plan open where it takes more steps than planning may', async () => {
  const operation = '{ top { name price } }';
  const steps = new StepCount(defaultBudget);
  runAtOnce(planOperation({ document: parse(operation) }, (await planner.details()).index, steps));
  const poor = new Planner({ supergraphSdl, limits: { steps: steps.taken } });
  const { reasons } = await explainPlan(poor, operation, undefined);
  expect([...reasons.values()]).toMatchObject([{ nextBest: 'unknown' }]);
  await poor.close();
});
