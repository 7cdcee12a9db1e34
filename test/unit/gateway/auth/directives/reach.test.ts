import { buildSchema, parse } from 'graphql';
import { Protection } from '../../../../../gateway/auth/directives/protection';
import { outOfReach } from '../../../../../gateway/auth/directives/reach';
import { Visibility } from '../../../../../gateway/auth/directives/visibility';
import type { FetchNode, QueryPlan, RequiredSelection } from '../../../../../gateway/execution';
import type { Protections } from '../../../../../gateway/planning';

const schema = buildSchema(`
  type Query { user: User  node: Node  found: Found }
  interface Node { id: ID  name: String }
  type User implements Node { id: ID  name: String  email: String  age: Int  friend: User }
  type Shop implements Node { id: ID  name: String  owner: User }
  union Found = User | Shop
`);

const field = (name: string, ...selections: RequiredSelection[]): RequiredSelection => ({
  kind: 'Field',
  name,
  ...(selections.length > 0 && { selections }),
});
const on = (typeCondition: string | undefined, ...selections: RequiredSelection[]): RequiredSelection => ({
  kind: 'InlineFragment',
  typeCondition,
  selections,
});
const root = (operation: string): FetchNode => ({
  kind: 'Fetch',
  serviceName: 'a',
  operation,
  operationKind: 'query',
});
const entities = (requires: RequiredSelection[], selected: string): FetchNode => ({
  ...root(`query($r:[_Any!]!){_entities(representations:$r){${selected}}}`),
  requires,
});

/** What cannot be had by these fetches, by who is denied these fields, and not signed in for these types. */
function reach(
  fetches: readonly FetchNode[],
  denied: readonly string[],
  { document = '{ user { age name } }', closed = [] as readonly string[] } = {},
): string[] {
  const facts: Protections = {
    requirements: [{ kind: 'authenticated' }],
    elements: new Map(closed.map((coordinate) => [coordinate, [0]])),
    ...{ sources: new Map(), keys: new Map(), interfaceObjects: new Set(), hiddenFields: new Map() },
  };
  const visibility = new Visibility(
    new Protection(facts, schema),
    ['authenticated', ...denied],
    () => schema,
  );
  const plan: QueryPlan = { kind: 'QueryPlan', node: { kind: 'Sequence', nodes: fetches } };
  return [...outOfReach(plan, parse(document), visibility)].sort();
}

const byEmail = [on('User', field('__typename'), field('email'))];

describe('by a key that is refused', () => {
  it('cannot be had what the operation asks for', () => {
    expect(reach([entities(byEmail, '...on User{__typename age}')], ['User.email'])).toEqual(['User.age']);
    expect(reach([entities(byEmail, '...on User{age}')], ['User.name'])).toEqual([]);
    expect(reach([entities(byEmail, '...on User{age}')], [])).toEqual([]);
  });

  it('cannot be had anything, where the operation asks for nothing of it itself', () => {
    const fetch = entities(byEmail, '__typename ...on User{__typename id age}');
    expect(reach([fetch], ['User.email'])).toEqual(['User.age']);
    expect(reach([fetch], ['User.email'], { document: '{ user { name } }' })).toEqual([
      'User.age',
      'User.id',
    ]);
    expect(
      reach([fetch], ['User.email'], { document: '{ user { ...F } } fragment F on User { id }' }),
    ).toEqual(['User.id']);
  });

  it('cannot be had more of several entities than what goes that way', () => {
    const others = entities([on('Shop', field('id'))], '...on Shop{name}');
    expect(reach([entities(byEmail, '...on User{age}'), others], ['User.email'])).toEqual(['User.age']);
  });

  it('cannot be had what it is of, at any depth of it', () => {
    for (const requires of [
      [on('User', on(undefined, field('email')))],
      [on('User', field('id'), field('friend', field('email')))],
      [on('Shop', on('User', field('email')))],
      [on('Shop', field('owner', field('id'), field('email')))],
    ])
      expect(reach([entities(requires, '...on User{age}')], ['User.email'])).toEqual(['User.age']);
  });

  it('is not refused the name of a type, nor what is of no known type', () => {
    expect(
      reach([entities([on('User', field('__typename'))], '...on User{age}')], ['User.__typename']),
    ).toEqual([]);
    expect(reach([entities([field('email')], '...on User{age}')], ['User.email'])).toEqual([]);
  });

  it('cannot be had what an interface is told of all, where some may not tell it', () => {
    const requires = [on('Node', field('name'))];
    for (const denied of ['Node.name', 'Shop.name'])
      expect(
        reach([entities(requires, '...on Node{id}')], [denied], { document: '{ node { id } }' }),
      ).toEqual(['Node.id']);
  });

  it('cannot be had what a fragment of it has, whose type is that around it', () => {
    const fetch = entities(byEmail, '...on User{...{age}...on Node{name}}');
    expect(reach([fetch], ['User.email'])).toEqual(['Node.name', 'User.age']);
  });
});

describe('what is refused itself', () => {
  it('may not be asked for at a root', () => {
    expect(reach([root('{user{name email}}')], ['User.email'])).toEqual(['User.email']);
    expect(reach([root('{user{name friend{email}}}')], ['User.email'])).toEqual(['User.email']);
    expect(reach([root('{user{...{email}}}')], ['User.email'])).toEqual(['User.email']);
    expect(reach([root('{found{__typename ...on User{email}}}')], ['User.email'])).toEqual(['User.email']);
    expect(reach([root('{user{name}}')], ['User.email'])).toEqual([]);
    expect(reach([root('{user{...F}} fragment F on User{email}')], ['User.email'])).toEqual([]);
    expect(reach([root('{user{name} node{id}}')], ['Query.node'])).toEqual(['Query.node']);
  });

  it('may not be asked for of an interface of which some objects may not tell it', () => {
    expect(reach([root('{node{name}}')], ['Shop.name'])).toEqual(['Node.name']);
    expect(reach([root('{node{__typename}}')], ['Shop.name'])).toEqual([]);
  });

  it('may not be asked for of entities', () => {
    const byId = (type: string) => [on(type, field('id'))];
    expect(reach([entities(byId('User'), '...on User{age email}')], ['User.email'])).toEqual(['User.email']);
    expect(reach([entities(byId('User'), '...on User{friend{email}}')], ['User.email'])).toEqual([
      'User.email',
    ]);
    expect(reach([entities(byId('User'), '...on User{friend{age}}')], ['User.email'])).toEqual([]);
    expect(reach([entities(byId('Shop'), '...on Shop{owner{email}}')], ['User.email'])).toEqual([
      'User.email',
    ]);
  });

  it('may be asked for of an interface by entities that may all tell it', () => {
    const fetch = (...types: string[]) =>
      entities(
        types.map((type) => on(type, field('id'))),
        '...on Node{name}',
      );
    expect(reach([fetch('Shop')], ['User.name'])).toEqual([]);
    expect(reach([fetch('User')], ['User.name'])).toEqual(['Node.name']);
    expect(reach([fetch('Shop', 'User')], ['User.name'])).toEqual(['Node.name']);
    expect(reach([fetch('Node')], ['User.name'])).toEqual(['Node.name']);
    expect(reach([fetch('User')], [], { closed: ['User'] })).toEqual(['Node.name']);
    expect(reach([fetch('Shop')], [], { closed: ['User'] })).toEqual([]);
    expect(reach([entities([field('id')], '...on Node{name}')], ['User.name'])).toEqual([]);
  });

  it('is told only where nothing goes by a key that is refused', () => {
    const fetches = [root('{user{name}}'), entities(byEmail, '...on User{age}')];
    expect(reach(fetches, ['User.email', 'User.name'])).toEqual(['User.age']);
  });
});

it('is nothing of a plan that asks for nothing', () => {
  const facts = { requirements: [], elements: new Map(), sources: new Map() } as unknown as Protections;
  const visibility = new Visibility(new Protection(facts, schema), [], () => schema);
  expect(outOfReach({ kind: 'QueryPlan', node: undefined }, parse('{ user { id } }'), visibility).size).toBe(
    0,
  );
});
