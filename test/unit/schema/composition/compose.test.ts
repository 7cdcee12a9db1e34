import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES } from '@apollo/federation-internals';
import { buildQueryPlanner } from '../../../support/own-planner';
import { composeSupergraph, type Problem, type SubgraphSchema } from '../../../../schema';
import { apiSchemaOf } from '../../../../schema/composition/api-schema';
import { unservedFeatures } from '../../../../schema/composition/unserved-features';

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@override"])';

describe('composeSupergraph', () => {
  it('composes subgraphs into a supergraph that holds their routing URLs', () => {
    const result = composeSupergraph({
      subgraphs: [
        subgraph(
          'accounts',
          'type Query { me: User }\ntype User @key(fields: "id") { id: ID! name: String }',
        ),
        subgraph('reviews', 'type User @key(fields: "id") { id: ID! karma: Int }'),
      ],
    });

    expect(result.errors).toBeUndefined();
    expect(result.supergraphSdl).toContain(
      '@join__graph(name: "accounts", url: "http://accounts.test/graphql")',
    );
    expect(result.hints).toEqual([]);
  });

  it('gives the same text for the same input', () => {
    const input = {
      subgraphs: [subgraph('a', 'type Query { x: Int }'), subgraph('b', 'type Query { y: Int }')],
    };

    expect(composeSupergraph(input)).toEqual(composeSupergraph(input));
  });

  it('locates a conflict in every subgraph with a part in it', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { t: T }\ntype T @key(fields: "id") {\n  id: ID!\n  n: Int @shareable\n}'),
      subgraph('b', 'type T @key(fields: "id") {\n  id: ID!\n  n: String @shareable\n}'),
    );

    expect(error).toMatchObject({ level: 'error', code: 'FIELD_TYPE_MISMATCH' });
    expect(placesOf(error)).toEqual(['a a.graphql:5:3', 'b b.graphql:4:3']);
    expect(error?.locations[0]?.excerpt).toBe('4 |   id: ID!\n5 |   n: Int @shareable\n  |   ^\n6 | }');
  });

  it('names the subgraph of a conflict whose nodes have no locations', () => {
    const [error] = errorsOf(subgraph('a', 'type Query { x: Int }'), subgraph('b', 'type Query { x: Int }'));

    expect(error?.code).toBe('INVALID_FIELD_SHARING');
    expect(placesOf(error)).toEqual(['a a.graphql:2:14', 'b b.graphql:2:14']);
  });

  it('removes the name of the subgraph from a message with a location', () => {
    const [error] = errorsOf(subgraph('a', 'type Query { x: Nowhere }'));

    expect(error?.message).toBe('Unknown type Nowhere');
    expect(placesOf(error)).toEqual(['a a.graphql:2:17']);
  });

  it('reports a syntax error in each file that has one', () => {
    const errors = errorsOf(
      subgraph('a', 'type Query {'),
      subgraph('b', 'type Query { x: Int }'),
      subgraph('c', 'tipe T { x: Int }'),
    );

    expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'INVALID_GRAPHQL Syntax Error: Expected Name, found <EOF>.',
      'INVALID_GRAPHQL Syntax Error: Unexpected Name "tipe".',
    ]);
    expect(errors.map(placesOf)).toEqual([['a a.graphql:2:13'], ['c c.graphql:2:1']]);
  });

  it('locates an unreachable field at its definition', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { t: T }\ntype T @key(fields: "id") { id: ID! }'),
      subgraph('b', 'type T @key(fields: "k") { k: ID! z: Int }'),
    );

    expect(error?.code).toBe('SATISFIABILITY_ERROR');
    expect(placesOf(error)).toEqual(['b b.graphql:2:28']);
  });

  it('locates a type that is defined twice at both definitions', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { x: T }\ntype T { x: Int }\ntype T { y: Int }'),
      subgraph('b', 'type T { z: Int }'),
    );

    expect(placesOf(error)).toEqual(['a a.graphql:3:6', 'a a.graphql:4:6']);
  });

  it('returns an error without location if there is none', () => {
    expect(errorsOf(subgraph('a', 'type T @key(fields: "id") { id: ID! }'))).toEqual([
      expect.objectContaining({ code: 'NO_QUERIES', locations: [] }),
    ]);
  });

  it('locates hints, and separates warnings from information', () => {
    const result = composeSupergraph({
      subgraphs: [
        subgraph('a', 'type Query { x: T @shareable }\n"one"\ntype T @key(fields: "id") { id: ID! n: Int }'),
        subgraph(
          'b',
          '"two"\ntype T @key(fields: "id") { id: ID! n: Int @override(from: "a") }\ntype Query { x: T @shareable }',
        ),
      ],
    });

    const hints = result.hints?.map((hint) => [hint.level, hint.code, ...placesOf(hint)]) ?? [];
    expect(hints).toContainEqual([
      'warning',
      'INCONSISTENT_DESCRIPTION',
      'a a.graphql:3:1',
      'b b.graphql:2:1',
    ]);
    expect(hints).toContainEqual(['info', 'OVERRIDDEN_FIELD_CAN_BE_REMOVED', 'a a.graphql:4:37']);
  });
});

describe('@oneOf', () => {
  const by = 'input By @oneOf { id: ID  name: String }';

  it.each([
    ['that nothing declares', by],
    ['that is declared', `directive @oneOf on INPUT_OBJECT\n${by}`],
  ])('%s is composed, and is in the schema that clients see', (_, sdl) => {
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [
        subgraph('a', `type Query { a(by: By): Int }\n${sdl}`),
        // It need not say so, too.
        subgraph('b', 'type Query { b(by: By): Int }\ninput By { id: ID  name: String }'),
      ],
    });

    expect(supergraphSdl).toContain('directive @oneOf on INPUT_OBJECT\n');
    expect(supergraphSdl).toMatch(
      /input By\n {2}@join__type\(graph: A\)\n {2}@join__type\(graph: B\)\n {2}@oneOf\n/,
    );
    expect(apiSchemaOf(supergraphSdl!).getType('By')).toMatchObject({ isOneOf: true });
  });

  it('is composed of a subgraph of Federation 1', () => {
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [{ ...subgraph('a', ''), sdl: `type Query { a(by: By): Int }\n${by}` }],
    });

    expect(apiSchemaOf(supergraphSdl!).getType('By')).toMatchObject({ isOneOf: true });
  });

  it('is not in supergraphs that do not use it', () => {
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [
        subgraph('a', 'directive @oneOf on INPUT_OBJECT\ntype Query { a(by: By): Int }\ninput By { id: ID }'),
      ],
    });

    expect(supergraphSdl).not.toContain('oneOf');
  });

  it('requires optional fields, in all subgraphs', () => {
    const errors = errorsOf(
      subgraph('a', `type Query { a(by: By): Int }\n${by}`),
      subgraph('b', 'input By {\n  id: ID!\n  name: String = "x"\n}'),
    );

    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['INVALID_ONE_OF', '`By.id` must be nullable, as `By` is @oneOf.'],
      ['INVALID_ONE_OF', '`By.name` must have no default, as `By` is @oneOf.'],
    ]);
    expect(errors.map(placesOf)).toEqual([['b b.graphql:3:3'], ['b b.graphql:4:3']]);
  });

  it('is not confused with another directive of that name', () => {
    const other = 'directive @oneOf(of: Int) on INPUT_OBJECT | OBJECT';
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [
        subgraph('a', `${other}\ntype Query { a(by: By): Int }\ninput By @oneOf(of: 1) { id: ID! }`),
      ],
    });

    expect(apiSchemaOf(supergraphSdl!).getType('By')).toMatchObject({ isOneOf: false });
  });

  it.each(['type Query @oneOf { a: Int }', 'type Query { a: Int @oneOf }'])(
    'is for input objects only: %s',
    (sdl) => {
      expect(errorsOf(subgraph('a', sdl)).map(({ message }) => message)).toEqual([
        'Unknown directive "@oneOf".',
      ]);
    },
  );
});

describe('a schema of Federation 3', () => {
  it('is refused with one sentence', () => {
    const link = '@link(url: "https://specs.apollo.dev/federation/v3.0", import: ["@key"])';
    const problems = errorsOf(
      subgraph('a', `extend schema ${link}\ntype Query { a: A }\ntype A @key(fields: "id") { id: ID! }`),
    );

    expect(problems.map(({ message }) => message)).toEqual([
      'The schema is of Federation 3.0: Weir composes schemas of Federation 1 and 2.',
    ]);
    expect(placesOf(problems[0])).toEqual(['a a.graphql:2:15']);
  });
});

describe('a feature that the gateway does not run', () => {
  const connect = 'extend schema @link(url: "https://specs.apollo.dev/connect/v0.1", import: ["@connect"])';

  it('is refused where it is linked, before the gateway refuses the supergraph', () => {
    const [error, ...others] = errorsOf(
      subgraph(
        'a',
        `${connect}\ntype Query { a: Int @connect(http: { GET: "http://a.test/" }, selection: "$") }`,
      ),
      subgraph('b', 'type Query { b: Int }'),
    );

    expect(others).toEqual([]);
    expect(error).toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      message: 'The gateway does not run Apollo Connectors, `@connect` and `@source`.',
    });
    expect(placesOf(error)).toEqual(['a a.graphql:2:15']);
  });

  it('is each feature that the gateway refuses and Apollo’s composer accepts', () => {
    const { supergraphSdl } = composeSupergraph({ subgraphs: [subgraph('a', 'type Query { a: Int }')] });
    const isRun = (url: string): boolean => {
      const join = '@link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)';
      expect(supergraphSdl).toContain(join);
      try {
        const feature = url.includes('/join/') ? '' : ` @link(url: "${url}", for: EXECUTION)`;
        buildQueryPlanner({ supergraphSdl: supergraphSdl!.replace(join, `${join}${feature}`) });
        return true;
      } catch (error) {
        // Of old versions it says other things, before it runs them or not.
        return !(error as Error).message.includes('is unsupported');
      }
    };
    const refused = [...ROUTER_SUPPORTED_SUPERGRAPH_FEATURES].filter((url) => !isRun(url));

    expect(
      refused.filter((url) => !unservedFeatures.some(({ identity }) => url.startsWith(`${identity}/`))),
    ).toEqual([]);
  });
});

function subgraph(name: string, sdl: string): SubgraphSchema {
  return { name, routingUrl: `http://${name}.test/graphql`, sdl: `${link}\n${sdl}`, file: `${name}.graphql` };
}

function errorsOf(...subgraphs: SubgraphSchema[]): readonly Problem[] {
  return composeSupergraph({ subgraphs }).errors ?? [];
}

function placesOf(problem: Problem | undefined): string[] {
  return (problem?.locations ?? []).map(
    ({ subgraph, file, line, column }) => `${subgraph} ${file}:${line}:${column}`,
  );
}
