/** What gateway/planning/supergraph-index/ refuses of a supergraph made by hand: with a sentence, before any operation. */
import { buildQueryPlanner } from '../../../support/own-planner';

const links = `@link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)`;
const definitions = `
  directive @link(url: String!, as: String, for: link__Purpose, import: [String]) repeatable on SCHEMA
  directive @join__graph(name: String!, url: String!) on ENUM_VALUE
  directive @join__type(graph: join__Graph!, key: String, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
  directive @join__field(graph: join__Graph, requires: String, provides: String, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
  enum link__Purpose { SECURITY EXECUTION }
  enum join__Graph { ALPHA @join__graph(name: "alpha", url: "http://alpha.test") BETA @join__graph(name: "beta", url: "http://beta.test") }`;

const supergraph = (types: string, schema = `schema ${links} { query: Query }`): string =>
  `${schema} ${definitions} ${types}`;

const query = 'type Query @join__type(graph: ALPHA) { box: Box @join__field(graph: ALPHA) }';
const box = 'type Box @join__type(graph: ALPHA, key: "id") @join__type(graph: BETA, key: "id") { id: ID! }';

const wrong: Readonly<Record<string, readonly [sdl: string, reason: RegExp]>> = {
  'a type Query that is of no subgraph': [
    supergraph(`type Query { box: Box } ${box}`),
    /"Query" of the supergraph is of no subgraph/,
  ],
  'no type Query': [supergraph(box), /query type "Query" of the supergraph must be an object type/],
  'a root type that is not there under its new name': [
    supergraph(`${query} ${box}`, `schema ${links} { query: Query mutation: Change }`),
    /mutation type "Change" of the supergraph must be an object type/,
  ],
  'a type that nobody defines': [supergraph(query), /Unknown type "Box", which Query\.box names/],
  'a key of a field that does not exist': [
    supergraph(`${query} type Box @join__type(graph: ALPHA, key: "code") { id: ID! }`),
    /A key of Box selects Box\.code, which does not exist/,
  ],
  'a requirement of a field that does not exist': [
    supergraph(
      `${query} type Box @join__type(graph: ALPHA, key: "id") { id: ID! plain: Int @join__field(graph: ALPHA, requires: "code") }`,
    ),
    /What Box\.plain requires selects Box\.code, which does not exist/,
  ],
  'a key that is no selection': [
    supergraph(`${query} type Box @join__type(graph: ALPHA, key: "id {") { id: ID! }`),
    /A key of Box is no selection of fields/,
  ],
  'a link to Federation 3': [
    supergraph(
      `${query} ${box}`,
      `schema ${links} @link(url: "https://specs.apollo.dev/federation/v3.0", for: EXECUTION) { query: Query }`,
    ),
    /^The supergraph is of Federation 3 \(\S+\): Weir runs supergraphs of Federation 1 and 2\.$/,
  ],
  'a field of a subgraph that does not exist': [
    supergraph(`${query} type Box @join__type(graph: ALPHA) { id: ID! @join__field(graph: GAMMA) }`),
    /GAMMA/,
  ],
};

describe('a supergraph that has', () => {
  test.each(Object.entries(wrong))('%s is refused with a sentence', (_name, [sdl, reason]) => {
    expect(() => buildQueryPlanner({ supergraphSdl: sdl })).toThrow(reason);
  });

  test('root types of other names is planned', () => {
    const types = 'type Root @join__type(graph: ALPHA) { box: Box @join__field(graph: ALPHA) }';
    const { plan } = buildQueryPlanner({
      supergraphSdl: supergraph(`${types} ${box}`, `schema ${links} { query: Root }`),
    });
    expect(plan('{ box { id } }', undefined, []).node).toMatchObject({ kind: 'Fetch', serviceName: 'alpha' });
  });

  test.each([
    ['{ box { plain } }', 'Box.plain'],
    ['{ box { id plain } }', 'Box.plain'],
    ['{ other }', 'Query.other'],
    ['{ other box { id } }', 'Query.other'],
  ])('no way to a field refuses %s, and no other operation', (operation, field) => {
    const types = `
      type Query @join__type(graph: ALPHA) @join__type(graph: BETA) {
        box: Box @join__field(graph: ALPHA)
        other: Int @join__field(graph: BETA, external: true)
      }
      type Box @join__type(graph: ALPHA) @join__type(graph: BETA) {
        id: ID @join__field(graph: ALPHA)
        plain: Int @join__field(graph: BETA)
      }`;
    const { plan } = buildQueryPlanner({ supergraphSdl: supergraph(types) });
    expect(() => plan(operation, undefined, [])).toThrow(`No subgraph answers ${field}`);
    expect(plan('{ box { id } }', undefined, []).node).toMatchObject({ serviceName: 'alpha' });
  });
});
