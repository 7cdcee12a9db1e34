/** The tags of answers. Over 300 lines: the cases share one supergraph. */
import { parse } from 'graphql';
import { AnswerTags } from '../../../../gateway/cache/answer-tags';
import { entityTag, unknownOf } from '../../../../gateway/cache/tags';
import { entityFactsOf } from '../../../support/own-planner';
import type { SubgraphRequest } from '../../../../gateway/subgraph-calls/contract/transport';
import { heapUsed } from '../../../support/heap';
import { compose } from '../../../support/small-graph';
import { operationOf, requestOf } from '../../../support/subgraph-request';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12",
  import: ["@key", "@shareable", "@interfaceObject", "@inaccessible", { name: "@cacheTag", as: "@tagged" }])`;

const supergraph = compose([
  {
    name: 'products',
    url: 'http://products',
    typeDefs: `
      ${link}
      type Query {
        product(upc: ID!, region: String = "eu"): Product @tagged(format: "product-{$args.upc}-{$args.region}")
        shelf: [Product] @tagged(format: "catalogue")
        things: [Thing]
        media: [Media]
      }
      type Mutation { change(upc: ID!): Product  swap: Thing  tidy: Boolean }
      type Product @key(fields: "upc") @key(fields: "sku org { id }") @tagged(format: "product-{$key.upc}") {
        upc: ID!  sku: ID!  org: Org!  name: String  shelf: Shelf
      }
      type Org @shareable { id: ID! }
      type Shelf { name: String }
      interface Media @key(fields: "id") { id: ID! url: String }
      type Image implements Media @key(fields: "id") { id: ID! url: String }
      union Thing = Product | Shelf
    `,
  },
  {
    name: 'reviews',
    url: 'http://reviews',
    typeDefs: `
      ${link}
      type Query { latest: Review }
      type Review { product: Product }
      type Product @key(fields: "upc") { upc: ID! rating: Int media: Media }
      type Media @key(fields: "id") @interfaceObject { id: ID! rating: Int }
    `,
  },
]);
const facts = entityFactsOf(parse(supergraph));
const products = new AnswerTags('products', facts);
const reviews = new AnswerTags('reviews', facts);

const response = (data: unknown): Buffer => Buffer.from(JSON.stringify({ data }));
const tagsOf = (document: string, data: unknown, variables: object = {}): string[] =>
  [...products.ofResponse(requestOf(document, variables), response(data))].sort();
const ofEntity = (of: AnswerTags, selection: string, representation: object, answer: unknown): string[] =>
  [
    ...of.ofEntity(
      `query($representations:[_Any!]!){_entities(representations:$representations){${selection}}}`,
      Buffer.from(JSON.stringify(representation)),
      Buffer.from(JSON.stringify(answer)),
    )!,
  ].sort();

describe('a response', () => {
  it('has the tags of the selected types, even without objects of them', () => {
    expect(tagsOf('{ shelf { name shelf { name } } }', { shelf: [] })).toEqual([
      'catalogue',
      'subgraph:products',
      'type:Product',
      'type:Shelf',
      'type:Thing',
    ]);
  });

  it('has the tags of the entities in it, by all of their keys', () => {
    const tags = tagsOf('{ shelf { upc sku org { id } } }', {
      shelf: [{ upc: 1, sku: 'a', org: { id: 'o' } }],
    });
    expect(tags).toEqual(expect.arrayContaining(['Product:upc=1', 'Product:org.id=o,sku=a', 'product-1']));
  });

  it('has the tag of any entity for an entity whose key is not in it', () => {
    const tags = tagsOf('{ shelf { sku name } }', { shelf: [{ sku: 'a', name: 'A' }] });
    expect(tags).toEqual(expect.arrayContaining(['Product:upc=?', 'Product:org.id=?', 'product-{$key.upc}']));
  });

  it('does not mistake another field under the name of a key for the key', () => {
    const tags = tagsOf('{ shelf { upc: name } }', { shelf: [{ upc: 'A' }] });
    expect(tags).toContain('Product:upc=?');
    expect(tags).not.toContain('Product:upc=A');
  });

  it('finds a key under an alias, and in a fragment', () => {
    const tags = tagsOf('{ things { __typename ... on Product { id: upc } } }', {
      things: [{ __typename: 'Product', id: '1' }, { __typename: 'Shelf' }],
    });
    expect(tags).toContain('Product:upc=1');
    expect(tags).not.toContain('Product:upc=?');
  });

  it('has the tags of all possible types of an interface or a union without __typename', () => {
    expect(tagsOf('{ media { url } }', { media: [{ url: 'u' }] })).toEqual(
      expect.arrayContaining(['Image:id=?', 'Media:id=?', 'type:Image', 'type:Media']),
    );
  });

  it('has the tag of any entity for a null entity', () => {
    const anyProduct = ['Product:org.id=?', 'Product:upc=?', 'product-{$key.upc}'];
    const document = 'query($upc: ID!) { product(upc: $upc) { upc sku org { id } } }';
    expect(tagsOf(document, { product: null }, { upc: '1' })).toEqual(expect.arrayContaining(anyProduct));
    const inList = tagsOf('{ shelf { upc } }', { shelf: [{ upc: '2' }, null] });
    expect(inList).toEqual(expect.arrayContaining(['Product:upc=2', ...anyProduct]));
    expect(tagsOf('{ shelf { upc } }', { shelf: null })).toEqual(expect.arrayContaining(anyProduct));
  });

  it('has the tags of all possible entities for a null interface or union', () => {
    const things = tagsOf('{ things { __typename ... on Product { upc } } }', { things: [null] });
    expect(things).toContain('Product:upc=?');
    expect(tagsOf('{ media { id } }', { media: [null] })).toEqual(
      expect.arrayContaining(['Image:id=?', 'Media:id=?']),
    );
  });

  it('has the tags of the nearest possible entities within a null object, and of none further away', () => {
    const document = '{ latest { product { upc media { id } } } }';
    const within = [...reviews.ofResponse(requestOf(document), response({ latest: null }))];
    expect(within).toContain('Product:upc=?');
    expect(within).not.toContain('Media:id=?');
  });

  it('has no entity tags for an empty list', () => {
    expect(tagsOf('{ shelf { upc } }', { shelf: [] })).not.toContain('Product:upc=?');
  });

  it('has the tag of a requested entity that does not exist', () => {
    const document =
      'query($r:[_Any!]!){_entities(representations:$r){... on Product{upc sku org{id} shelf{name}}}}';
    const asked = {
      ...requestOf(document, { r: [{ __typename: 'Product', upc: '1' }] }),
      entities: [
        {
          responseKey: '_entities',
          variable: 'r',
          selection: document,
          arguments: Buffer.alloc(0),
          count: 0,
          representations: [],
        },
      ],
    };
    const tags = [...products.ofResponse(asked, response({ _entities: [null] }))];
    expect(tags).toEqual(expect.arrayContaining(['Product:upc=1', 'Product:org.id=?', 'product-1']));
    expect(tags).not.toContain('Product:upc=?');
  });

  it('has the tags of its fields, with given or default arguments', () => {
    const document = 'query($upc: ID!, $r: String = "us") { product(upc: $upc, region: $r) { upc } }';
    const data = { product: { upc: '1' } };
    expect(tagsOf(document, data, { upc: '1', r: 'eu' })).toContain('product-1-eu');
    expect(tagsOf(document, data, { upc: '1' })).toContain('product-1-us');
    // What the subgraph makes of it is not known here.
    expect(tagsOf('{ product(upc: "1") { upc } }', data)).toContain('product-{$args.upc}-{$args.region}');
  });

  it('that is not JSON has the tags that do not depend on its data', () => {
    const tags = products.ofResponse(requestOf('{ shelf { upc } }'), Buffer.from('<html>'));
    expect([...tags]).toEqual(expect.arrayContaining(['catalogue', 'type:Product']));
  });
});

describe('an entity', () => {
  it('has the tag of any entity for a null entity within it', () => {
    const tags = ofEntity(
      reviews,
      '... on Product { media { id } }',
      { __typename: 'Product', upc: '1' },
      { media: null },
    );
    expect(tags).toEqual(expect.arrayContaining(['Product:upc=1', 'Image:id=?', 'Media:id=?']));
    expect(tags).not.toContain('Product:upc=?');
  });

  it('is identified by its representation', () => {
    const tags = ofEntity(
      reviews,
      '... on Product { rating }',
      { __typename: 'Product', upc: '1', price: 3 },
      { rating: 1 },
    );
    expect(tags).toEqual([
      'Product:org.id=?',
      'Product:upc=1',
      'subgraph:reviews',
      'type:Product',
      'type:Thing',
    ]);
  });

  it('that does not exist has the tags that it would have', () => {
    expect(ofEntity(products, '... on Product { name }', { __typename: 'Product', upc: '1' }, null)).toEqual(
      expect.arrayContaining(['Product:upc=1', 'product-1']),
    );
  });

  it('of an interface has the tags of its object type, and the other way round', () => {
    const byInterface = ofEntity(
      reviews,
      '... on Media { rating }',
      { __typename: 'Media', id: 'm' },
      { rating: 1 },
    );
    const byObject = ofEntity(
      products,
      '... on Image { url }',
      { __typename: 'Image', id: 'm' },
      { url: 'u' },
    );
    for (const tags of [byInterface, byObject])
      expect(tags).toEqual(expect.arrayContaining(['Image:id=m', 'Media:id=m']));
  });

  it('that is not JSON has no known tags', () => {
    const document =
      'query($representations:[_Any!]!){_entities(representations:$representations){__typename}}';
    expect(products.ofEntity(document, Buffer.from('{}'), Buffer.from('{"a":}'))).toBeUndefined();
  });
});

describe('entities', () => {
  const selection = '... on Product { __typename rating media { id rating } }';
  const document = `query($r:[_Any!]!){_entities(representations:$r){${selection}}}`;
  const asked = ['1', '2', '3', '4'].map((upc) => ({ __typename: 'Product', upc }));
  const answers = [
    { __typename: 'Product', rating: 1, media: { id: 'm', rating: 2 } },
    null,
    { __typename: 'Product', media: null },
    { __typename: 'Thing', media: [{ rating: 1 }] },
  ];

  it('have the tags together that each of them has alone', () => {
    const representations = asked.map((each) => Buffer.from(JSON.stringify(each)));
    const list = { responseKey: '_entities', variable: 'r', selection: document, representations };
    const request = {
      ...requestOf(document, { r: asked }),
      entities: [{ ...list, arguments: Buffer.alloc(0), count: asked.length }],
    };
    const together = reviews.ofResponse(request, response({ _entities: answers }));
    const alone = asked.flatMap((each, i) => ofEntity(reviews, selection, each, answers[i]));
    expect([...together].sort()).toEqual([...new Set(alone)].sort());
    expect([...together]).toEqual(expect.arrayContaining(['Product:upc=1', 'Product:upc=4', 'Media:id=m']));
  });

  it('are found below objects that are none', () => {
    const tags = [
      ...reviews.ofResponse(
        requestOf('{ latest { product { upc media { id } } } }'),
        response({ latest: { product: { upc: '1', media: { id: 'm' } } } }),
      ),
    ];
    expect(tags).toEqual(expect.arrayContaining(['Product:upc=1', 'Media:id=m', 'Image:id=m']));
  });

  it('are identified without the types that their keys have', () => {
    const things = new AnswerTags(
      'things',
      entityFactsOf(
        parse(
          compose([
            {
              name: 'things',
              url: 'http://things',
              typeDefs: `
                ${link}
                type Query { thing: Thing }
                type Thing @key(fields: "__typename id of { __typename id }") { id: ID! of: Of }
                type Of { id: ID! }
              `,
            },
          ]),
        ),
      ),
    );
    const of = (thing: object) => [
      ...things.ofResponse(
        requestOf('{ thing { __typename id of { __typename id } } }'),
        response({ thing }),
      ),
    ];
    expect(of({ __typename: 'Thing', id: 1, of: { __typename: 'Of', id: 2 } })).toContain(
      entityTag('Thing', { __typename: 'Thing', id: 1, of: { __typename: 'Of', id: 2 } }),
    );
    expect(of({ __typename: 'Thing', of: null })).toEqual(
      expect.arrayContaining(unknownOf(entityTag('Thing', { id: 1, of: { id: 2 } }))),
    );
  });
});

describe('a mutation', () => {
  const mutation = (document: string, variables: object = {}): SubgraphRequest => ({
    ...requestOf(document, variables),
    operation: operationOf(document, { subgraph: 'products', kind: 'mutation' }),
  });
  const changedBy = (document: string, data: unknown): string[] =>
    [...products.changedBy(mutation(document), response(data))].sort();

  it('changes the entities that it returns', () => {
    expect(changedBy('mutation { change(upc: "1") { upc name } }', { change: { upc: '1' } })).toEqual([
      'Product:upc=1',
      'product-1',
    ]);
  });

  it('changes all entities of a type if the keys are not known', () => {
    expect(changedBy('mutation { change(upc: "1") { name } }', { change: { name: 'A' } })).toContain(
      'type:Product',
    );
  });

  it('changes nothing that it does not return', () => {
    expect(changedBy('mutation { change(upc: "1") { upc } tidy }', { change: null, tidy: true })).toEqual([]);
  });

  it('has the effects that are declared for its fields', () => {
    const declared = new Map([
      ['change', ['product-{$args.upc}', 'type:Shelf']],
      ['tidy', ['*']],
    ]);
    const tags = products.ofMutation(
      mutation('mutation($u: ID!) { c: change(upc: $u) { name } }', { u: '7' }),
      declared,
    );
    expect([...tags]).toEqual(['product-7', 'type:Shelf']);
  });
});

describe('the fingerprint of a subgraph', () => {
  const fingerprints = (sdl: string) => {
    const { subgraphs } = entityFactsOf(parse(sdl));
    return [...subgraphs.values()].map(({ fingerprint }) => fingerprint);
  };

  it('changes with its own schema, and with no other', () => {
    const changed = supergraph.replace(
      /rating: Int @join__field\(graph: REVIEWS\)/,
      'rating: Float @join__field(graph: REVIEWS)',
    );
    expect(changed).not.toBe(supergraph);
    const [mine, theirs] = fingerprints(supergraph);
    expect(fingerprints(changed)[0]).toBe(mine);
    expect(fingerprints(changed)[1]).not.toBe(theirs);
  });
});

it('remembers no types that a response names and the supergraph has not', async () => {
  const before = await heapUsed();
  for (let i = 0; i < 50; i++)
    expect(
      tagsOf('{ things { __typename } }', { things: [{ __typename: `${i}`.padEnd(1e6, 'x') }] }),
    ).toContain('subgraph:products');
  expect((await heapUsed()) - before).toBeLessThan(10e6);
});
