import { print } from 'graphql';
import { defaultLintRules, lintSchema } from '../../../../schema/checks/lint';
import { locateCoordinate } from '../../../../schema/checks/locate-coordinate';
import { overlaidDocument } from '../../../../schema/composition/sources/overlaid-document';

const api = `
type Query { get_user(id: ID!): user_type  users: [user_type!]! }
type user_type { id: ID!  bestFriendId: ID }
`;
const overlay = `
extend type Query { get_user(id: ID!): user_type @lookup }
extend type user_type {
  best_friend: user_type @derive @is(field: "{ id: bestFriendId }")
}
`;

/** The API with its overlay. @param kind where its schema comes from */
function sourceOf(kind: 'file' | 'url') {
  const document = overlaidDocument(
    'users',
    { sdl: api, file: 'users.graphql' },
    { text: overlay, file: 'users.join.graphql' },
    kind,
  );
  return {
    name: 'users',
    routingUrl: 'http://u.test/',
    sdl: print(document),
    file: 'users.graphql',
    document,
  };
}

describe('of an API with an overlay', () => {
  it('only the fields are linted that the overlay adds, at their lines there', () => {
    expect(lintSchema(sourceOf('file'), defaultLintRules)).toMatchObject([
      {
        ...{ level: 'warning', code: 'field-names', message: '`best_friend` must be in camelCase.' },
        locations: [{ subgraph: 'users', file: 'users.join.graphql', line: 4, column: 3 }],
      },
    ]);
  });

  it.each([
    ['user_type.best_friend', 'file', 'users.join.graphql:4'],
    ['user_type.bestFriendId', 'file', 'users.graphql:3'],
    ['Query.get_user(id:)', 'file', 'users.join.graphql:2'],
    ['user_type.gone', 'file', 'users.join.graphql:3'],
    // Nobody has written what an introspection answers.
    ['user_type.bestFriendId', 'url', 'users.join.graphql:3'],
    ['Query.users', 'url', 'users.join.graphql:2'],
  ] as const)('%s, whose schema is of a %s, is at %s', (coordinate, kind, at) => {
    const [found] = locateCoordinate(coordinate, [sourceOf(kind)]);
    expect(`${found!.file}:${found!.line}`).toBe(at);
  });
});
