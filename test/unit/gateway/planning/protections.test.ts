import { parse } from 'graphql';
import { buildQueryPlanner, indexAtOnce } from '../../../support/own-planner';
import { protectionsOf, requirementLabel, type Protections } from '../../../../gateway/planning/protections';
import { runAtOnce } from '../../../../schema/supergraph/sliced-work';
import { Features } from '../../../../schema/supergraph/features';
import { compose } from '../../../support/compose';

const imported = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", "@external", "@requires", "@interfaceObject", "@inaccessible", "@authenticated", "@requiresScopes", "@policy"])`;

const composed = (subgraphs: Record<string, string>): Protections =>
  buildQueryPlanner({ supergraphSdl: compose(subgraphs) }).supergraph.protections;

const features = ['authenticated', 'requiresScopes', 'policy', 'context', 'inaccessible'];
const links = features.map((name) => `@link(url: "https://specs.apollo.dev/${name}/v0.1")`);

/** As a supergraph says it, whoever composed it. */
function read(sdl: string): Protections {
  const graphs = 'enum join__Graph { A @join__graph(name: "a", url: "") }';
  const supergraph = parse(`schema ${links.join(' ')} { query: Query } ${graphs} ${sdl}`);
  return runAtOnce(protectionsOf(supergraph, new Features(supergraph), indexAtOnce(supergraph)));
}

const labelsOf = ({ requirements, elements }: Protections): Record<string, string[]> =>
  Object.fromEntries(
    [...elements].map(([coordinate, all]) => [
      coordinate,
      all.map((number) => requirementLabel(requirements[number]!)),
    ]),
  );

it('joins what several subgraphs say of one element', () => {
  const protections = composed({
    a: `${imported} type Query { user: User } type User @key(fields: "id") { id: ID! name: String @shareable @requiresScopes(scopes: [["a"]]) }`,
    b: `${imported} type User @key(fields: "id") @authenticated { id: ID! name: String @shareable @requiresScopes(scopes: [["b"], ["c"]]) }`,
  });
  expect(labelsOf(protections)).toEqual({
    User: ['authenticated'],
    'User.name': ['scopes [["a","b"],["a","c"]]'],
  });
});

it('reads directives by the names that they were imported under', () => {
  const protections = composed({
    a: `extend schema
          @link(url: "https://specs.apollo.dev/federation/v2.9", import: [{ name: "@authenticated", as: "@signedIn" }, { name: "@policy", as: "@rule" }])
        type Query { a: Int @signedIn  b: Int @rule(policies: [["staff"]])  c: Int @authenticated }
        directive @authenticated on FIELD_DEFINITION`,
  });
  expect(labelsOf(protections)).toEqual({
    'Query.a': ['authenticated'],
    'Query.b': ['policies [["staff"]]'],
  });
});

it('finds them on enums, scalars, and on what interface objects add to implementations', () => {
  const protections = composed({
    a: `${imported}
        type Query { media: Media  shade: Shade  secret: Secret }
        interface Media @key(fields: "id") { id: ID! }
        type Film implements Media @key(fields: "id") { id: ID! }
        enum Shade @authenticated { RED }
        scalar Secret @policy(policies: [["staff"]])`,
    b: `${imported} type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int @authenticated }`,
  });
  expect(labelsOf(protections)).toEqual({
    Shade: ['authenticated'],
    Secret: ['policies [["staff"]]'],
    'Media.rating': ['authenticated'],
    'Film.rating': ['authenticated'],
  });
});

describe('of a supergraph that was not composed with the same care', () => {
  it('what an interface asks for holds for its implementations', () => {
    const { requirements, elements } = read(`
      interface Media @authenticated { title: String @requiresScopes(scopes: [["a"]]) }
      type Film implements Media { title: String }
      type Book implements Media { title: String @requiresScopes(scopes: [["b"]]) }`);
    expect(labelsOf({ requirements, elements } as Protections)).toEqual({
      Media: ['authenticated'],
      Film: ['authenticated'],
      Book: ['authenticated'],
      'Media.title': ['scopes [["a"]]'],
      'Film.title': ['scopes [["a"]]'],
      'Book.title': ['scopes [["b"]]', 'scopes [["a"]]'],
    });
  });

  it('what an interface was told by its implementations does not hold for the others', () => {
    const protections = read(`
      interface Media @authenticated { title: String @requiresScopes(scopes: [["a", "b"]]) }
      type Film implements Media @authenticated { title: String @requiresScopes(scopes: [["a"]]) }
      type Book implements Media { title: String @requiresScopes(scopes: [["b"], ["a", "b"]]) }
      type Song implements Media { title: String }`);
    expect(labelsOf(protections)).not.toHaveProperty('Song');
    expect(labelsOf(protections)).not.toHaveProperty(['Song.title']);
    expect(labelsOf(protections)['Film.title']).toEqual(['scopes [["a"]]']);
  });

  it('what a field is made of is known: requirements, contexts, keys', () => {
    const { sources, keys, hiddenFields } = read(`
      type User @join__type(graph: A, key: "id org { number }") @context(name: "a__user") {
        id: ID!  org: Org  secret: Int @inaccessible
        tax: Int @join__field(graph: A, requires: "price org { number }")
        price: Int
      }
      type Org @join__type(graph: A) { number: ID! }
      type Order @join__type(graph: A) {
        label: String @join__field(graph: A, contextArguments: [{ context: "a__user", name: "x", type: "Int", selection: " { price }" }])
      }`);
    expect([...sources]).toEqual([
      ['User.tax', ['User.price', 'User.org', 'Org.number']],
      ['Order.label', ['User', 'User.price']],
    ]);
    expect([...keys]).toEqual([['User', ['User.id', 'User.org', 'Org.number']]]);
    expect([...hiddenFields]).toEqual([['User.secret', 'Int']]);
  });
});

it('finds nothing in a supergraph without directives', () => {
  const { requirements, elements } = composed({ a: 'type Query { a: Int }' });
  expect(requirements).toEqual([]);
  expect(elements.size).toBe(0);
});
