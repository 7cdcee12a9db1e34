/**
 * Plans that gateway/execution runs while subgraphs fail. Over 300 lines: a case for each way in which they do, and where
 * the error is then told.
 */
import { TransportError } from '../../../../gateway/subgraph-calls/contract/transport';
import type { ErrorOptions } from '../../../../gateway/execution';
import { type Answer, Graph } from './graph';

const graph = new Graph({
  a: {
    sdl: `
      type Query { user: User users: [User] must: User! list: [User!] lists: [[User!]!] media: Media node: Node any: Any color: Color }
      type User @key(fields: "id") { id: ID! name: String! age: Int score: Float ok: Boolean friend: User friends: [User!]! tags: [String!] color: Color colors: [Color!]! json: Json ratio: [[Int]] }
      enum Color { RED GREEN BLUE @inaccessible }
      scalar Json
      interface Node { id: ID! }
      type Book implements Node @key(fields: "id") { id: ID! title: String! }
      type Film implements Node @key(fields: "id") { id: ID! length: Int }
      type Secret implements Node @inaccessible { id: ID! }
      union Media = Book | Film
      union Any = User | Book
    `,
  },
  b: {
    sdl: `
      type User @key(fields: "id") { id: ID! bio: String nick: String! posts: [Post!] }
      type Post { text: String! }
      type Query { other: String }
    `,
  },
});

/** Answers subgraph `a` with this data, and `b` with this. */
const answering =
  (a: unknown, b?: unknown): Answer =>
  ({ subgraph }) =>
    subgraph === 'a' ? (isResponse(a) ? a : { data: a }) : isResponse(b) ? b : { data: b };
const isResponse = (value: unknown): boolean =>
  value instanceof Response ||
  value instanceof Uint8Array ||
  (typeof value === 'object' && value !== null && ('data' in value || 'errors' in value));

const malformed = (path: (string | number)[], message: unknown = expect.any(String), service = 'a') => ({
  message,
  path,
  extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service },
});

describe('completion', () => {
  it.each([
    [
      '{ user { name } }',
      { user: { name: null } },
      { user: null },
      ['user', 'name'],
      'Cannot return null for non-nullable field User.name.',
    ],
    [
      '{ user { name } }',
      { user: {} },
      { user: null },
      ['user', 'name'],
      'Cannot return null for non-nullable field User.name.',
    ],
    [
      '{ must { id } }',
      { must: null },
      null,
      ['must'],
      'Cannot return null for non-nullable field Query.must.',
    ],
    [
      '{ user { friend { name } id } }',
      { user: { friend: { name: null }, id: '1' } },
      { user: { friend: null, id: '1' } },
      ['user', 'friend', 'name'],
      undefined,
    ],
    [
      '{ user { id friends { name } } }',
      { user: { id: '1', friends: [{ name: 'a' }, { name: null }] } },
      { user: null },
      ['user', 'friends', 1, 'name'],
      undefined,
    ],
    [
      '{ list { id } }',
      { list: [{ id: '1' }, null] },
      { list: null },
      ['list', 1],
      'Cannot return null for non-nullable field Query.list.',
    ],
    [
      '{ users { name } }',
      { users: [{ name: 'a' }, { name: null }] },
      { users: [{ name: 'a' }, null] },
      ['users', 1, 'name'],
      undefined,
    ],
    [
      '{ lists { name } }',
      { lists: [[{ name: 'a' }], [{ name: 'b' }, { name: null }]] },
      { lists: null },
      ['lists', 1, 1, 'name'],
      undefined,
    ],
    [
      '{ user { tags } }',
      { user: { tags: ['a', null] } },
      { user: { tags: null } },
      ['user', 'tags', 1],
      undefined,
    ],
    [
      '{ user { age } }',
      { user: { age: 'x' } },
      { user: { age: null } },
      ['user', 'age'],
      'Int cannot represent non-integer value: "x"',
    ],
    [
      '{ user { age } }',
      { user: { age: 2147483648 } },
      { user: { age: null } },
      ['user', 'age'],
      'Int cannot represent non 32-bit signed integer value: 2147483648',
    ],
    [
      '{ user { age } }',
      { user: { age: 1.5 } },
      { user: { age: null } },
      ['user', 'age'],
      'Int cannot represent non-integer value: 1.5',
    ],
    ['{ user { age } }', { user: { age: { x: 1 } } }, { user: { age: null } }, ['user', 'age'], undefined],
    ['{ user { score } }', { user: { score: 'x' } }, { user: { score: null } }, ['user', 'score'], undefined],
    ['{ user { ok } }', { user: { ok: 'x' } }, { user: { ok: null } }, ['user', 'ok'], undefined],
    ['{ user { name } }', { user: { name: [] } }, { user: null }, ['user', 'name'], undefined],
    [
      '{ user { color } }',
      { user: { color: 'PINK' } },
      { user: { color: null } },
      ['user', 'color'],
      'Enum "Color" cannot represent value: "PINK"',
    ],
    ['{ user { color } }', { user: { color: 1 } }, { user: { color: null } }, ['user', 'color'], undefined],
    [
      '{ user { colors } }',
      { user: { colors: ['RED', 'PINK'] } },
      { user: null },
      ['user', 'colors', 1],
      undefined,
    ],
    [
      '{ user { tags } }',
      { user: { tags: 'x' } },
      { user: { tags: null } },
      ['user', 'tags'],
      'Expected Iterable, but did not find one for field "User.tags".',
    ],
    [
      '{ user { tags } }',
      { user: { tags: { a: 1 } } },
      { user: { tags: null } },
      ['user', 'tags'],
      undefined,
    ],
    [
      '{ users { id } }',
      { users: { id: '1' } },
      { users: null },
      ['users'],
      'Expected Iterable, but did not find one for field "Query.users".',
    ],
    [
      '{ user { id } }',
      { user: [{ id: '1' }] },
      { user: null },
      ['user'],
      'Expected an object for field "Query.user".',
    ],
    [
      '{ user { id } }',
      { user: 'Ada' },
      { user: null },
      ['user'],
      'Expected an object for field "Query.user".',
    ],
    [
      '{ media { __typename } }',
      { media: { __typename: 'Nope' } },
      { media: null },
      ['media'],
      'Abstract type "Media" was resolved to a type "Nope" that does not exist for field "Query.media".',
    ],
    [
      '{ media { __typename } }',
      { media: { __typename: 'User' } },
      { media: null },
      ['media'],
      'Runtime Object type "User" is not a possible type for "Media".',
    ],
    [
      '{ media { __typename } }',
      { media: { __typename: 7 } },
      { media: null },
      ['media'],
      'Abstract type "Media" was resolved to no type for field "Query.media".',
    ],
    [
      '{ user { __typename id } }',
      { user: { __typename: 'Book', id: '1' } },
      { user: null },
      ['user'],
      'Expected value of type "User" for field "Query.user" but got type "Book".',
    ],
    [
      '{ user { __typename id } }',
      { user: { __typename: 'Nope "quoted"', id: '1' } },
      { user: null },
      ['user'],
      'Expected value of type "User" for field "Query.user" but got type "Nope \\"quoted\\"".',
    ],
  ])('of %s with %j gives %j and an error at %j', async (source, a, data, path, message) => {
    const outcome = await graph.ask(source, { answer: answering(a) });
    expect(outcome.data).toEqual(data);
    expect(outcome.errors).toEqual([malformed(path, message ?? expect.any(String))]);
  });

  it.each([
    ['{ user { id } }', '{"user":{"id":12345678901234567890}}', '{"user":{"id":"12345678901234567890"}}'],
    ['{ user { age } }', '{"user":{"age":2147483647}}', '{"user":{"age":2147483647}}'],
    ['{ user { age } }', '{"user":{"age":-2147483648}}', '{"user":{"age":-2147483648}}'],
    ['{ user { age } }', '{"user":{"age":1e3}}', '{"user":{"age":1000}}'],
    ['{ user { age ok } }', '{"user":{"age":true,"ok":0}}', '{"user":{"age":1,"ok":false}}'],
    ['{ user { score } }', '{"user":{"score":1e400}}', '{"user":{"score":1e400}}'],
    [
      '{ user { score } }',
      '{"user":{"score":0.1000000000000000055511151231257827}}',
      '{"user":{"score":0.1000000000000000055511151231257827}}',
    ],
    ['{ user { name } }', '{"user":{"name":12.5}}', '{"user":{"name":"12.5"}}'],
    ['{ user { name } }', '{"user":{"name":true}}', '{"user":{"name":"true"}}'],
    ['{ user { name } }', '{"user":{"name":"\\ud800\\u00e9\\n"}}', '{"user":{"name":"\\ud800\\u00e9\\n"}}'],
    ['{ user { color } }', '{"user":{"color":"\\u0052ED"}}', '{"user":{"color":"RED"}}'],
    ['{ user { colors } }', '{"user":{"colors":[ "RED" , "GREEN"]}}', '{"user":{"colors":["RED","GREEN"]}}'],
    ['{ user { ratio } }', '{"user":{"ratio":[[1,null],null,[]]}}', '{"user":{"ratio":[[1,null],null,[]]}}'],
    [
      '{ user { json } }',
      '{"user":{"json":{"a": [1, {"b":null}]}}}',
      '{"user":{"json":{"a": [1, {"b":null}]}}}',
    ],
    ['{ users { id } }', '{"users":[]}', '{"users":[]}'],
    ['{ lists { id } }', '{"lists":[[],[{"id":"1"}]]}', '{"lists":[[],[{"id":"1"}]]}'],
    [
      '{ media { ... on Book { title } ... on Film { length } } }',
      '{"media":{"__typename":"Film","length":3}}',
      '{"media":{"length":3}}',
    ],
    ['{ media { x: __typename } }', '{"media":{"__typename":"Film"}}', '{"media":{"x":"Film"}}'],
    [
      '{ any { ... on Node { id } ... on User { name } } }',
      '{"any":{"__typename":"Book","id":"1"}}',
      '{"any":{"id":"1"}}',
    ],
    ['{ any { ... on Node { id } } }', '{"any":{"__typename":"User"}}', '{"any":{}}'],
  ])('of %s writes %s as %s', async (source, a, data) => {
    const outcome = await graph.ask(source, { answer: () => Buffer.from(`{"data":${a}}`) });
    expect(outcome.text).toBe(`{"data":${data}}`);
  });

  it('tells an error for each place of an object that stands in several', async () => {
    const user = { __typename: 'User', id: '1' };
    const outcome = await graph.ask('{ users { bio color } }', {
      answer: answering(
        {
          users: [
            { ...user, color: 'PINK' },
            { ...user, color: 'PINK' },
          ],
        },
        { _entities: [{ bio: 'x' }] },
      ),
    });
    expect(outcome.data).toEqual({
      users: [
        { bio: 'x', color: null },
        { bio: 'x', color: null },
      ],
    });
    expect(outcome.errors).toEqual([malformed(['users', 0, 'color']), malformed(['users', 1, 'color'])]);
  });

  it('does not copy an object from where it was taken back', async () => {
    const user = { __typename: 'User', id: '1', name: 'Ada' };
    const a = { list: [user, user, null], users: [user, user], user: { ...user, friend: user } };
    const outcome = await graph.ask(
      '{ list { id nick name } users { id nick name } user { friend { id nick name } } }',
      {
        answer: answering(a, { _entities: [{ nick: 'ada' }] }),
      },
    );
    const told = { id: '1', nick: 'ada', name: 'Ada' };
    expect(outcome.data).toEqual({ list: null, users: [told, told], user: { friend: told } });
  });
});

describe('errors of a subgraph', () => {
  const users = {
    users: [
      { __typename: 'User', id: '1' },
      { __typename: 'User', id: '2' },
      null,
      { __typename: 'User', id: '1' },
    ],
  };

  it('keep their path, message and code, and name the subgraph', async () => {
    const outcome = await graph.ask('{ user { id age } }', {
      answer: answering({
        data: { user: { id: '1', age: null } },
        errors: [
          {
            message: 'No age',
            path: ['user', 'age'],
            locations: [{ line: 1, column: 1 }],
            extensions: { code: 'NO_AGE', why: 'x', stacktrace: ['at /home'] },
          },
        ],
      }),
    });
    expect(outcome.data).toEqual({ user: { id: '1', age: null } });
    expect(outcome.errors).toEqual([
      { message: 'No age', path: ['user', 'age'], extensions: { code: 'NO_AGE', why: 'x', service: 'a' } },
    ]);
  });

  it('are told for every place where an entity stands, and hurt no neighbour', async () => {
    const outcome = await graph.ask('{ users { id bio } }', {
      answer: answering(users, {
        data: { _entities: [{ bio: null }, { bio: 'two' }] },
        errors: [{ message: 'No bio', path: ['_entities', 0, 'bio'] }],
      }),
    });
    expect(outcome.data).toEqual({
      users: [{ id: '1', bio: null }, { id: '2', bio: 'two' }, null, { id: '1', bio: null }],
    });
    expect(outcome.errors).toEqual(
      [0, 3].map((index) => ({
        message: 'No bio',
        path: ['users', index, 'bio'],
        extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 'b' },
      })),
    );
  });

  it('explain nulls that may not be', async () => {
    const outcome = await graph.ask('{ users { id nick } }', {
      answer: answering(users, {
        data: { _entities: [null, { nick: 'two' }] },
        errors: [{ message: 'No nick', path: ['_entities', 0, 'nick'] }],
      }),
    });
    expect(outcome.data).toEqual({ users: [null, { id: '2', nick: 'two' }, null, null] });
    expect(outcome.errors.map(({ path }) => path)).toEqual([
      ['users', 0, 'nick'],
      ['users', 3, 'nick'],
    ]);
  });

  it('explain all that is missing of the entity that they made null, told or not', async () => {
    const asked = {
      answer: answering(users, {
        data: { _entities: [null, { one: 'x', two: 'x' }] },
        errors: [{ message: 'No nick', path: ['_entities', 0, 'two'] }],
      }),
    };
    const outcome = await graph.ask('{ users { one: nick two: nick } }', asked);
    expect(outcome.data).toEqual({ users: [null, { one: 'x', two: 'x' }, null, null] });
    expect(outcome.errors.map(({ path }) => path)).toEqual([
      ['users', 0, 'two'],
      ['users', 3, 'two'],
    ]);
    const limited = await graph.ask('{ users { one: nick two: nick } }', { ...asked, errors: { limit: 1 } });
    expect(limited.errors.map(({ path }) => path)).toEqual([['users', 0, 'two']]);
  });

  describe('explain all that the subgraph left out with the object around, though others answer their part of it', () => {
    const shared = new Graph({
      a: {
        sdl: `
          type Query { box: Box @shareable boxes: [Box] @shareable must: Box! @shareable users: [User!] }
          type User @key(fields: "id") { id: ID! box: Box @shareable }
          type Box { left: Side! @shareable one: Int! }
          type Side { x: Int }
        `,
      },
      b: {
        sdl: `
          type Query { box: Box @shareable boxes: [Box] @shareable must: Box! @shareable other: Int }
          type User @key(fields: "id") { id: ID! box: Box @shareable }
          type Box { left: Side! @shareable two: Int! }
          type Side { y: Int }
        `,
      },
    });
    const box = { left: { y: 1 }, two: 2 };
    const told = (path: (string | number)[]) => ({
      message: 'No two',
      path,
      extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 'b' },
    });
    const users = ['1', '2'].map((id) => ({ __typename: 'User', id, box: { one: 1 } }));

    it.each([
      [
        '{ box SELECTION }',
        { box: { one: 1 } },
        { box: null },
        ['box', 'two'],
        { box: null },
        ['box', 'two'],
      ],
      [
        '{ boxes SELECTION }',
        { boxes: [{ one: 1 }, { one: 1 }] },
        { boxes: [box, null] },
        ['boxes', 1, 'two'],
        { boxes: [{ ...box, one: 1 }, null] },
        ['boxes', 1, 'two'],
      ],
      ['{ must SELECTION }', { must: { one: 1 } }, null, ['must', 'two'], null, ['must', 'two']],
      [
        '{ users { box SELECTION } }',
        { users },
        { _entities: [{ box: null }, { box }] },
        ['_entities', 0, 'box', 'two'],
        { users: [{ box: null }, { box: { ...box, one: 1 } }] },
        ['users', 0, 'box', 'two'],
      ],
    ])('%s', async (source, a, b, path, data, toldPath) => {
      const outcome = await shared.ask(source.replace('SELECTION', '{ left { y } two one }'), {
        answer: answering(a, { data: b, errors: [{ message: 'No two', path }] }),
      });
      expect(outcome.data).toEqual(data);
      expect(outcome.errors).toEqual([told(toldPath)]);
    });

    it('for calls that fail, too', async () => {
      for (const source of [
        '{ other box { left { y } one } }',
        '{ other users { box { left { y } one } } }',
      ]) {
        const outcome = await shared.ask(source, {
          answer: answering({ box: { one: 1 }, users }, new Response('', { status: 500 })),
        });
        for (const { extensions } of outcome.errors)
          expect(extensions).toEqual({ code: 'SUBREQUEST_HTTP_ERROR', service: 'b' });
        expect(outcome.errors.length).toBeGreaterThan(0);
      }
    });

    it('but not what another left out', async () => {
      const outcome = await shared.ask('{ box { one left { y } two } }', {
        answer: answering(
          { box: {} },
          { data: { box: null }, errors: [{ message: 'No two', path: ['box', 'two'] }] },
        ),
      });
      expect(outcome.data).toEqual({ box: null });
      expect(outcome.errors).toEqual([told(['box', 'two']), malformed(['box', 'one'])]);
    });

    it('and nothing where their paths lead nowhere', async () => {
      for (const path of [
        ['box', 'three'],
        ['box', 0],
        ['box', 'left', 'y', 'z'],
        ['box', 'left', 'y'],
      ]) {
        const outcome = await shared.ask('{ box { left { y } two one } }', {
          answer: answering(
            { box: { one: 1 } },
            { data: { box: { left: { y: 1 } } }, errors: [{ message: 'No two', path }] },
          ),
        });
        expect(outcome.errors).toEqual([told(path), malformed(['box', 'two'], undefined, 'b')]);
      }
    });
  });

  it('of an entity as a whole stand where the entity stands', async () => {
    const outcome = await graph.ask('{ users { id nick } }', {
      answer: answering(users, {
        data: { _entities: [null, { nick: 'two' }] },
        errors: [{ message: 'Gone', path: ['_entities', 0] }],
      }),
    });
    expect(outcome.errors.map(({ path }) => path)).toEqual([
      ['users', 0],
      ['users', 3],
    ]);
  });

  it('without a path, or with an odd one, stand at every field that they left null', async () => {
    for (const error of [
      { message: 'Boom' },
      { message: 'Boom', path: ['_entities'] },
      { message: 'Boom', path: ['_entities', 9] },
      { message: 'Boom', path: 'x' },
    ]) {
      for (const data of [null, { _entities: null }]) {
        const outcome = await graph.ask('{ users { id bio } }', {
          answer: answering(users, { data, errors: [error] }),
        });
        expect(outcome.errors).toEqual(
          [0, 1, 3].map((index) => ({
            message: 'Boom',
            path: ['users', index, 'bio'],
            extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 'b' },
          })),
        );
      }
    }
    const root = await graph.ask('{ user { id } users { id } }', {
      answer: () => ({ errors: [{ message: 'Boom', path: ['else'] }, 'odd'] }),
    });
    expect(root.data).toEqual({ user: null, users: null });
    expect(root.errors.map(({ path, message }) => [path, message])).toEqual([
      [['user'], 'Boom'],
      [['user'], 'A subgraph reported an error.'],
      [['users'], 'Boom'],
      [['users'], 'A subgraph reported an error.'],
    ]);
  });

  it('can be masked', async () => {
    const outcome = await graph.ask('{ user { id } }', {
      errors: { mask: 'all' },
      answer: answering({
        data: { user: null },
        errors: [{ message: 'SELECT * FROM', path: ['user'], extensions: { code: 'X', sql: 'y' } }],
      }),
    });
    expect(outcome.errors).toEqual([
      { message: 'Subgraph "a" reported an error.', path: ['user'], extensions: { code: 'X', service: 'a' } },
    ]);
  });

  it('have no names in their paths but those of the client, where they are masked', async () => {
    const query = '{ u: user { id ...Friends } users { bio } } fragment Friends on User { friends { age } }';
    const paths: [sent: readonly (string | number)[], shown: readonly (string | number)[]][] = [
      [
        ['u', 'friends', 0, 'age'],
        ['u', 'friends', 0, 'age'],
      ],
      [
        ['u', 'friends', 0, 'SELECT * FROM', 'age'],
        ['u', 'friends', 0],
      ],
      [['u', 'email'], ['u']],
      [
        ['u', 'friends', -1.5, 'age'],
        ['u', 'friends'],
      ],
      [['u', '10.0.0.1'], ['u']],
    ];
    const outcome = await graph.ask(query, {
      errors: { mask: 'none', maskOf: new Map([['a', 'all']]) },
      answer: answering(
        {
          data: { u: null, users: [{ __typename: 'User', id: '1' }] },
          errors: paths.map(([path], i) => ({ message: 'No', path, extensions: { code: `${i}` } })),
        },
        { data: { _entities: [null] }, errors: [{ message: 'No', path: ['_entities', 0, 'inner'] }] },
      ),
    });
    const shown = outcome.errors.map(({ path, extensions }) => [extensions!['code'], path]);
    expect(shown).toEqual([
      ...paths.map(([, path], i) => [`${i}`, path]),
      ['DOWNSTREAM_SERVICE_ERROR', ['users', 0, 'inner']],
    ]);
  });

  it('can be masked for one subgraph, or shown for one', async () => {
    const errors = [{ message: 'SELECT * FROM', path: ['user'], extensions: { sql: 'y' } }];
    const ask = async (given: ErrorOptions) => {
      const answer = answering({ data: { user: null }, errors });
      const outcome = await graph.ask('{ user { id } }', { errors: given, answer });
      return outcome.errors.map(({ message }) => message);
    };
    const masked = ['Subgraph "a" reported an error.'];
    expect(await ask({ mask: 'none', maskOf: new Map([['a', 'all']]) })).toEqual(masked);
    expect(await ask({ mask: 'none', maskOf: new Map([['a', 'unexpected']]) })).toEqual(masked);
    expect(await ask({ mask: 'all', maskOf: new Map([['a', 'none']]) })).toEqual(['SELECT * FROM']);
    expect(await ask({ mask: 'all', maskOf: new Map([['b', 'none']]) })).toEqual(masked);
  });

  it('can be masked where nobody gave them a code', async () => {
    const { errors } = await graph.ask('{ user { age score } }', {
      errors: { mask: 'unexpected' },
      answer: answering({
        data: { user: { age: null, score: null } },
        errors: [
          { message: 'Too young', path: ['user', 'age'], extensions: { code: 'YOUNG' } },
          { message: 'SELECT * FROM', path: ['user', 'score'], extensions: { sql: 'y' } },
        ],
      }),
    });
    expect(errors).toEqual([
      { message: 'Too young', path: ['user', 'age'], extensions: { code: 'YOUNG', service: 'a' } },
      {
        message: 'Subgraph "a" reported an error.',
        path: ['user', 'score'],
        extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 'a' },
      },
    ]);
  });

  it.each([
    ['there', ['list', 0]],
    ['below', ['list', 0, 'id']],
    ['around it', ['list']],
  ])('explain a null in a list that the subgraph left there, told of a field %s', async (_, path) => {
    const { data, errors } = await graph.ask('{ list { id } }', {
      answer: answering({ data: { list: [null] }, errors: [{ message: 'No', path }] }),
    });
    expect(data).toEqual({ list: null });
    expect(errors.map((error) => [error.message, error.path])).toEqual([['No', path]]);
  });

  it.each([
    ['a value that its enum does not have', '{ user { color } }', { user: { color: 'PINK' } }, 'Color'],
    ['a text that is no number', '{ user { age } }', { user: { age: 'SELECT 1 at 10.0.0.1' } }, 'Int'],
    ['a text that is no truth', '{ user { ok } }', { user: { ok: 'SELECT 1' } }, 'Boolean'],
  ])('can be masked, and quote no value then: %s', async (_, query, data, type) => {
    for (const mask of ['unexpected', 'all'] as const) {
      const { errors } = await graph.ask(query, { errors: { mask }, answer: answering(data) });
      expect(errors.map(({ message }) => message)).toEqual([`Invalid value of type "${type}".`]);
    }
  });

  it('are bounded in number and size', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      message: 'x'.repeat(1_100),
      path: ['users', i, 'age'],
      extensions: { code: 'C', big: 'y'.repeat(1_100) },
    }));
    const outcome = await graph.ask('{ users { age } }', {
      answer: answering({ data: { users: [{ age: null }] }, errors: many }),
    });
    expect(outcome.errors.length).toBeGreaterThan(10);
    expect(outcome.text.length).toBeLessThan(64 * 1024);
    expect(outcome.errors[0]!.extensions).toEqual({ code: 'C', service: 'a' });
    const few = await graph.ask('{ users { age } }', {
      errors: { limit: 3 },
      answer: answering({ data: { users: [] }, errors: many.slice(0, 10).map(({ path }) => ({ path })) }),
    });
    expect(few.errors).toHaveLength(3);
    expect(few.execution.errorsLeftOut).toBe(7);
  });

  it('are left out, and counted, where there is no more room, and told where it is just enough', async () => {
    const asked = { answer: answering({ user: { age: 'x', score: 'x' } }) };
    const all = await graph.ask('{ user { age score } }', asked);
    expect(all.errors).toHaveLength(2);
    const limited = await graph.ask('{ user { age score } }', { ...asked, errors: { limit: 1 } });
    expect(limited.errors).toEqual(all.errors.slice(0, 1));
    expect(limited.execution.errorsLeftOut).toBe(1);
    const maxBytes = all.errors.reduce((sum, error) => sum + Buffer.byteLength(JSON.stringify(error)), 0);
    expect((await graph.ask('{ user { age score } }', { ...asked, errors: { maxBytes } })).errors).toEqual(
      all.errors,
    );
    const less = await graph.ask('{ user { age score } }', { ...asked, errors: { maxBytes: maxBytes - 1 } });
    expect(less.errors).toEqual(all.errors.slice(0, 1));
    expect(less.execution.errorsLeftOut).toBe(1);
  });

  it.each([
    ['of a value that is large itself', '{ user { age name } }', 'user', 'x'.repeat(1_000_000)],
    [
      'under a name that is as large',
      `{ ${'n'.repeat(40_000)}: user { age name } }`,
      'n'.repeat(40_000),
      'x',
    ],
  ])('are told, and bounded, %s', async (_, query, name, age) => {
    const { data, errors, text } = await graph.ask(query, {
      answer: answering({ [name]: { age, name: 'Ada' } }),
    });
    expect(data).toEqual({ [name]: { age: null, name: 'Ada' } });
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/^Int cannot represent non-integer value: "x/),
        ...(name === 'user' && { path: ['user', 'age'] }),
        extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', service: 'a' },
      },
    ]);
    expect(text.length - name.length).toBeLessThan(2_000);
  });

  it('are told once where they are equal', async () => {
    const error = { message: 'Twice', path: ['user', 'age'] };
    const outcome = await graph.ask('{ user { age } }', {
      answer: answering({ data: { user: { age: null } }, errors: [error, error] }),
    });
    expect(outcome.errors).toHaveLength(1);
  });
});

describe('a call that fails', () => {
  const failed = (code: string, message: unknown, path: (string | number)[] = ['user'], service = 'a') => [
    { message, path, extensions: { code, service } },
  ];

  it.each([
    [
      'an HTTP error without a body',
      new Response('', { status: 500 }),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "a" answered with HTTP status 500.',
    ],
    [
      'an HTTP error with HTML',
      new Response('<html>', { status: 502 }),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "a" answered with HTTP status 502.',
    ],
    [
      'a redirect',
      new Response('', { status: 302 }),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "a" answered with HTTP status 302.',
    ],
    [
      'an HTTP error with other JSON',
      new Response('{"error":"x"}', { status: 500 }),
      'SUBREQUEST_HTTP_ERROR',
      'Subgraph "a" answered with HTTP status 500.',
    ],
    [
      'an empty body',
      Buffer.from(''),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it is empty.',
    ],
    [
      'errors that are no list',
      { data: { user: { id: '1' } }, errors: { message: 'x' } },
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: its errors are no list.',
    ],
    [
      'HTML',
      Buffer.from('<html>'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it is not JSON at byte 0.',
    ],
    [
      'a truncated body',
      Buffer.from('{"data":{"user":{"id":"1'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it ends in the middle.',
    ],
    [
      'invalid UTF-8',
      Buffer.from('7b2264617461223a7b2275736572223a7b226964223a22ff227d7d7d', 'hex'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it is not UTF-8.',
    ],
    ['a list', Buffer.from('[]'), 'SUBREQUEST_MALFORMED_RESPONSE', expect.any(String)],
    ['null', Buffer.from('null'), 'SUBREQUEST_MALFORMED_RESPONSE', expect.any(String)],
    [
      'an object without data',
      Buffer.from('{}'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it has neither data nor errors.',
    ],
    ['null as data', Buffer.from('{"data":null}'), 'SUBREQUEST_MALFORMED_RESPONSE', expect.any(String)],
    [
      'null as data and empty errors',
      Buffer.from('{"data":null,"errors":[]}'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      expect.any(String),
    ],
    [
      'a string as data',
      Buffer.from('{"data":"x"}'),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: its data is no object.',
    ],
    ['a list as data', Buffer.from('{"data":[{}]}'), 'SUBREQUEST_MALFORMED_RESPONSE', expect.any(String)],
    [
      'a scalar nested 10,000 deep',
      Buffer.from(`{"data":{"user":{"id":${'['.repeat(10_000)}${']'.repeat(10_000)}}}}`),
      'SUBREQUEST_MALFORMED_RESPONSE',
      'Subgraph "a" answered with something else than a GraphQL response: it is nested deeper than 500 levels.',
    ],
  ])('with %s is one error', async (_, response, code, message) => {
    const outcome = await graph.ask('{ user { id } }', { answer: () => response });
    expect(outcome.data).toEqual({ user: null });
    expect(outcome.errors).toEqual(failed(code, message));
  });

  it('is none where null stands for no errors', async () => {
    const { text } = await graph.ask('{ user { id } }', {
      answer: () => ({ data: { user: { id: '1' } }, errors: null }),
    });
    expect(text).toBe('{"data":{"user":{"id":"1"}}}');
  });

  it('keeps the GraphQL response of an HTTP error', async () => {
    const body = JSON.stringify({
      data: { user: { id: '1' } },
      errors: [{ message: 'Half', path: ['user', 'x'] }],
    });
    const outcome = await graph.ask('{ user { id } }', { answer: () => new Response(body, { status: 500 }) });
    expect(outcome.data).toEqual({ user: { id: '1' } });
    expect(outcome.errors).toEqual([
      {
        message: 'Half',
        path: ['user', 'x'],
        extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', service: 'a' },
      },
    ]);
  });

  it('with a TransportError tells its code and message', async () => {
    const outcome = await graph.ask('{ user { id } }', {
      answer: () => Promise.reject(new TransportError('a', 'timeout')),
    });
    expect(outcome.errors).toEqual(failed('GATEWAY_TIMEOUT', new TransportError('a', 'timeout').message));
  });

  it('with anything else tells nothing of it', async () => {
    for (const answer of [
      () => Promise.reject(new Error('connect 10.0.0.1')),
      () => {
        throw new Error('x');
      },
    ]) {
      const outcome = await graph.ask('{ user { id } }', { answer });
      expect(outcome.errors).toEqual(failed('SUBREQUEST_HTTP_ERROR', 'Subgraph "a" could not be reached.'));
    }
  });

  it('for entities is one error for each that it left null, and explains what is missing', async () => {
    const users = { users: [null, { __typename: 'User', id: '1' }, { __typename: 'User', id: '2' }] };
    for (const b of [
      Buffer.from('oops'),
      { data: { _entities: [{ nick: 'x' }] } },
      { data: { _entities: [{ nick: 'x' }, { nick: 'y' }, { nick: 'z' }] } },
      { data: { _entities: 'none' } },
      { data: { _entities: null } },
      { data: {} },
      { data: { _entities: [{ nick: 'x' }, 'y'] } },
    ]) {
      const outcome = await graph.ask('{ users { id nick } }', { answer: answering(users, b) });
      expect(outcome.data).toEqual({ users: [null, null, null] });
      expect(outcome.errors).toEqual(
        [1, 2].flatMap((i) =>
          failed('SUBREQUEST_MALFORMED_RESPONSE', expect.any(String), ['users', i, 'nick'], 'b'),
        ),
      );
      const partial = await graph.ask('{ users { id bio } }', {
        answer: answering(users, b instanceof Uint8Array ? b : { data: null, errors: [{ message: 'm' }] }),
      });
      expect(partial.data).toEqual({ users: [null, { id: '1', bio: null }, { id: '2', bio: null }] });
    }
  });

  it('does not hurt what other calls answer', async () => {
    const outcome = await graph.ask('{ user { id bio } other }', {
      answer: ({ subgraph, query }) =>
        subgraph === 'a'
          ? { data: { user: { __typename: 'User', id: '1' } } }
          : query.includes('other')
            ? { data: { other: 'x' } }
            : Buffer.from('oops'),
    });
    expect(outcome.data).toEqual({ user: { id: '1', bio: null }, other: 'x' });
    expect(outcome.errors).toHaveLength(1);
  });

  it('answers the next request of the same program as ever', async () => {
    const program = graph.compile('{ user { id bio } }');
    const broken = await graph.run(program, { answer: () => Buffer.from('{"data":{"user":{"id":"1"') });
    expect(broken.data).toEqual({ user: null });
    const whole = await graph.run(program, {
      answer: answering({ user: { __typename: 'User', id: '1' } }, { _entities: [{ bio: 'x' }] }),
    });
    expect(whole.text).toBe('{"data":{"user":{"id":"1","bio":"x"}}}');
  });
});
