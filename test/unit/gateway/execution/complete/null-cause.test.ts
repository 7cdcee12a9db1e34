import fc from 'fast-check';
import { explainNull, type ObservedNull, type Program } from '../../../../../gateway/execution';
import {
  TransportError,
  type TransportFailure,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { type Answer, type Asking, Graph } from '../graph';

const graph = new Graph({
  a: {
    sdl: `
      type Query { user: User users: [User] must: User! color: Color node: Node }
      type User @key(fields: "id") {
        id: ID! name: String! age: Int friend: User friends: [User!] tags: [String] words: [String!] color: Color
      }
      enum Color { RED BLUE @inaccessible }
      interface Node { id: ID! }
      type Book implements Node { id: ID! }
      type Secret implements Node @inaccessible { id: ID! }
    `,
  },
  b: {
    sdl: `
      type User @key(fields: "id") { id: ID! bio: String nick: String! age: Int @external adult: Boolean @requires(fields: "age") }
    `,
  },
});

/** Runs the operation, and returns the answer's data and a sentence for each null. */
async function explain(
  source: string | Program,
  answer: Answer,
  isThorough = true,
  asking: Asking = {},
): Promise<{ data: unknown; sentences: string[]; nulls: readonly ObservedNull[] }> {
  const nulls: ObservedNull[] = [];
  const observe = (some: readonly ObservedNull[]): void => {
    nulls.push(...some);
  };
  const program = typeof source === 'string' ? graph.compile(source, asking) : source;
  const { data, text } = await graph.run(program, { answer, nulls: { isThorough, observe } });
  expect((await graph.run(program, { answer })).text).toBe(text);
  return { data, sentences: nulls.map(explainNull), nulls };
}

/** Answers subgraph `a` with this, and `b` with that. */
const answering =
  (a: unknown, b?: unknown): Answer =>
  ({ subgraph }) =>
    subgraph === 'a' ? a : typeof b === 'function' ? (b as () => unknown)() : b;
const user = { data: { user: { __typename: 'User', id: '1' } } };
const failing = (failure: TransportFailure) => () => {
  throw new TransportError('b', failure);
};

describe('the sentence about a null names its place and its cause', () => {
  it.each<[string, string, Answer, string]>([
    [
      'the error of a subgraph',
      '{ user { bio } }',
      answering(user, {
        data: { _entities: [{ bio: null }] },
        errors: [{ message: 'No', path: ['_entities', 0, 'bio'], extensions: { code: 'NO_BIO' } }],
      }),
      'user.bio (User.bio) is null because the subgraph "b" reported the error NO_BIO there.',
    ],
    [
      'an error without a path',
      '{ user { age } }',
      answering({ data: { user: null }, errors: [{ message: 'No' }] }),
      'user (Query.user) is null because the subgraph "a" reported the error DOWNSTREAM_SERVICE_ERROR there.',
    ],
    [
      'an error of a whole entity',
      '{ user { bio } }',
      answering(user, { data: null, errors: [{ message: 'No', extensions: { code: 'DOWN' } }] }),
      'user.bio (User.bio) is null because the subgraph "b" reported the error DOWN there.',
    ],
    [
      'an error at what may not be null in the subgraph',
      '{ user { friend { name } } }',
      answering({
        data: { user: { friend: null } },
        errors: [{ message: 'No', path: ['user', 'friend', 'name'], extensions: { code: 'NAMELESS' } }],
      }),
      'user.friend (User.friend) is null because the subgraph "a" reported the error NAMELESS there.',
    ],
    [
      'a time-out',
      '{ user { bio } }',
      answering(user, failing('timeout')),
      'user.bio (User.bio) is null because the call took too long: Subgraph "b" did not answer in time.',
    ],
    [
      'a circuit breaker',
      '{ user { bio } }',
      answering(user, failing('broken')),
      'user.bio (User.bio) is null because the call was not sent: Subgraph "b" is not called for a moment: its circuit breaker is open.',
    ],
    [
      'a limit of calls',
      '{ user { bio } }',
      answering(user, failing('over-limit')),
      'user.bio (User.bio) is null because a limit forbids the call or its answer (MAX_SUBGRAPH_CALLS_LIMIT): Subgraph "b" was not called: the operation needs too many calls.',
    ],
    [
      'a limit of bytes',
      '{ user { bio } }',
      answering(user, failing('too-large')),
      'user.bio (User.bio) is null because a limit forbids the call or its answer (SUBREQUEST_HTTP_ERROR): Subgraph "b" sent a response over the size limit.',
    ],
    [
      'a subgraph that is not there',
      '{ user { bio } }',
      answering(user, failing('refused')),
      'user.bio (User.bio) is null because the call failed (SUBREQUEST_HTTP_ERROR): Subgraph "b" refused the connection.',
    ],
    [
      'an entity that is not there',
      '{ user { bio } }',
      answering(user, { data: { _entities: [null] } }),
      'user.bio (User.bio) is null because the subgraph "b" found no such entity of the type User.',
    ],
    [
      'a null of the subgraph',
      '{ user { age } }',
      answering({ data: { user: { age: null } } }),
      'user.age (User.age) is null because the subgraph "a" answered null, without an error.',
    ],
    [
      'a null in a list',
      '{ user { tags } }',
      answering({ data: { user: { tags: ['x', null] } } }),
      'user.tags.1 (User.tags) is null because the subgraph "a" answered null, without an error.',
    ],
    [
      'a field that the subgraph left out',
      '{ user { age } }',
      answering({ data: { user: {} } }),
      'user.age (User.age) is null because the subgraph "a" left it out of its answer.',
    ],
    [
      'a null in a field beside it, which may not be null',
      '{ user { name age } }',
      answering({ data: { user: { name: null, age: 3 } } }),
      'user (Query.user) is null because user.name (User.name), which may not be null, is null because the subgraph "a" answered null, without an error.',
    ],
    [
      'a null in a list whose items may not be null',
      '{ user { words } }',
      answering({ data: { user: { words: ['x', null] } } }),
      'user.words (User.words) is null because user.words.1 (User.words), which may not be null, is null because the subgraph "a" answered null, without an error.',
    ],
    [
      'a null that reaches the data',
      '{ must { id } }',
      answering({ data: { must: null } }),
      'data is null because must (Query.must), which may not be null, is null because the subgraph "a" answered null, without an error.',
    ],
    [
      'a failed call that another call needs',
      '{ user { adult } }',
      answering({
        data: { user: { __typename: 'User', id: '1' } },
        errors: [{ message: 'No', path: ['user', 'age'], extensions: { code: 'AGELESS' } }],
      }),
      'user.adult (User.adult) is null because the subgraph "a" reported the error AGELESS there.',
    ],
    [
      'a call that was not needed, as its representation has no key',
      '{ user { bio } }',
      answering({ data: { user: { __typename: 'User' } } }),
      'user.bio (User.bio) is null because no subgraph was called for it, as fields that the call needs are null.',
    ],
    [
      'a value of another type',
      '{ user { age } }',
      answering({ data: { user: { age: 'old' } } }),
      'user.age (User.age) is null because the subgraph "a" answered a value that is not of its type.',
    ],
    [
      'a value that composition hides',
      '{ color }',
      answering({ data: { color: 'BLUE' } }),
      'color (Query.color) is null because its value or type is @inaccessible, so that clients may not see it.',
    ],
    [
      'a type that composition hides',
      '{ node { id } }',
      answering({ data: { node: { __typename: 'Secret', id: '1' } } }),
      'node (Query.node) is null because its value or type is @inaccessible, so that clients may not see it.',
    ],
  ])('%s', async (_, source, answer, sentence) => {
    const { sentences } = await explain(source, answer);
    expect(sentences).toEqual([sentence]);
  });

  it.each([
    [
      'a field that the caller may not see',
      'user.age (User.age) is null because the caller may not see User.age.',
      {
        isRefused: (type: string, field: string) => `${type}.${field}` === 'User.age',
        isForbidden: () => false,
        dependsOnType: () => false,
        visibleSchema: graph.apiSchema,
      },
    ],
    [
      'a field that no call of the plan asks for',
      'user.age (User.age) is null because no call of the query plan asks for it.',
      undefined,
    ],
  ])('%s', async (_, sentence, refusals) => {
    const { sentences } = await explain(
      '{ user { id age } }',
      answering({ data: { user: { id: '1' } } }),
      false,
      { replan: () => graph.planOf('{ user { id } }'), ...(refusals && { refusals }) },
    );
    expect(sentences).toEqual([sentence]);
  });
});

it('an observer that is not thorough is told only of nulls that are no data of a subgraph', async () => {
  const answer = answering(
    { data: { users: [{ __typename: 'User', id: '1', age: null, tags: [null], friend: null }] } },
    { data: { _entities: [null] } },
  );
  const { nulls } = await explain('{ users { age tags friend { id } bio } }', answer, false);
  expect(nulls.map(({ path }) => path.join('.'))).toEqual(['users.0.bio']);
});

it('nulls that are undone are not told of', async () => {
  const answer = answering({
    data: { users: [{ age: null, name: null }, { age: null, name: 'Ada' }, null] },
  });
  const { data, nulls } = await explain('{ users { age name } }', answer);
  expect(data).toEqual({ users: [null, { age: null, name: 'Ada' }, null] });
  expect(nulls.map(({ path, cause }) => [path.join('.'), cause.kind])).toEqual([
    ['users.0', 'propagated'],
    ['users.1.age', 'null-in-subgraph'],
    ['users.2', 'null-in-subgraph'],
  ]);
});

it('an entity at several places is told of at each', async () => {
  const one = { __typename: 'User', id: '1' };
  const answer = answering(
    { data: { users: [one, one] } },
    { data: { _entities: [{ bio: null, nick: 'A' }] } },
  );
  const { nulls } = await explain('{ users { bio nick } }', answer);
  expect(nulls.map(({ path }) => path.join('.'))).toEqual(['users.0.bio', 'users.1.bio']);
});

it('at most a thousand are told, and the others counted', async () => {
  const told: number[] = [];
  await graph.ask('{ user { tags } }', {
    answer: answering({ data: { user: { tags: Array.from({ length: 1500 }, () => null) } } }),
    nulls: { isThorough: true, observe: (nulls, leftOut) => told.push(nulls.length, leftOut) },
  });
  expect(told).toEqual([1000, 500]);
});

it('a thorough observer is told of each null of any answer, once, and changes nothing of it', async () => {
  const program = graph.compile('{ users { id name age tags color bio nick } }');
  const person = fc.oneof(
    fc.constant(null),
    fc.record({
      ...{ __typename: fc.constant('User'), id: fc.constantFrom('1', '2') },
      name: fc.constantFrom('Ada', null),
      age: fc.constantFrom(3, null, 'x'),
      tags: fc.constantFrom(null, [], [null, 'x']),
      color: fc.constantFrom('RED', 'BLUE', null),
    }),
  );
  const entity = fc.constantFrom(null, { bio: null, nick: 'n' }, { bio: 'b', nick: null }, {});
  await fc.assert(
    fc.asyncProperty(
      fc.array(person, { maxLength: 4 }),
      fc.array(entity, { minLength: 2, maxLength: 2 }),
      async (users, entities) => {
        const answer: Answer = ({ subgraph, variables }) => ({
          data:
            subgraph === 'a'
              ? { users }
              : { _entities: entities.slice(0, variables.representations!.length) },
        });
        const { data, nulls } = await explain(program, answer);
        expect(nulls.map(({ path }) => path.join('.')).sort()).toEqual(nullsIn(data).sort());
      },
    ),
    { numRuns: 100 },
  );
});

function nullsIn(value: unknown, path: readonly (string | number)[] = []): string[] {
  if (value === null) return [path.join('.')];
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, child]) => nullsIn(child, [...path, key]));
}
