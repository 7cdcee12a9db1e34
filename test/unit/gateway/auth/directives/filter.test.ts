import { buildSchema, getOperationAST, parse, print } from 'graphql';
import { withoutRefused } from '../../../../../gateway/auth/directives/filter';
import { Protection } from '../../../../../gateway/auth/directives/protection';
import { Visibility } from '../../../../../gateway/auth/directives/visibility';
import type { Protections } from '../../../../../gateway/planning';

const schema = buildSchema(`
  type Query { user: User  node: Node  found: Found  secret: Secret }
  interface Node { id: ID  name: String  next: Node }
  type User implements Node { id: ID  name: String  next: Node  email: String }
  type Shop implements Node { id: ID  name: String  next: Node }
  type Secret { text: String }
  union Found = User | Secret
`);

/** What is left of a document for who is denied these fields, and not signed in for these types. */
function filter(text: string, denied: readonly string[], closed: readonly string[] = [], hidden = {}) {
  const facts: Protections = {
    requirements: [{ kind: 'authenticated' }],
    elements: new Map(closed.map((coordinate) => [coordinate, [0]])),
    ...{ sources: new Map(), keys: new Map(), interfaceObjects: new Set() },
    hiddenFields: new Map(Object.entries(hidden)),
  };
  const protection = new Protection(facts, schema);
  const visibility = new Visibility(protection, ['authenticated', ...denied], () => schema);
  const document = parse(text);
  const { document: left, refused } = withoutRefused(document, getOperationAST(document, 'Q')!, visibility);
  return { left: print(left).replace(/\s+/g, ' '), refused: [...refused].sort() };
}
const plain = (text: string): string => print(parse(text)).replace(/\s+/g, ' ');

describe('what is left of an operation', () => {
  it.each<[string, string, readonly string[], readonly string[], readonly string[]]>([
    ['query Q { user { id name } }', 'query Q { user { id name } }', [], [], []],
    ['query Q { user { id name } }', 'query Q { user { id } }', ['User.name'], [], ['User.name']],
    [
      'query Q { user { a: name @skip(if: false) } }',
      'query Q { user { __typename } }',
      ['User.name'],
      [],
      ['User.name'],
    ],
    [
      'query Q { user { __typename name } }',
      'query Q { user { __typename } }',
      ['User.name'],
      [],
      ['User.name'],
    ],
    // Its alias is taken by another field.
    [
      'query Q { user { b: __typename name } }',
      'query Q { user { b: __typename } }',
      ['User.name'],
      [],
      ['User.name'],
    ],
    ['query Q { user { name } }', 'query Q { __typename }', ['Query.user'], [], ['Query.user']],
    ['query Q { secret { text } user { id } }', 'query Q { user { id } }', [], ['Secret'], ['Query.secret']],
    [
      'query Q { __schema { types { name } } user { id } }',
      'query Q { __schema { types { name } } }',
      ['Query.user'],
      [],
      ['Query.user'],
    ],
    // Of other operations nothing is left, of fragments what may be seen.
    [
      'query Q { user { ...F } } query R { user { name } } fragment F on User { id name }',
      'query Q { user { ...F } } fragment F on User { id }',
      ['User.name'],
      [],
      ['User.name'],
    ],
    [
      'query Q { found { ...F ... on Secret { text } ... on User { id } } } fragment F on Secret { text }',
      'query Q { found { __typename ... on User { id } } }',
      [],
      ['Secret'],
      [],
    ],
    [
      'query Q { found { ... { ... on User { name } } ... @skip(if: true) { __typename } } }',
      'query Q { found { ... { ... on User { __typename } } ... @skip(if: true) { __typename } } }',
      ['User.name'],
      [],
      ['User.name'],
    ],
  ])('of %s is %s without %j and %j', (text, left, denied, closed, refused) => {
    expect(filter(text, denied, closed)).toEqual({ left: plain(left), refused });
  });

  it('of a field that some objects may show is asked of those', () => {
    expect(filter('query Q { node { id name } }', ['Shop.name'])).toEqual({
      left: plain('query Q { node { __typename id ... on User { name } } }'),
      refused: ['Shop.name'],
    });
    expect(filter('query Q { node { id a: name } }', [], ['Shop'])).toEqual({
      left: plain('query Q { node { __typename ... on User { id } ... on User { a: name } } }'),
      refused: ['Shop.id', 'Shop.name'],
    });
  });

  it('is filtered below such a field as its object has it', () => {
    expect(filter('query Q { node { next { name } } }', ['Shop.next', 'User.name'])).toEqual({
      left: plain('query Q { node { __typename ... on User { next { __typename ... on Shop { name } } } } }'),
      refused: ['Shop.next', 'User.name'],
    });
  });

  it('keeps a fragment on an interface of which some objects may be seen', () => {
    const text = 'query Q { found { ...F } } fragment F on Node { id }';
    expect(filter(text, [], ['Node', 'Shop']).left).toContain('...F');
    expect(filter('query Q { found { ... on Node { id } } }', [], ['Node', 'Shop']).left).toContain(
      '... on Node',
    );
  });

  it('asks for the type’s name once', () => {
    expect(filter('query Q { node { name } }', ['Shop.name']).left).toBe(
      plain('query Q { node { __typename ... on User { name } } }'),
    );
    expect(filter('query Q { node { __typename name } }', ['Shop.name']).left).toBe(
      plain('query Q { node { __typename ... on User { name } } }'),
    );
  });
});
