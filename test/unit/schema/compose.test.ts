import { composeSupergraph, type Problem, type SubgraphSchema } from '../../../schema';

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

  it('places a conflict in every subgraph that takes part in it', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { t: T }\ntype T @key(fields: "id") {\n  id: ID!\n  n: Int @shareable\n}'),
      subgraph('b', 'type T @key(fields: "id") {\n  id: ID!\n  n: String @shareable\n}'),
    );

    expect(error).toMatchObject({ level: 'error', code: 'FIELD_TYPE_MISMATCH' });
    expect(placesOf(error)).toEqual(['a a.graphql:5:3', 'b b.graphql:4:3']);
    expect(error?.locations[0]?.excerpt).toBe('4 |   id: ID!\n5 |   n: Int @shareable\n  |   ^\n6 | }');
  });

  it('names the subgraph of conflicts whose nodes do not', () => {
    const [error] = errorsOf(subgraph('a', 'type Query { x: Int }'), subgraph('b', 'type Query { x: Int }'));

    expect(error?.code).toBe('INVALID_FIELD_SHARING');
    expect(placesOf(error)).toEqual(['a a.graphql:2:14', 'b b.graphql:2:14']);
  });

  it('takes the name of the subgraph out of the message once the location says it', () => {
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

  it('places a field that cannot be reached at its definition', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { t: T }\ntype T @key(fields: "id") { id: ID! }'),
      subgraph('b', 'type T @key(fields: "k") { k: ID! z: Int }'),
    );

    expect(error?.code).toBe('SATISFIABILITY_ERROR');
    expect(placesOf(error)).toEqual(['b b.graphql:2:28']);
  });

  it('places a type that is defined twice at both definitions', () => {
    const [error] = errorsOf(
      subgraph('a', 'type Query { x: T }\ntype T { x: Int }\ntype T { y: Int }'),
      subgraph('b', 'type T { z: Int }'),
    );

    expect(placesOf(error)).toEqual(['a a.graphql:3:6', 'a a.graphql:4:6']);
  });

  it('has an error without a place when there is none', () => {
    expect(errorsOf(subgraph('a', 'type T @key(fields: "id") { id: ID! }'))).toEqual([
      expect.objectContaining({ code: 'NO_QUERIES', locations: [] }),
    ]);
  });

  it('places hints and tells warnings from information', () => {
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
