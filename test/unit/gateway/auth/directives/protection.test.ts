import { buildSchema, getOperationAST, parse } from 'graphql';
import { Protection } from '../../../../../gateway/auth/directives/protection';
import type { Protections } from '../../../../../gateway/planning';

const schema = buildSchema(`
  type Query { user: User  node: Node  found: Found  kind: Kind }
  type Mutation { rename: User }
  interface Node { id: ID  name: String }
  interface Priced { price: Int }
  type User implements Node { id: ID  name: String  age: Int  kind: Kind  a: Int  b: Int  c: Int }
  type Shop implements Node & Priced { id: ID  name: String  price: Int  owner: User }
  union Found = User | Shop
  enum Kind { A }
`);

function protectionOf(facts: Partial<Record<keyof Protections, unknown>> = {}): Protection {
  const none = { requirements: [], elements: new Map(), sources: new Map(), keys: new Map() };
  const all = { ...none, interfaceObjects: new Set(), hiddenFields: new Map(), ...facts };
  return new Protection(all as Protections, schema);
}
const sorted = ({ requirements, fields }: ReturnType<Protection['ofField']>) => ({
  requirements: [...requirements].sort(),
  fields: [...fields].sort(),
});

describe('a field', () => {
  it('asks for what it, its type and the type that has it ask for', () => {
    const elements = new Map([
      ['User', [0]],
      ['User.kind', [1]],
      ['Kind', [2]],
      ['User.name', [3]],
    ]);
    expect(sorted(protectionOf({ elements }).ofField('User', 'kind'))).toEqual({
      requirements: [0, 1, 2],
      fields: ['Node.kind', 'User.kind'],
    });
  });

  it('is named by the interfaces that have it, too', () => {
    expect(sorted(protectionOf().ofField('Shop', 'name')).fields).toEqual([
      'Node.name',
      'Priced.name',
      'Shop.name',
    ]);
  });

  it('asks for what it is made of, and what that is made of, as the type that has it has it', () => {
    const elements = new Map([
      ['User.b', [1]],
      ['User.c', [2]],
      ['Kind', [3]],
      ['User.kind', [4]],
      ['Shop.price', [5]],
    ]);
    const sources = new Map([
      ['User.a', ['User.b', 'Kind']],
      ['User.b', ['User.c']],
      ['Node.name', ['Node.kind', 'Shop.price']],
    ]);
    const protection = protectionOf({ elements, sources });
    expect(sorted(protection.ofField('User', 'a'))).toEqual({
      requirements: [1, 2, 3],
      fields: ['User.a', 'User.b', 'User.c', 'Node.a', 'Node.b', 'Node.c'].sort(),
    });
    expect(sorted(protection.ofField('User', 'name')).requirements).toEqual([3, 4, 5]);
  });

  it.each([
    ['a', 'b', 'c'],
    ['b', 'a', 'c'],
    ['c', 'b', 'a'],
  ])('asks for all of a circle that it is made of, whichever is looked at first: %s', (...order) => {
    const elements = new Map([['User.age', [7]]]);
    const sources = new Map([
      ['User.a', ['User.b', 'User.age']],
      ['User.b', ['User.c']],
      ['User.c', ['User.a']],
    ]);
    const protection = protectionOf({ elements, sources });
    for (const field of order) {
      const { requirements, fields } = protection.ofField('User', field);
      expect([...requirements]).toEqual([7]);
      expect([...fields]).toEqual(expect.arrayContaining(['User.a', 'User.b', 'User.c', 'User.age']));
    }
  });

  it('is looked at once', () => {
    const protection = protectionOf();
    expect(protection.ofField('User', 'a')).toBe(protection.ofField('User', 'a'));
  });
});

describe('the type of a field', () => {
  it('is known where clients do not know the field', () => {
    const protection = protectionOf({ hiddenFields: new Map([['User.secret', 'Kind']]) });
    expect(protection.typeOf('User', 'kind')).toBe('Kind');
    expect(protection.typeOf('Node', 'id')).toBe('ID');
    expect(protection.typeOf('User', 'secret')).toBe('Kind');
    for (const [type, field] of [
      ['User', 'none'],
      ['Kind', 'A'],
      ['None', 'a'],
      ['Found', '__typename'],
    ] as const)
      expect(protection.typeOf(type, field)).toBeUndefined();
  });
});

it('knows the objects that may stand for an interface or a union', () => {
  const protection = protectionOf();
  expect(protection.objectsOf('Node')).toEqual(['User', 'Shop']);
  expect(protection.objectsOf('Found')).toEqual(['User', 'Shop']);
  for (const type of ['User', 'Kind', 'None']) expect(protection.objectsOf(type)).toEqual([]);
  expect(protection.objectsOf('Node')).toBe(protection.objectsOf('Node'));
});

describe('an operation', () => {
  const elements = new Map([
    ['User', [0]],
    ['User.name', [1]],
    ['Shop.name', [2]],
    ['Kind', [3]],
    ['Shop', [4]],
    ['User.id', [5]],
    ['Mutation.rename', [6]],
    ['Query.kind', [7]],
    ['User.age', [8]],
  ]);
  const needsOf = (text: string, facts: Parameters<typeof protectionOf>[0] = {}) => {
    const document = parse(text);
    const needs = protectionOf({ elements, ...facts }).ofOperation(document, getOperationAST(document)!);
    return {
      requirements: [...needs.requirements].sort(),
      introspects: needs.introspects,
      fields: needs.fields,
    };
  };

  it.each<[string, number[]]>([
    ['{ user { a } }', [0]],
    ['{ user { name } }', [0, 1]],
    ['{ user { ...F } } fragment F on User { name }', [0, 1]],
    ['{ ...F ...F } fragment F on Query { user { a } ...G } fragment G on Query { kind }', [0, 3, 7]],
    ['{ node { name } }', [0, 1, 2, 4]],
    ['{ node { ... on User { age } } }', [0, 4, 8]],
    ['{ found { ... on Shop { name } } }', [0, 2, 4]],
    ['{ found { ... { __typename } } }', [0, 4]],
    ['{ kind }', [3, 7]],
    ['mutation { rename { a } }', [0, 6]],
    ['{ __typename }', []],
    ['{ ...None }', []],
  ])('asks for what anything in it asks for: %s', (text, requirements) => {
    expect(needsOf(text)).toMatchObject({ requirements, introspects: false });
  });

  it('asks for the keys of what it has, by which other subgraphs are asked for more', () => {
    const keys = new Map([['User', ['User.id', 'User.age']]]);
    expect(needsOf('{ user { a } }', { keys }).requirements).toEqual([0, 5, 8]);
    expect(needsOf('{ node { name } }', { keys }).requirements).toEqual([0, 1, 2, 4, 5, 8]);
    expect([...needsOf('{ user { a } }', { keys }).fields]).toEqual(
      expect.arrayContaining(['Query.user', 'User.a', 'User.id', 'User.age']),
    );
  });

  it('asks for a field of all implementations where a subgraph knows these as one object', () => {
    const interfaceObjects = new Set(['Node']);
    expect(needsOf('{ user { name } }').requirements).toEqual([0, 1]);
    expect(needsOf('{ user { name } }', { interfaceObjects }).requirements).toEqual([0, 1, 2, 4]);
    // Which the interface does not have.
    expect(needsOf('{ user { age } }', { interfaceObjects }).requirements).toEqual([0, 8]);
  });

  it.each([
    ['{ __schema { types { name } } }', true],
    ['{ user { a } __type(name: "User") { name } }', true],
    ['{ ...F } fragment F on Query { __schema { types { name } } }', true],
    ['{ __typename user { __typename } }', false],
  ])('tells whether it asks for the schema: %s', (text, introspects) => {
    expect(needsOf(text).introspects).toBe(introspects);
  });
});
