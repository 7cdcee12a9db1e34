import { listSubgraphs } from '../../../../gateway/supergraph/subgraphs';

it('lists the subgraphs of a supergraph with their URLs', () => {
  const supergraphSdl = `
    enum join__Graph {
      ACCOUNTS @join__graph(name: "accounts", url: "http://a.example/graphql")
      REVIEWS_1 @join__graph(name: "reviews-1", url: "")
    }
    type Query { a: Int }`;
  expect(listSubgraphs(supergraphSdl)).toEqual([
    { name: 'accounts', url: 'http://a.example/graphql' },
    { name: 'reviews-1', url: '' },
  ]);
});

it('finds none in a schema that is no supergraph', () => {
  expect(listSubgraphs('type Query { a: Int }')).toEqual([]);
});
