import { buildSchema } from 'graphql';
import { DeniedFields } from '../../../../../gateway/auth/directives/denied-fields';
import { createIdentity } from '../../../../../gateway/auth/identity';

const schema = buildSchema(`
  schema { query: RootQuery  mutation: Mutation }
  type RootQuery { secret: String  user: User }
  type Mutation { ping: Boolean }
  type Query { other: Int }
  interface Named { name: String }
  type User implements Named { name: String  price: Int }
`);
const facts = { sources: new Map([['User.price', ['User.weight', 'Shop']]]) };

const deny = (...deniedFields: string[]) => {
  const lines: unknown[] = [];
  const logger = {
    error: (...line: unknown[]) => lines.push(line),
    warn: (...line: unknown[]) => lines.push(line),
  };
  const denied = new DeniedFields({ facts, schema, logger: logger as never });
  const identity = createIdentity({ mode: 'lambda', deniedFields });
  return { denied: denied.of(identity), lines };
};

it.each([
  ['User.name', ['User.name']],
  ['Named.name', ['Named.name']],
  ['RootQuery.secret', ['RootQuery.secret']],
  ['Mutation.ping', ['Mutation.ping']],
  // The root type, whatever its name, and the type of that name.
  ['Query.secret', ['Query.secret', 'RootQuery.secret']],
  ['Query.other', ['Query.other', 'RootQuery.other']],
  // What only @requires knows.
  ['User.weight', ['User.weight']],
])('%s denies %j', (field, coordinates) => {
  expect(deny(field)).toEqual({ denied: coordinates, lines: [] });
});

it.each([
  'user.name',
  'rootQuery.secret',
  'query.secret',
  'Query.SECRET',
  // Of the type of that name alone, and of the root type alone.
  'Query.OTHER',
  'Query.User',
  'User.Weight',
  'named.name',
  'User.*',
])('%s is not clear', (field) => {
  const { denied, lines } = deny('User.name', field);
  expect(denied).toBeUndefined();
  expect(lines).toEqual([[{ field }, expect.any(String)]]);
});

it('denies what is not there, and says it once', () => {
  const { denied, lines } = deny('User.toString', 'Film.title', 'Film.title', 'String.length', 'Shop.name');
  expect(denied).toEqual(['User.toString', 'Film.title', 'Film.title', 'String.length', 'Shop.name']);
  expect(lines).toHaveLength(4);
});

it('takes no field of another type for one of `Query` in another case', () => {
  const { denied, lines } = deny('Query.Name');
  expect(denied).toEqual(['Query.Name', 'RootQuery.Name']);
  expect(lines).toHaveLength(1);
});

it('says it of a thousand names at most', () => {
  const names = Array.from({ length: 1_100 }, (_, i) => `Film.field${i}`);
  expect(deny(...names).lines).toHaveLength(1_000);
});
