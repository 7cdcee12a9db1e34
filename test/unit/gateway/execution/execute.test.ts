/**
 * Over 300 lines: a case for each thing that a plan may ask of an execution. @own-modules: one case looks at what is in a pool
 * that all executions share.
 */
import { Graph, type SentRequest } from './graph';

const products = [
  { upc: '1', name: 'Table', price: 899, weight: 100, tags: ['wood', null] },
  { upc: '2', name: 'Couch "é" \\ 😀', price: 1299, weight: 1000, tags: [] },
  { upc: '3', name: null, price: null, weight: 50, tags: null },
];
const reviews = [
  { id: 'r1', body: 'Love it', author: { id: 'u1' }, product: { upc: '1' } },
  { id: 'r2', body: 'Too big', author: { id: 'u1' }, product: { upc: '2' } },
  { id: 'r3', body: 'So-so', author: { id: 'u2' }, product: { upc: '1' } },
];
const users = [
  { id: 'u1', name: 'Ada' },
  { id: 'u2', name: 'Alan' },
];

const shop = new Graph({
  products: {
    sdl: `
      type Query { products: [Product!]! product(upc: ID!): Product bestOf: [[Product]] }
      type Mutation { rename(upc: ID!, name: String!): Product }
      type Product @key(fields: "upc") { upc: ID! name: String price: Int weight: Int tags: [String] }
    `,
    resolvers: {
      Query: {
        products: () => products,
        product: (_: unknown, { upc }: { upc: string }) => products.find((product) => product.upc === upc),
        bestOf: () => [[products[0], null], null, [products[1], products[0]]],
      },
      Mutation: {
        rename: (_: unknown, { upc, name }: { upc: string; name: string }) => ({
          ...products.find((product) => product.upc === upc),
          name,
        }),
      },
      Product: {
        __resolveReference: ({ upc }: { upc: string }) => products.find((product) => product.upc === upc),
      },
    },
  },
  inventory: {
    sdl: `
      type Product @key(fields: "upc") {
        upc: ID!
        weight: Int @external
        price: Int @external
        inStock: Boolean
        shipping: String @requires(fields: "price weight")
        near(zip: String): Boolean
      }
    `,
    resolvers: {
      Product: {
        inStock: ({ upc }: { upc: string }) => upc !== '2',
        shipping: ({ price, weight }: { price: number; weight: number }) => `${price}/${weight}`,
        near: (_: unknown, { zip }: { zip: string }) => zip === 'here',
      },
    },
  },
  reviews: {
    sdl: `
      type Query { reviews: [Review!] }
      type Review @key(fields: "id") { id: ID! body: String author: User product: Product }
      type User @key(fields: "id") { id: ID! reviews: [Review!] }
      type Product @key(fields: "upc") { upc: ID! reviews: [Review!] }
    `,
    resolvers: {
      Query: { reviews: () => reviews },
      User: { reviews: ({ id }: { id: string }) => reviews.filter(({ author }) => author.id === id) },
      Product: {
        reviews: ({ upc }: { upc: string }) => reviews.filter(({ product }) => product.upc === upc),
      },
    },
  },
  accounts: {
    sdl: `
      type Query { me: User }
      type User @key(fields: "id") { id: ID! name: String }
    `,
    resolvers: {
      Query: { me: () => users[0] },
      User: { __resolveReference: ({ id }: { id: string }) => users.find((user) => user.id === id) },
    },
  },
});

const callsOf = (sent: readonly SentRequest[]): string[] => sent.map(({ subgraph }) => subgraph);

function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, child]) => [key, reordered(child)]),
  );
}

describe('execute', () => {
  it('writes the fields of one subgraph in the order of the client', async () => {
    const { text } = await shop.ask('{ products { price upc weight alias: name __typename } }');
    expect(text).toBe(
      JSON.stringify({
        data: {
          products: products.map(({ price, upc, weight, name }) => ({
            price,
            upc,
            weight,
            alias: name,
            __typename: 'Product',
          })),
        },
      }),
    );
  });

  it('asks for an entity once, however many places need it', async () => {
    const { data, sent } = await shop.ask('{ reviews { product { name } } bestOf { inStock } }');
    expect(data).toEqual({
      reviews: [
        { product: { name: 'Table' } },
        { product: { name: 'Couch "é" \\ 😀' } },
        { product: { name: 'Table' } },
      ],
      bestOf: [[{ inStock: true }, null], null, [{ inStock: false }, { inStock: true }]],
    });
    const asked = sent.flatMap(({ variables }) => variables.representations?.length ?? []);
    expect(asked).toEqual([2, 2]);
  });

  it('shares one call between places that need the same of a subgraph in one turn', async () => {
    const { sent } = await shop.ask(
      '{ reviews { product { name } author { reviews { product { name } } } } }',
    );
    expect(callsOf(sent).filter((name) => name === 'products')).toHaveLength(1);
  });

  it('does not ask again for what has been answered', async () => {
    const { data, sent } = await shop.ask('{ products { inStock reviews { product { inStock } } } }');
    expect(data).toMatchObject({ products: [{ reviews: [{ product: { inStock: true } }, {}] }, {}, {}] });
    expect(callsOf(sent).filter((name) => name === 'inventory')).toHaveLength(1);
  });

  it('counts the fetches of the plan that had something to ask for, and those that took no call of their own', async () => {
    const { sent, calls } = await shop.ask(
      `{ me { reviews { product { name inStock shipping } } } reviews { product { name inStock } }
        products @skip(if: true) { near } }`,
    );
    expect(calls.planned).toBe(7);
    expect(calls.merged).toBeGreaterThan(0);
    expect(calls.planned - calls.merged).toBe(sent.length);
    const none = await shop.ask('{ products { inStock } }', { answer: () => ({ data: { products: [] } }) });
    expect(none.calls).toMatchObject({ planned: 1, merged: 0 });
  });

  it('passes variables that the client sent, and no others', async () => {
    const { data, sent } = await shop.ask(
      'query ($zip: String, $unused: String, $upc: ID!) { product(upc: $upc) { near(zip: $zip) name } me @skip(if: true) { name reviews { body } } products { near(zip: $unused) } }',
      { variables: { upc: '1', zip: 'here' } },
    );
    expect(data).toEqual({
      product: { near: true, name: 'Table' },
      products: [{ near: false }, { near: false }, { near: false }],
    });
    expect(
      sent.map(({ variables }) =>
        Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('representations'))),
      ),
    ).toEqual([{ upc: '1' }, { zip: 'here' }]);
  });

  it('runs the fields of a mutation one after the other and asks again for what they may have changed', async () => {
    const { data, sent } = await shop.ask(
      'mutation { a: rename(upc: "1", name: "A") { name inStock } b: rename(upc: "1", name: "B") { name inStock } }',
    );
    expect(data).toEqual({ a: { name: 'A', inStock: true }, b: { name: 'B', inStock: true } });
    expect(callsOf(sent)[0]).toBe('products');
  });

  it('orders fields as the included selections stand', async () => {
    const source =
      'query ($first: Boolean!) { me { ...A @include(if: $first) name id } } fragment A on User { id name reviews { body } }';
    expect((await shop.ask(source, { variables: { first: true } })).text).toMatch(/^\{"data":\{"me":\{"id":/);
    expect((await shop.ask(source, { variables: { first: false } })).text).toBe(
      '{"data":{"me":{"name":"Ada","id":"u1"}}}',
    );
  });

  it('answers introspection by itself, alone and beside data', async () => {
    const alone = await shop.ask('{ __schema { queryType { name } } __typename }');
    expect(alone.sent).toEqual([]);
    expect(alone.data).toEqual({ __schema: { queryType: { name: 'Query' } }, __typename: 'Query' });
    const source =
      'query ($name: String!, $of: Boolean = false) { me { name } __type(name: $name) { ...T } } fragment T on __Type { name fields @include(if: $of) { name } }';
    const program = shop.compile(source);
    const user = await shop.run(program, { variables: { name: 'User', of: true } });
    expect(user.data).toEqual({
      me: { name: 'Ada' },
      __type: {
        name: 'User',
        fields: [{ name: 'id' }, { name: 'name' }, { name: 'reviews' }],
      },
    });
    const product = await shop.run(program, { variables: { name: 'Product' } });
    expect(product.data).toEqual({ me: { name: 'Ada' }, __type: { name: 'Product' } });
    const none = await shop.run(program, { variables: { name: 'None' } });
    expect(none.data).toEqual({ me: { name: 'Ada' }, __type: null });
  });

  it.each([
    ['with spaces', (value: unknown) => JSON.stringify(value, undefined, 2)],
    ['with keys in another order', (value: unknown) => JSON.stringify(reordered(value))],
    [
      'with keys that nobody asked for',
      (value: unknown) => JSON.stringify(value).replaceAll('{"', '{"other":[{}],"'),
    ],
    [
      'with keys that occur twice',
      (value: unknown) => JSON.stringify(value).replaceAll('"name":', '"name":"first","name":'),
    ],
    [
      'with keys in escapes',
      (value: unknown) => JSON.stringify(value).replaceAll('"name":', '"n\\u0061me":'),
    ],
    ['with spaces before values', (value: unknown) => JSON.stringify(value).replaceAll('":', '": ')],
    ['with spaces behind values', (value: unknown) => JSON.stringify(value).replaceAll(',"', ' ,"')],
  ])('answers the same when subgraphs answer %s', async (_, write) => {
    const source =
      '{ products { upc name price alias: name tags inStock shipping reviews { body id author { name id } } } bestOf { name upc } me { id name reviews { id product { weight name } } } }';
    const plain = await shop.ask(source);
    const other = await shop.ask(source, {
      answer: async (_request, answered) => Buffer.from(write(await answered())),
    });
    expect(plain.errors).toEqual([]);
    expect(other.text).toBe(plain.text);
  });

  it('runs one program for many requests at once', async () => {
    const program = shop.compile('query ($upc: ID!) { product(upc: $upc) { name inStock reviews { id } } }');
    const outcomes = await Promise.all(
      ['1', '2', '3', 'none'].map((upc) => shop.run(program, { variables: { upc } })),
    );
    expect(outcomes.map(({ data }) => data)).toEqual([
      { product: { name: 'Table', inStock: true, reviews: [{ id: 'r1' }, { id: 'r3' }] } },
      { product: { name: 'Couch "é" \\ 😀', inStock: false, reviews: [{ id: 'r2' }] } },
      { product: { name: null, inStock: true, reviews: [] } },
      { product: null },
    ]);
  });

  it('writes over a large response that was given back, and over no other', async () => {
    const long = new Graph({
      only: {
        sdl: 'type Query { text(of: String!): String }',
        resolvers: { Query: { text: (_: unknown, { of }: { of: string }) => of.repeat(10_000) } },
      },
    });
    const program = long.compile('query ($of: String!) { text(of: $of) }');
    const ask = async (of: string) => (await long.run(program, { variables: { of } })).execution;
    // The first one shows how large they are.
    await ask('a');
    const [kept, sent] = [await ask('b'), await ask('c')];
    expect(kept.body.buffer).not.toBe(sent.body.buffer);
    sent.release!();
    const next = await ask('d');
    expect(next.body.buffer).toBe(sent.body.buffer);
    expect((await ask('e')).body.buffer).not.toBe(next.body.buffer);
    expect(JSON.parse(next.body.toString()).data.text).toBe('d'.repeat(10_000));
    expect(JSON.parse(kept.data.toString()).text).toBe('b'.repeat(10_000));
  });

  it('leaves what others keep alone, whatever is written next', async () => {
    const text = new Graph({
      only: {
        sdl: 'type Query { text(of: String!, times: Int!): String }',
        resolvers: {
          Query: { text: (_: unknown, { of, times }: { of: string; times: number }) => of.repeat(times) },
        },
      },
    });
    const compile = () => text.compile('query ($of: String!, $times: Int!) { text(of: $of, times: $times) }');
    const programs = [compile(), compile(), compile()];
    const kept: { body: Buffer; expected: string }[] = [];
    for (const times of [1_500, 10_000, 3_000, 10_000, 1_000, 10_000, 1_900, 100_000, 1_900]) {
      for (const [i, program] of programs.entries()) {
        const of = 'abcdefghi'[kept.length % 9]!;
        const { execution } = await text.run(program, { variables: { of, times: times + i } });
        kept.push({
          body: execution.body,
          expected: JSON.stringify({ data: { text: of.repeat(times + i) } }),
        });
      }
    }
    for (const { body, expected } of kept) expect(body.toString()).toBe(expected);
  });

  it('holds no large memory for a small response, and writes to it again', async () => {
    const text = new Graph({
      only: {
        sdl: 'type Query { text(times: Int!): String }',
        resolvers: { Query: { text: (_: unknown, { times }: { times: number }) => 'x'.repeat(times) } },
      },
    });
    const program = text.compile('query ($times: Int!) { text(times: $times) }');
    const ask = async (times: number) => (await text.run(program, { variables: { times } })).execution;
    await ask(500_000);
    const large = await ask(500_000);
    large.release!();
    const small = await ask(10);
    // A piece of the memory that Node shares among small Buffers, or memory of its own.
    expect(small.body.buffer.byteLength).toBeLessThanOrEqual(Buffer.allocUnsafe(1).buffer.byteLength);
    expect(small.release).toBeUndefined();
    expect((await ask(500_000)).body.buffer).toBe(large.body.buffer);
  });

  it('chooses the operation by its name', async () => {
    const source = 'query A { me { name } } query B($no: Boolean!) { me { id name @include(if: $no) } }';
    const b = { operationName: 'B', variables: { no: false } };
    expect((await shop.ask(source, b)).data).toEqual({ me: { id: 'u1' } });
    expect((await shop.ask(source, { operationName: 'A' })).data).toEqual({ me: { name: 'Ada' } });
  });

  it('refuses what it does not do when it compiles', () => {
    const node = { kind: 'Defer' } as const;
    expect(() => shop.compile('{ me { name } }', { replan: () => ({ kind: 'QueryPlan', node }) })).toThrow(
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNSUPPORTED_OPERATION' }) }),
    );
    expect(() => shop.compile('{ me { name } }', { operationName: 'A' })).toThrow();
  });
});
