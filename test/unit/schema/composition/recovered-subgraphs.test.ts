import { readFileSync } from 'node:fs';
import { parse, print, visit } from 'graphql';
import { composeSupergraph } from '../../../../schema';
import { recoverSubgraphs } from '../../../../schema/composition/recovered-subgraphs';
import { drawGraph } from '../../../differential/case';
import { amountOf } from '../../../support/amounts';
import { compose } from '../../../support/compose';

const reference = readFileSync('schema/supergraph.graphql', 'utf8');
const linesOf = (sdl: string): string[] => sdl.trim().split('\n').sort();

describe('the subgraphs of a supergraph', () => {
  it('compose to the same supergraph', () => {
    const { supergraphSdl, errors } = composeSupergraph({
      subgraphs: recoverSubgraphs(reference, 'supergraph.graphql'),
    });
    expect(errors).toBeUndefined();
    // A supergraph has source schemas without descriptions.
    const alike = (sdl: string) =>
      linesOf(print(visit(parse(sdl), { StringValue: ({ block }) => (block === true ? null : undefined) })));
    expect(alike(supergraphSdl!)).toEqual(alike(reference));
  });

  it.each(Array.from({ length: amountOf('WEIR_SUPERGRAPHS', 6, 60) }, (_, seed) => seed))(
    'compose to the same supergraph, whatever it is: seed %d',
    (seed) => {
      const { supergraphSdl: sdl } = drawGraph(seed % 2 === 0 ? seed : 1_000_000 + seed, false).graph;
      const { supergraphSdl = '', errors } = composeSupergraph({ subgraphs: recoverSubgraphs(sdl, 'graph') });
      expect(errors).toBeUndefined();
      // An overridden field that is a key is external afterwards: nobody fetches it in either case.
      const alike = (text: string) => linesOf(text.replaceAll('usedOverridden: true', 'external: true'));
      expect(alike(supergraphSdl)).toEqual(alike(sdl));
    },
  );

  it('are source schemas where the supergraph has such', () => {
    const users = {
      name: 'users',
      routingUrl: 'http://users.test/graphql',
      file: 'supergraph.graphql#users',
      sdl: 'type Query {\n  user(id: ID!): User @lookup\n}\n\ntype User {\n  id: ID!\n  name: String\n  friendId: ID\n  friend: User @derive @is(field: "{ id: friendId }")\n}\n',
    };
    const { supergraphSdl } = composeSupergraph({ subgraphs: [users] });
    const recovered = recoverSubgraphs(supergraphSdl!, 'supergraph.graphql');
    expect(recovered).toEqual([users]);
    expect(composeSupergraph({ subgraphs: recovered }).supergraphSdl).toBe(supergraphSdl);
  });

  it('have their names and addresses, and a file that names both', () => {
    const [accounts] = recoverSubgraphs(reference, 'supergraph.graphql');
    expect(accounts).toMatchObject({
      name: 'accounts',
      routingUrl: 'http://127.0.0.1:4001/graphql',
      file: 'supergraph.graphql#accounts',
    });
  });

  it('compose with another subgraph that shares a field of theirs', () => {
    const alone = compose({ a: 'type Query { a: Int } type T @key(fields: "id") { id: ID! name: String }' });
    const other = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])
      type Query { t: T } type T @key(fields: "id") { id: ID! name: String @shareable }`;
    const { errors } = composeSupergraph({
      subgraphs: [
        ...recoverSubgraphs(alone, 'graph'),
        { name: 'b', routingUrl: 'http://b.test', file: 'b.graphql', sdl: other },
      ],
    });
    expect(errors).toBeUndefined();
  });
});
