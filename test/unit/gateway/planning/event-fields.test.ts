/** Subscription fields that events feed, planned in the shop's own supergraph and in small ones. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildQueryPlanner, formatQueryPlan } from '../../../support/own-planner';
import type { EventFields } from '../../../../gateway/planning/event-fields';
import { compose } from '../../../support/small-graph';

const shop = readFileSync(join(__dirname, '../../../../schema/supergraph.graphql'), 'utf8');
const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])';

const build = (eventFields: EventFields, supergraphSdl = shop) => {
  const { supergraph, plan } = buildQueryPlanner({ supergraphSdl, eventFields });
  return {
    ...supergraph,
    plan: (query: string) => formatQueryPlan(plan(query, undefined, [])).replace(/\s+/g, ' '),
  };
};
const stockChanged = { key: ['upc'], arguments: ['upcs'] };

describe('a field that events feed', () => {
  it('has the key from the event, and everything else from the subgraphs that have it', () => {
    const { plan, eventFieldProblems } = build({ stockChanged });
    expect(eventFieldProblems).toEqual([]);
    expect(plan('subscription ($u: [ID!]!) { stockChanged(upcs: $u) { upc inStock name } }')).toBe(
      'QueryPlan { Subscription { Primary: { Fetch(service: "weir-events") { { stockChanged(upcs: $u) { __typename upc } } } }, ' +
        'Rest: { Parallel { ' +
        'Flatten(path: "stockChanged") { Fetch(service: "inventory") { { ... on Product { __typename upc } } => { ... on Product { inStock } } }, }, ' +
        'Flatten(path: "stockChanged") { Fetch(service: "products") { { ... on Product { __typename upc } } => { ... on Product { name } } }, }, } } }, }',
    );
  });

  it('needs no subgraph for its key', () => {
    expect(build({ stockChanged }).plan('subscription { stockChanged(upcs: ["1"]) { code: upc } }')).toBe(
      'QueryPlan { Subscription { Primary: { Fetch(service: "weir-events") { { stockChanged(upcs: ["1"]) { code: upc } } } }, }, }',
    );
  });

  it('leaves the other fields, the subgraphs, and what clients see as they were', () => {
    const [before, after] = [
      build({}),
      build({ stockChanged, orderChanged: { key: ['id'], arguments: ['id'] } }),
    ];
    for (const query of [
      'subscription { reviewAdded { body product { name inStock } } }',
      '{ product(upc: "1") { name inStock ratingSummary { count } shippingEstimate } viewer { orders { edges { node { status } } } } }',
      'mutation { updateProfile(input: { name: "a" }) { name } }',
    ])
      expect(after.plan(query)).toBe(before.plan(query));
    const facts = ({ apiSchemaSdl, subgraphs, entities }: typeof before) => ({
      apiSchemaSdl,
      subgraphs,
      entities,
    });
    expect(facts(after)).toEqual(facts(before));
  });

  it('may be the only one of its subgraph, with a key of objects, enums and scalars, and arguments of all kinds', () => {
    const typeDefs = `${link}
      scalar Code  enum Kind { A B }  input Which { code: Code!  kinds: [Kind!]  inner: Which }
      type Query { a: Int }
      type Org @shareable { id: ID!  kind: Kind!  name: String }
      type Subscription { moved(which: Which): Shelf }
      type Shelf @key(fields: "org { id kind } code") { org: Org!  code: Code!  city: String }`;
    const key = ['org.id', 'org.kind', 'code'];
    const { plan, eventFieldProblems } = build(
      { moved: { key, arguments: ['which'] } },
      compose([{ name: 'shelves', url: 'http://a', typeDefs }]),
    );
    expect(eventFieldProblems).toEqual([]);
    expect(
      plan('subscription { moved(which: { code: "1", kinds: [A] }) { code city org { id name } } }'),
    ).toContain(
      'Fetch(service: "weir-events") { { moved(which: {code: "1", kinds: [A]}) { __typename code org { id kind } } } }',
    );
  });
});

describe('a field that cannot be fed', () => {
  const typeDefs = `${link}
    type Query { a: Int }
    type Plain { a: Int }
    union Any = Plain
    type Product @key(fields: "upc", resolvable: false) @key(fields: "sku") { upc: ID!  sku: ID! }
    type Subscription { plain: Plain  any: Any  many: [Product]  count: Int  one(sku: ID): Product }`;
  const sdl = compose([{ name: 'a', url: 'http://a', typeDefs }]);

  it.each([
    [
      'none',
      ['upc'],
      [],
      undefined,
      'is no field of the subscription type of the supergraph, which has plain, any, many, count, one.',
    ],
    [
      'plain',
      ['a'],
      [],
      'key',
      'must have a key, but has none: a key by which the subgraph of the field finds a Plain.',
    ],
    ['any', ['a'], [], undefined, 'must be a field of one object with a key, but is of type Any.'],
    ['many', ['sku'], [], undefined, 'must be a field of one object with a key, but is of type [Product].'],
    ['count', ['a'], [], undefined, 'must be a field of one object with a key, but is of type Int.'],
    ['one', ['upc'], [], 'key', 'must have sku: a key by which the subgraph of the field finds a Product.'],
    [
      'one',
      ['sku', 'upc'],
      [],
      'key',
      'must have sku: a key by which the subgraph of the field finds a Product.',
    ],
    ['one', ['sku'], ['upc'], 'filter', 'names the argument upc, but the field has sku.'],
  ])('stays as it is: %s with %j', (field, key, given, member, says) => {
    const { plan, eventFieldProblems } = build({ [field]: { key, arguments: given } }, sdl);
    expect(eventFieldProblems).toEqual([{ field, member, message: says }]);
    expect(plan('subscription { one { upc } }')).toContain('service: "a"');
  });
});
