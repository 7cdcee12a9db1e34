import { printSchema } from 'graphql';
import { apiSchemaOf } from '../../../../schema';
import { contractSupergraph, type ContractTags } from '../../../../schema/composition/contract';
import { compose } from '../../../support/compose';

const shop = compose({
  products: `
    type Query {
      product(id: ID!): Product @tag(name: "public")
      everything: [Item!]! @tag(name: "internal")
      warehouses: [Warehouse!]! @tag(name: "internal")
      order(by: OrderBy, trace: Boolean @tag(name: "internal")): [Product] @tag(name: "public")
    }
    type Product @key(fields: "id") @tag(name: "public") {
      id: ID! @tag(name: "internal")
      name: String
      cost: Int @tag(name: "internal")
      maker: Maker
    }
    type Maker { name: String, contact: Contact }
    type Contact @tag(name: "internal") { phone: String }
    type Warehouse { code: ID! }
    union Item = Product | Warehouse
    enum OrderBy { NAME COST @tag(name: "internal") }
  `,
  reviews: `
    type Product @key(fields: "id") { id: ID!, reviews: [String!] @tag(name: "public") }
  `,
});

function show(supergraph: string, tags: Partial<ContractTags>): string {
  const contract = contractSupergraph(supergraph, { include: [], exclude: [], ...tags });
  if (contract.errors) throw new Error(JSON.stringify(contract.errors));
  return printSchema(apiSchemaOf(contract.supergraphSdl));
}

describe('a contract', () => {
  it('hides elements with an excluded tag, and elements that become unreachable', () => {
    expect(
      show(shop, { exclude: ['internal'] })
        .split('\n\n')
        .sort(),
    ).toEqual([
      'enum OrderBy {\n  NAME\n}',
      'type Maker {\n  name: String\n}',
      'type Product {\n  name: String\n  maker: Maker\n  reviews: [String!]\n}',
      'type Query {\n  product(id: ID!): Product\n  order(by: OrderBy): [Product]\n}',
    ]);
  });

  it('shows only fields with an included tag, on themselves or on their type', () => {
    const schema = show(shop, { include: ['public'], exclude: ['internal'] });
    expect(schema).toContain('order(by: OrderBy): [Product]');
    expect(schema).toMatch(/type Product \{\n {2}name: String\n {2}reviews: \[String!\]\n\}/);
    expect(schema).not.toContain('Maker');
  });

  it('keeps elements in the supergraph that plans need', () => {
    const { supergraphSdl } = contractSupergraph(shop, { include: [], exclude: ['internal'] });
    expect(supergraphSdl).toContain('id: ID! @tag(name: "internal") @inaccessible');
    expect(supergraphSdl).toContain('@join__type(graph: REVIEWS, key: "id")');
    expect(supergraphSdl).toContain(
      '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)',
    );
  });

  it('hides the fields of an interface that an implementation lost', () => {
    const supergraph = compose({
      a: `
        type Query { node: Node, dog: Dog }
        interface Node { id: ID!, secret: Int }
        type Dog implements Node { id: ID!, secret: Int @tag(name: "internal") }
      `,
    });
    expect(show(supergraph, { exclude: ['internal'] })).toContain('interface Node {\n  id: ID!\n}');
  });

  it('finds directives under the names in the graph', () => {
    const supergraph = compose({
      a: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: [
          { name: "@tag", as: "@label" }, { name: "@inaccessible", as: "@hide" }
        ])
        type Query { x: Int, y: Int @label(name: "internal"), z: Int @hide }
      `,
    });
    expect(show(supergraph, { exclude: ['internal'] })).toBe('type Query {\n  x: Int\n}');
  });

  it('is refused if nothing is left', () => {
    const { errors } = contractSupergraph(shop, { include: ['nobody'], exclude: [] });
    expect(errors).toMatchObject([{ level: 'error', code: 'QUERY_ROOT_TYPE_INACCESSIBLE' }]);
  });

  it('is refused if it hides a required argument', () => {
    const supergraph = compose({ a: 'type Query { x(by: Int! @tag(name: "internal")): Int }' });
    const { errors } = contractSupergraph(supergraph, { include: [], exclude: ['internal'] });
    expect(errors).toMatchObject([{ code: 'REQUIRED_INACCESSIBLE' }]);
  });

  it('warns if nothing has one of its tags', () => {
    const { hints } = contractSupergraph(shop, { include: [], exclude: ['internl'] });
    expect(hints).toMatchObject([
      {
        code: 'CONTRACT_TAG_UNUSED',
        message: 'No subgraph has @tag(name: "internl"); the tags are: internal, public.',
      },
    ]);
  });
});
