import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { measurePlans } from '../../../../gateway/explain/plan-costs';

const subgraphs = {
  users: `
    type Query { me: User }
    type Subscription { joined: User }
    type User @key(fields: "id") { id: ID! }`,
  names: `
    type Query { hello: String }
    type User @key(fields: "id") { id: ID! name: String }`,
};

async function costOf(operation: string): Promise<unknown> {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(subgraphs).map(([name, sdl]) => ({
      name,
      url: `http://${name}.test`,
      typeDefs: parse(
        `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]) ${sdl}`,
      ),
    })),
  );
  if (supergraphSdl === undefined) throw new Error(errors.join('\n'));
  const [cost] = await measurePlans(supergraphSdl, [operation]);
  return cost;
}

it.each([
  ['one call', '{ me { id } }', { fetches: 1, chain: 1 }],
  ['a call that waits for another', '{ me { name } }', { fetches: 2, chain: 2 }],
  ['a call beside others', '{ me { name } hello }', { fetches: 3, chain: 2 }],
  ['fetches that share a call', '{ me { name } other: me { name } }', { fetches: 2, chain: 2 }],
  [
    'a call under a condition',
    'query ($v: Boolean!) { me { id name @include(if: $v) } }',
    { fetches: 2, chain: 2 },
  ],
  ['a subscription', 'subscription { joined { id name } }', { fetches: 2, chain: 2 }],
  ['introspection alone', '{ __typename }', { fetches: 0, chain: 0 }],
])('counts %s', async (_name, operation, cost) => {
  expect(await costOf(operation)).toEqual(cost);
});

it('tells no cost of an operation that is not valid', async () => {
  expect(await costOf('{ other }')).toBeUndefined();
});
