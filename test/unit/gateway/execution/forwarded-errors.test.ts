/** Which errors of subgraphs, and of calls that failed, gateway/execution tells a client, and where. */
import { TransportError } from '../../../../gateway/subgraph-calls/contract/transport';
import { type Answer, Graph } from './graph';

const graph = new Graph({
  a: {
    sdl: `
      type Query { user: User users: [User] name: String count: Int! tags: [String] }
      type User @key(fields: "id") { id: ID! age: Int }
      type Mutation { rename: String }
    `,
  },
  b: {
    sdl: `
      type User @key(fields: "id") { id: ID! bio: String nick: String! weight: Int }
      type Query { other: String more: String }
    `,
  },
  c: {
    sdl: `
      type User @key(fields: "id") { id: ID! weight: Int @external price: Int @requires(fields: "weight") }
    `,
  },
});

const users = ['1', '2', '3'].map((id) => ({ __typename: 'User', id }));

/** What each subgraph answers, by its name. */
const answering =
  (answers: Record<string, unknown>): Answer =>
  ({ subgraph }) => {
    const answer = answers[subgraph] as object;
    return answer instanceof Response || 'data' in answer || 'errors' in answer ? answer : { data: answer };
  };

const down = (): Response => new Response('', { status: 500 });

async function ask(source: string, answers: Record<string, unknown> | Answer, errors = {}) {
  const answer = typeof answers === 'function' ? answers : answering(answers);
  const outcome = await graph.ask(source, { answer, errors });
  const told = outcome.errors.map(({ message, path, extensions }) => [
    path?.join('.'),
    message,
    extensions!['code'],
    extensions!['service'],
  ]);
  return { ...outcome, told };
}

const noCode = 'DOWNSTREAM_SERVICE_ERROR';
const failed = 'SUBREQUEST_HTTP_ERROR';
const downText = 'Subgraph "b" answered with HTTP status 500.';

it('tells of a call at the root of which no null is seen at the first of its fields', async () => {
  const { data, told } = await ask('{ count other more }', {
    a: { data: { count: null }, errors: [{ message: 'No count', path: ['count'] }] },
    b: down(),
  });
  expect(data).toBeNull();
  expect(told).toEqual([
    ['count', 'No count', noCode, 'a'],
    ['other', downText, failed, 'b'],
  ]);
});

describe('errors of a subgraph', () => {
  it('are all told where several have one path, those that say the same once', async () => {
    const path = ['user', 'age'];
    const { data, told } = await ask('{ user { age } }', {
      a: {
        data: { user: { age: null } },
        errors: [
          { message: 'Too old', path, extensions: { code: 'OLD' } },
          { message: 'Too long', path, extensions: { code: 'LONG' } },
          { message: 'Too old', path, extensions: { code: 'ODD' } },
          { message: 'Too old', path, extensions: { code: 'OLD', at: 2 } },
        ],
      },
    });
    expect(data).toEqual({ user: { age: null } });
    expect(told).toEqual([
      ['user.age', 'Too old', 'OLD', 'a'],
      ['user.age', 'Too long', 'LONG', 'a'],
      ['user.age', 'Too old', 'ODD', 'a'],
    ]);
  });

  it('are told beside whole data, where they say that they belong', async () => {
    const path = ['user', 'age'];
    const { data, told } = await ask('{ user { age } }', {
      a: {
        data: { user: { age: 7 } },
        errors: [
          { message: 'One', path },
          { message: 'Two', path },
        ],
      },
    });
    expect(data).toEqual({ user: { age: 7 } });
    expect(told).toEqual([
      ['user.age', 'One', noCode, 'a'],
      ['user.age', 'Two', noCode, 'a'],
    ]);
  });

  it('are told beside whole data without a path if they have none', async () => {
    const { data, told } = await ask('{ user { age } name }', {
      a: { data: { user: { age: 7 }, name: 'x' }, errors: [{ message: 'Old' }, { message: 'Slow' }] },
    });
    expect(data).toEqual({ user: { age: 7 }, name: 'x' });
    expect(told).toEqual([
      [undefined, 'Old', noCode, 'a'],
      [undefined, 'Slow', noCode, 'a'],
    ]);
  });

  it('without a path are each told at every root field that they left null', async () => {
    for (const data of [null, undefined, { user: null, name: null, tags: ['x'] }]) {
      const tags = data ? ['x'] : null;
      const outcome = await ask('{ tags user { age } name }', {
        a: { data, errors: [{ message: 'One' }, { message: 'Two' }, { message: 'Three' }] },
      });
      expect(outcome.data).toEqual({ tags, user: null, name: null });
      const nulls = ['tags', 'user', 'name'].filter((name) => name !== 'tags' || tags === null);
      expect(outcome.told).toEqual(
        nulls.flatMap((name) => ['One', 'Two', 'Three'].map((text) => [name, text, noCode, 'a'])),
      );
    }
  });

  it('without a path explain a null that may not be', async () => {
    const { data, told } = await ask('{ name count }', { a: { errors: [{ message: 'One' }] } });
    expect(data).toBeNull();
    expect(told).toEqual([
      ['name', 'One', noCode, 'a'],
      ['count', 'One', noCode, 'a'],
    ]);
  });

  it('without a path are told at every field of an entity that they left null, and at no field that is nested', async () => {
    const { told } = await ask('{ users { bio } }', {
      a: { users },
      b: { data: { _entities: [{ bio: null }, { bio: 'x' }, null] }, errors: [{ message: 'One' }] },
    });
    expect(told).toEqual([
      ['users.0.bio', 'One', noCode, 'b'],
      ['users.2.bio', 'One', noCode, 'b'],
    ]);
    const nested = await ask('{ user { age } }', {
      a: { data: { user: { age: null } }, errors: [{ message: 'One' }] },
    });
    expect(nested.told).toEqual([[undefined, 'One', noCode, 'a']]);
  });

  it('without a path name no part of a merged request that is whole', async () => {
    const both = '{ user { age } users { bio nick } }';
    const { told, sent } = await ask(both, ({ subgraph, query }) => {
      if (subgraph === 'a') return { data: { user: { age: 1 }, users } };
      expect(query).toContain('_entities');
      return {
        data: {
          _entities: [
            { bio: 'x', nick: 'x' },
            { bio: null, nick: 'x' },
            { bio: 'x', nick: 'x' },
          ],
        },
        errors: [{ message: 'One' }],
      };
    });
    expect(sent).toHaveLength(2);
    expect(told).toEqual([['users.1.bio', 'One', noCode, 'b']]);
  });

  it('hide no error of ours at another field', async () => {
    const { told } = await ask('{ user { age } name }', {
      a: { data: { user: { age: 'x' }, name: null }, errors: [{ message: 'One' }] },
    });
    expect(told).toEqual([
      ['user.age', 'Int cannot represent non-integer value: "x"', 'SUBREQUEST_MALFORMED_RESPONSE', 'a'],
      ['name', 'One', noCode, 'a'],
    ]);
  });

  it('are masked before equal ones are left out', async () => {
    const path = ['name'];
    const errors = [
      { message: 'SELECT 1', path },
      { message: 'SELECT 2', path },
    ];
    const { told } = await ask('{ name }', { a: { data: { name: null }, errors } }, { mask: 'unexpected' });
    expect(told).toEqual([['name', 'Subgraph "a" reported an error.', noCode, 'a']]);
  });
});

describe('a call that fails', () => {
  it('is told at every root field that it left null', async () => {
    const { data, told } = await ask('{ name other more }', { a: { data: { name: 'x' } }, b: down() });
    expect(data).toEqual({ name: 'x', other: null, more: null });
    expect(told).toEqual([
      ['other', downText, failed, 'b'],
      ['more', downText, failed, 'b'],
    ]);
  });

  it('is told at every field of every entity that it left null', async () => {
    const { data, told } = await ask('{ users { id bio } user { bio } }', {
      a: { user: users[0], users },
      b: down(),
    });
    expect(data).toEqual({
      users: users.map(({ id }) => ({ id, bio: null })),
      user: { bio: null },
    });
    expect(told.map(([path]) => path)).toEqual(['users.0.bio', 'users.1.bio', 'users.2.bio', 'user.bio']);
  });

  it('is told once for what it left null around several of its fields', async () => {
    const { data, told } = await ask('{ users { nick weight } }', { a: { users }, b: down() });
    expect(data).toEqual({ users: [null, null, null] });
    expect(told.map(([path]) => path)).toEqual(['users.0.nick', 'users.1.nick', 'users.2.nick']);
  });

  it('is told where fields are null that could not be asked for without it', async () => {
    const { data, told, sent } = await ask('{ users { price } }', { a: { users }, b: down() });
    expect(sent.map(({ subgraph }) => subgraph)).toEqual(['a', 'b']);
    expect(data).toEqual({ users: [{ price: null }, { price: null }, { price: null }] });
    expect(told).toEqual([0, 1, 2].map((i) => [`users.${i}.price`, downText, failed, 'b']));
  });

  it('is told once where the client sees no null of it', async () => {
    const { data, told } = await ask('{ count users { price } }', {
      a: { count: null, users },
      b: down(),
      c: { _entities: [] },
    });
    expect(data).toBeNull();
    expect(told).toEqual([
      ['count', expect.stringContaining('Query.count'), 'SUBREQUEST_MALFORMED_RESPONSE', 'a'],
      ['users.0', downText, failed, 'b'],
    ]);
  });

  it('says how many of its errors were left out', async () => {
    const many = Array.from({ length: 500 }, (_, i) => ({ __typename: 'User', id: String(i) }));
    const { errors, execution } = await ask('{ users { bio } }', { a: { users: many }, b: down() });
    expect(errors).toHaveLength(100);
    expect(execution.errorsLeftOut).toBe(400);
    const few = await ask('{ users { bio } }', { a: { users }, b: down() }, { limit: 2 });
    expect(few.told.map(([path]) => path)).toEqual(['users.0.bio', 'users.1.bio']);
    expect(few.execution.errorsLeftOut).toBe(1);
    const fits = await ask('{ users { bio } }', { a: { users }, b: down() }, { limit: 3 });
    expect([fits.told.length, fits.execution.errorsLeftOut]).toEqual([3, 0]);
  });

  it('with a message of its own is told with it everywhere', async () => {
    const { told } = await ask('{ users { bio } }', ({ subgraph }) =>
      subgraph === 'a' ? { data: { users } } : Promise.reject(new TransportError('b', 'timeout')),
    );
    const { message } = new TransportError('b', 'timeout');
    expect(told).toEqual([0, 1, 2].map((i) => [`users.${i}.bio`, message, 'GATEWAY_TIMEOUT', 'b']));
  });
});
