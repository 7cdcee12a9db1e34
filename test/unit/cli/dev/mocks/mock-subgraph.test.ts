import { MockSubgraph, type MockSubgraphOptions } from '../../../../../cli/dev/mocks/mock-subgraph';
import { apiSchemaOf } from '../../../../../schema';
import type { Json } from '../../../../support/running-gateway';
import { compose } from '../../../../support/compose';

const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@inaccessible", "@external", "@requires"])
  type Query {
    user(id: ID!): User
    users(ids: [ID!]): [User!]!
    everyone(role: Role): UserConnection!
    pets: [Pet!]!
    media: [Media!]!
    money: Money!
    grid: [[Int!]!]!
  }
  type Mutation { rename(input: RenameInput!): RenamePayload! }
  type Subscription { renamed: User! }
  input RenameInput { id: ID!, name: String! }
  type RenamePayload { user: User, ok: Boolean! }
  enum Role { ADMIN EDITOR READER SECRET @inaccessible }
  type UserConnection { edges: [Edge!]!, pageInfo: PageInfo! }
  type Edge { node: User!, cursor: String! }
  type PageInfo { hasNextPage: Boolean! }
  type User @key(fields: "id") @key(fields: "email") {
    id: ID!
    email: String!
    name: String!
    role: Role!
    "Such as \`Riga\`."
    city: String!
    score: Float!
    born: Date!
    weight: Int @external
    fee: Int @requires(fields: "weight")
  }
  union Pet = Cat | Dog
  type Cat { name: String! }
  type Dog { name: String! }
  interface Media @key(fields: "id") { id: ID! }
  type Image implements Media @key(fields: "id") { id: ID!, width: Int! }
  type Video implements Media @key(fields: "id") { id: ID!, seconds: Int! }
  type Order @key(fields: "number shop { id }") { number: Int!, shop: Shop!, note: String! }
  type Shop { id: ID! }
  scalar Date
  scalar Money
`;
const subgraph = { name: 'users', routingUrl: 'http://users.test', file: 'users.graphql', sdl };
const other = 'type User @key(fields: "id") { id: ID! weight: Int @shareable } type Query { a: Int }';
const apiSchema = apiSchemaOf(compose({ users: sdl, other }));

const mock = (more: Partial<MockSubgraphOptions> = {}): MockSubgraph =>
  new MockSubgraph({ subgraph, apiSchema, scalars: new Map(), seenKeys: () => [], ...more });

const ask = async (query: string, more?: Partial<MockSubgraphOptions>, variables = {}): Promise<Json> => {
  const { data, errors } = await mock(more).answer({ query, variables });
  expect(errors).toBeUndefined();
  return JSON.parse(JSON.stringify(data));
};

describe('an answer that is made up', () => {
  it('is the same in every process', async () => {
    expect(JSON.stringify(await ask('{ user(id: "7") { id name role city score born } grid }'))).toBe(
      '{"user":{"id":"7","name":"name 1bx9dqw","role":"EDITOR","city":"Riga","score":71.11,"born":"2025-09-07"},"grid":[[256,723,817],[995,417,407],[136,394,390]]}',
    );
  });

  it('repeats keys that arguments give', async () => {
    const { user, users } = await ask('{ user(id: "u7") { id } users(ids: ["a", "b"]) { id } }');
    expect(user.id).toBe('u7');
    expect(users.map(({ id }: Json) => id)).toEqual(['a', 'b']);
  });

  it('repeats the input of a mutation in what it returns', async () => {
    const { rename } = await ask(
      'mutation { rename(input: { id: "u7", name: "Ann" }) { ok user { id name } } }',
    );
    expect(rename.user).toEqual({ id: 'u7', name: 'Ann' });
  });

  it('repeats a filter in the objects of a list, which are different entities', async () => {
    const { everyone } = await ask(
      '{ everyone(role: EDITOR) { edges { node { id role } } pageInfo { hasNextPage } } }',
    );
    const nodes: Json[] = everyone.edges.map(({ node }: Json) => node);
    expect(nodes.map(({ role }) => role)).toEqual(['EDITOR', 'EDITOR', 'EDITOR']);
    expect(new Set(nodes.map(({ id }) => id)).size).toBe(3);
    expect(everyone.pageInfo.hasNextPage).toBe(false);
  });

  it('has enums, unions and interfaces in turn, without what clients may not see', async () => {
    const { users, pets, media } = await ask(
      '{ users { role } pets { __typename } media { __typename id } }',
    );
    expect(users.map(({ role }: Json) => role).sort()).toEqual(['ADMIN', 'EDITOR', 'READER']);
    expect(new Set(pets.map(({ __typename }: Json) => __typename))).toEqual(new Set(['Cat', 'Dog']));
    expect(new Set(media.map(({ __typename }: Json) => __typename))).toEqual(new Set(['Image', 'Video']));
  });

  it('takes scalars from the given values', async () => {
    const scalars = new Map([['Money', ['9.99 EUR']]]);
    expect((await ask('{ money }', { scalars })).money).toBe('9.99 EUR');
  });

  it('has the keys that real subgraphs have answered', async () => {
    const seenKeys = (type: string) =>
      type === 'User' ? [{ id: 'u1' }, { id: 'u2' }, { name: 'no key' }] : [];
    const { users } = await ask('{ users { id } }', { seenKeys });
    expect(new Set(users.map(({ id }: Json) => id))).toEqual(new Set(['u1', 'u2']));
  });
});

describe('an entity', () => {
  const entities =
    'query ($of: [_Any!]!) { _entities(representations: $of) { __typename ... on User { id email name } ... on Media { id } ... on Order { number shop { id } note } } }';

  it('is the same by each of its keys, and where it was made up', async () => {
    const { users } = await ask('{ users { id email name } }');
    const [{ id, email }] = users;
    const of = [{ id }, { email }].map((key) => ({ __typename: 'User', ...key }));
    const { _entities } = await ask(entities, {}, { of });
    expect(_entities).toEqual([users[0], users[0]].map((user) => ({ __typename: 'User', ...user })));
  });

  it('of an interface has the type that it had where it was made up', async () => {
    const { media } = await ask('{ media { __typename id } }');
    const of = media.map(({ id }: Json) => ({ __typename: 'Media', id }));
    expect((await ask(entities, {}, { of }))._entities).toEqual(media);
  });

  it('repeats the fields of its representation', async () => {
    const of = [{ __typename: 'Order', number: 5, shop: { id: 's9' } }];
    const { _entities } = await ask(entities, {}, { of });
    expect(_entities).toEqual([{ ...of[0], note: expect.any(String) }]);
  });
});

it('answers a subscription with one event after the other', async () => {
  const stop = new AbortController();
  const events = mock().subscribe({ query: 'subscription { renamed { id } }' }, stop.signal)!;
  for await (const { data, errors } of events) {
    expect(errors).toBeUndefined();
    expect(data).toEqual({ renamed: { id: expect.stringMatching(/^user-\d$/) } });
    stop.abort();
  }
  expect(mock().subscribe({ query: '{ money }' }, stop.signal)).toBeUndefined();
});

describe('names of every object in JavaScript', () => {
  const odd = {
    ...subgraph,
    sdl: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
      type Query { constructor: valueOf!, toString: toString!, traps: [Trap!]!, echo(constructor: ID): Trap! }
      scalar toString
      scalar valueOf
      type Trap @key(fields: "constructor { keys }") { constructor: Inner!, hasOwnProperty: valueOf! }
      type Inner { keys: ID!, name: String! }
    `,
  };
  const options = { subgraph: odd, apiSchema: apiSchemaOf(compose({ odd: odd.sdl })) };

  it('are names like others, and change nothing in this process', async () => {
    const { keys } = Object;
    try {
      const { data, errors } = await mock(options).answer({
        query:
          '{ constructor toString traps { hasOwnProperty constructor { keys name } } echo { constructor { keys } } }',
      });
      expect(errors).toBeUndefined();
      const { traps, ...others } = structuredClone(data) as Json;
      expect(others).toEqual({
        constructor: expect.stringMatching(/^constructor /),
        toString: expect.stringMatching(/^toString /),
        echo: { constructor: { keys: expect.stringMatching(/^trap-\d$/) } },
      });
      expect(traps).toHaveLength(3);
      expect(traps[0]).toEqual({
        hasOwnProperty: expect.stringMatching(/^hasOwnProperty /),
        constructor: { keys: expect.stringMatching(/^trap-\d$/), name: expect.any(String) },
      });
      expect(Object.keys).toBe(keys);
    } finally {
      Object.keys = keys;
    }
  });
});

it.each([{ id: { a: 1 } }, { id: [1] }, { id: true }])(
  'leaves out recorded keys of another type: %j',
  async (key) => {
    const { everyone } = await ask('{ everyone { edges { node { id name } } } }', {
      seenKeys: (type) => (type === 'User' ? [key] : []),
    });
    expect(everyone.edges.map(({ node }: Json) => node.id)).toEqual([
      expect.stringMatching(/^user-\d$/),
      expect.stringMatching(/^user-\d$/),
      expect.stringMatching(/^user-\d$/),
    ]);
  },
);
