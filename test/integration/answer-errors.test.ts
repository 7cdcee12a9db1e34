/** What clients are told of errors, and operators of those that clients are not told, over real sockets. */
import type { GatewayOptions } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

let things: TestSubgraph;
let notes: TestSubgraph;
const count = 150;

const header =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@inaccessible"])';

beforeAll(async () => {
  things = await startSubgraph({
    name: 'things',
    typeDefs: `${header}
      type Query { things: [Thing!]! some: [Thing!]! shape: Shape color: Color round: Round! }
      type Mutation { touch: String }
      type Thing @key(fields: "id") { id: ID! }
      enum Color { RED BLUE @inaccessible }
      interface Shape { id: ID! }
      type Round implements Shape { id: ID! }
      type Hidden implements Shape @inaccessible { id: ID! }
      type Other @inaccessible { id: ID! }
    `,
    resolvers: {
      Query: {
        things: () => Array.from({ length: count }, (_, id) => ({ id })),
        some: () => [{ id: 1 }, { id: 2 }],
      },
      Shape: { __resolveType: () => 'Hidden' },
    },
  });
  notes = await startSubgraph({
    name: 'notes',
    typeDefs: `${header}
      type Thing @key(fields: "id") { id: ID! note: String }
    `,
    resolvers: { Thing: { note: () => 'a note' } },
  });
});

afterEach(() => {
  things.answer = undefined;
  notes.answer = undefined;
});

afterAll(async () => {
  await things.close();
  await notes.close();
});

const answerWith =
  (body: unknown): NonNullable<TestSubgraph['answer']> =>
  (_, response) =>
    void response.writeHead(200, headers).end(JSON.stringify(body));
const fail: NonNullable<TestSubgraph['answer']> = (_, response) => void response.writeHead(500).end();
const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' };

/** Has a gateway answer, and tells what it wrote into its log. */
async function withGateway(options: Partial<GatewayOptions>, use: (gateway: TestGateway) => Promise<void>) {
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([things, notes])),
    breaker: { enabled: false },
    ...options,
  });
  try {
    await use(gateway);
  } finally {
    await gateway.stop();
  }
  return gateway.log;
}

it('logs, whatever the sample, how many errors were left out of an answer', async () => {
  notes.answer = fail;
  const log = await withGateway({ logging: { sampling: 1000 } }, async (gateway) => {
    // The first goes by way of Apollo Server, the others are known.
    for (let i = 0; i < 3; i++) {
      const { errors } = await gateway.query('query Notes { things { note } }');
      expect(errors).toHaveLength(100);
      expect(errors[99]).toMatchObject({ path: ['things', 99, 'note'], extensions: { service: 'notes' } });
      await gateway.query('query Few { some { note } }');
    }
  });
  const lines = log.filter(({ operation }) => operation === 'Notes');
  expect(lines.map(({ errorsLeftOut }) => errorsLeftOut)).toEqual([50, 50, 50]);
  expect(log.filter(({ operation }) => operation === 'Few').length).toBeLessThan(2);
});

it('tells in development how many errors were left out', async () => {
  notes.answer = fail;
  await withGateway({ mode: 'development' }, async (gateway) => {
    const { extensions } = await gateway.query('{ things { note } }');
    expect(extensions.weir.errorsLeftOut).toBe(50);
    const { errors, extensions: others } = await gateway.query('{ some { note } }');
    expect(errors).toHaveLength(2);
    expect(others.weir).not.toHaveProperty('errorsLeftOut');
  });
});

it('says in development why values are null, to each client that shares the answer', async () => {
  notes.answer = answerWith({ data: { _entities: [{ note: null }, null] } });
  const query = '{ some { note } }';
  const [one, two] = [1, 2].map((id) => ({ __typename: 'Thing', id }));
  things.answer = answerWith({ data: { some: [one, two] } });
  await withGateway({ mode: 'development' }, async (gateway) => {
    const answers = await Promise.all([gateway.query(query), gateway.query(query)]);
    for (const { data, extensions } of answers) {
      expect(data).toEqual({ some: [{ note: null }, { note: null }] });
      expect(extensions.weir.cache.result).toBe('MISS');
      expect(extensions.weir.nulls).toEqual([
        {
          ...{ path: ['some', 0, 'note'], cause: 'null-in-subgraph' },
          says: 'some.0.note (Thing.note) is null because the subgraph "notes" answered null, without an error.',
        },
        {
          ...{ path: ['some', 1, 'note'], cause: 'entity-not-found' },
          says: 'some.1.note (Thing.note) is null because the subgraph "notes" found no such entity of the type Thing.',
        },
      ]);
    }
    notes.answer = fail;
    things.answer = undefined;
    const many = await gateway.query('{ things { note } }');
    expect(many.extensions.weir.nulls).toEqual([
      {
        ...{ path: ['things', 0, 'note'], cause: 'call-failed', count: 100 },
        says: expect.stringMatching(/^things\.0\.note \(Thing\.note\) is null because/),
      },
    ]);
    expect(JSON.stringify(many.extensions).length).toBeLessThan(1_000);
    const whole = await gateway.query('{ some { id } }');
    expect(whole.extensions.weir).not.toHaveProperty('nulls');
  });
});

it('says in development why values of a cached answer are null', async () => {
  notes.answer = answerWith({ data: { _entities: [{ note: null }, null] } });
  things.answer = answerWith({ data: { some: [1, 2].map((id) => ({ __typename: 'Thing', id })) } });
  await withGateway({ mode: 'development' }, async (gateway) => {
    const query = '{ some { note } }';
    const stored = await gateway.query(query);
    const cached = await gateway.query(query);
    expect(stored.extensions.weir.cache.result).toBe('MISS');
    expect(cached.extensions.weir.cache.result).toBe('HIT');
    expect(stored.extensions.weir.nulls).toHaveLength(2);
    expect(cached.extensions.weir.nulls).toEqual(stored.extensions.weir.nulls);
  });
});

it('tells each error to each operation of a batch, and to each client that shares a call', async () => {
  notes.answer = answerWith({
    data: { _entities: [{ note: null }, { note: 'x' }] },
    errors: [{ message: 'One' }, { message: 'Two', extensions: { code: 'TWO' } }],
  });
  await withGateway({ mode: 'development', limits: { batch: 3 } }, async (gateway) => {
    const query = '{ some { note } }';
    const response = await gateway.post([{ query }, { query }]);
    const answers = [
      ...((await response.json()) as Json[]),
      ...(await Promise.all([gateway.query(query), gateway.query(query)])),
    ];
    for (const { data, errors } of answers) {
      expect(data).toEqual({ some: [{ note: null }, { note: 'x' }] });
      expect(errors.map(({ message, path }: Json) => [message, path])).toEqual([
        ['One', ['some', 0, 'note']],
        ['Two', ['some', 0, 'note']],
      ]);
    }
  });
});

it('keeps no answer with an error, though its data are whole', async () => {
  things.answer = answerWith({ data: { shape: null, color: 'RED' }, errors: [{ message: 'Beside' }] });
  await withGateway({ cache: { responses: { enabled: true } } }, async (gateway) => {
    const before = things.requests.length;
    for (let i = 0; i < 3; i++) {
      const response = await gateway.post({ query: '{ color shape { id } }' });
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({
        data: { color: 'RED', shape: null },
        errors: [{ path: ['shape'], extensions: { service: 'things' } }],
      });
    }
    expect(things.requests.length - before).toBe(3);
  });
});

it('keeps an answer with a value that clients may not see as whole', async () => {
  things.answer = answerWith({ data: { color: 'BLUE', shape: { __typename: 'Hidden', id: '1' } } });
  await withGateway({ cache: { responses: { enabled: true } } }, async (gateway) => {
    const before = things.requests.length;
    for (let i = 0; i < 3; i++)
      expect(await gateway.query('{ color shape { id } }')).toEqual({ data: { color: null, shape: null } });
    expect(things.requests.length - before).toBe(1);
  });
});

it('names no inaccessible type in production, and the subgraph whose fault it is', async () => {
  things.answer = answerWith({ data: { shape: { __typename: 'Other', id: '1' } } });
  await withGateway({ mode: 'production' }, async (gateway) => {
    const { data, errors } = await gateway.query('{ shape { id } }');
    expect(data).toEqual({ shape: null });
    expect(errors).toMatchObject([
      { path: ['shape'], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service: 'things' } },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/Other|Hidden/);
  });
});
