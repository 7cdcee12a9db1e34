import { buildSchema } from 'graphql';
import { Protection } from '../../../../../gateway/auth/directives/protection';
import { Visibility } from '../../../../../gateway/auth/directives/visibility';
import type { Protections } from '../../../../../gateway/planning';

const schema = buildSchema(`
  type Query { user: User  node: Node }
  interface Node { id: ID  name: String }
  type User implements Node { id: ID  name: String  kind: Kind  a: Int }
  type Shop implements Node { id: ID  name: String }
  interface Lonely { id: ID }
  enum Kind { A }
`);
const facts: Protections = {
  requirements: [
    { kind: 'authenticated' },
    { kind: 'scopes', anyOf: [['read']] },
    { kind: 'policies', anyOf: [['staff']] },
  ],
  elements: new Map([
    ['User', [0]],
    ['Shop', [1]],
    ['User.name', [1, 2]],
    ['Kind', [2]],
  ]),
  sources: new Map([['User.a', ['User.name']]]),
  ...{ keys: new Map(), interfaceObjects: new Set(), hiddenFields: new Map() },
};
const seenWithout = (...refused: string[]) =>
  new Visibility(new Protection(facts, schema), refused, () => schema);

it('closes the types of which something is refused, and interfaces all of whose objects are closed', () => {
  const closed = (...refused: string[]) =>
    ['User', 'Shop', 'Node', 'Lonely', 'Kind'].filter((type) => seenWithout(...refused).isForbidden(type));
  expect(closed()).toEqual([]);
  expect(closed('authenticated')).toEqual(['User']);
  expect(closed('authenticated', 'scopes [["read"]]')).toEqual(['User', 'Shop', 'Node']);
  expect(closed('policies [["staff"]]')).toEqual(['Kind']);
  expect(closed('scopes [["write"]]', 'User.name')).toEqual([]);
});

it('closes the fields of which something is refused, by a requirement, by name, by type, or by what they are made of', () => {
  const closed = (...refused: string[]) => {
    const visibility = seenWithout(...refused);
    return ['User.id', 'User.name', 'User.kind', 'User.a', 'Query.user', 'Query.node', 'Node.name'].filter(
      (one) => {
        const [type, field] = one.split('.') as [string, string];
        return visibility.isRefused(type, field);
      },
    );
  };
  expect(closed()).toEqual([]);
  expect(closed('scopes [["read"]]')).toEqual(['User.name', 'User.a']);
  expect(closed('policies [["staff"]]')).toEqual(['User.name', 'User.kind', 'User.a']);
  expect(closed('authenticated')).toEqual(['User.id', 'User.name', 'User.kind', 'User.a', 'Query.user']);
  expect(closed('User.name')).toEqual(['User.name', 'User.a']);
  expect(closed('Node.name')).toEqual(['User.name', 'User.a', 'Node.name']);
  expect(closed('Query.node')).toEqual(['Query.node']);
  expect(closed('authenticated', 'scopes [["read"]]')).toContain('Query.node');
});

it('tells where it depends on the object what of an interface is seen', () => {
  expect(seenWithout().dependsOnType('Node', ['id', 'name'])).toBe(false);
  expect(seenWithout('authenticated').dependsOnType('Node', [])).toBe(true);
  expect(seenWithout('User.name').dependsOnType('Node', ['id'])).toBe(false);
  expect(seenWithout('User.name').dependsOnType('Node', ['id', 'name'])).toBe(true);
  expect(seenWithout('User.name').dependsOnType('User', ['name'])).toBe(false);
  // Of all alike.
  expect(seenWithout('Node.name').dependsOnType('Node', ['name'])).toBe(false);
});

it('refuses more where it is told to, and keeps what was refused', () => {
  const more = seenWithout('User.id').without(['Shop.id']);
  expect([...more.refused]).toEqual(['User.id', 'Shop.id']);
  expect([more.isRefused('User', 'id'), more.isRefused('Shop', 'id')]).toEqual([true, true]);
  expect(more.visibleSchema).toBe(schema);
});

it('has its schema made for it', () => {
  const made: Visibility[] = [];
  const visibility: Visibility = new Visibility(new Protection(facts, schema), [], (one) => {
    made.push(one);
    return schema;
  });
  expect(made).toEqual([]);
  expect(visibility.visibleSchema).toBe(schema);
  expect(visibility.without([]).visibleSchema).toBe(schema);
  expect(made).toHaveLength(2);
  expect(made[0]).toBe(visibility);
});
