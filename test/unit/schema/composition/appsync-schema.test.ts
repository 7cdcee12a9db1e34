import { composeSupergraph } from '../../../../schema';

const compose = (...schemas: string[]) =>
  composeSupergraph({
    subgraphs: schemas.map((sdl, i) => ({
      name: `s${i}`,
      routingUrl: `http://s${i}.test/graphql`,
      sdl,
      file: `s${i}.graphql`,
    })),
  });

/** As AppSync has it: nothing declares its scalars and directives, and `_Any` is an input. */
const stock = (any: string) => `
schema { query: Query }
type Query {
  stock(sku: ID!): Stock @aws_api_key @aws_iam
  find(filter: StockFilter): [Stock]
  _service: _Service! @aws_iam
  _entities(representations: [_Any!]!): [_Entity]! @aws_iam
}
type Stock @key(fields: "sku") @key(fields: "place { hall shelf }") @aws_api_key @aws_iam {
  sku: ID!
  place: Place!
  counted: AWSDateTime!
  notes: AWSJSON
}
type Place { hall: Int! shelf: Int! }
input StockFilter { place: PlaceInput __typename: String }
input PlaceInput { hall: Int }
union _Entity = Stock
type _Service { sdl: String }
${any}
`;
const whole = `input _Any { __typename: String! sku: ID place: _Place } input _Place { hall: Int shelf: Int }`;

describe('composing the schema of an AppSync API', () => {
  it('declares the scalars of AWS, and removes its directives and the definitions for federation', () => {
    const { errors, supergraphSdl } = compose(stock(whole), 'type Query { other: Int }');
    expect(errors).toBeUndefined();
    expect(supergraphSdl).toContain('scalar AWSDateTime');
    expect(supergraphSdl).toContain('scalar AWSJSON');
    expect(supergraphSdl).not.toContain('scalar AWSDate\n');
    expect(supergraphSdl).not.toMatch(/aws_|_Any|_Place|_Entity|_Service|_entities|_service|__typename/);
    expect(supergraphSdl).toContain('input PlaceInput');
  });

  it('accepts an extension of the query type, too', () => {
    const sdl = `extend type Query { x: Int } type Query { _entities(representations: [_Any!]!): [_Entity]! }
      type A @key(fields: "id") { id: ID! } union _Entity = A input _Any { __typename: String id: ID }`;
    expect(compose(sdl).errors).toBeUndefined();
  });

  it('names the fields that `_Any` lacks', () => {
    const { errors } = compose(
      stock(`input _Any { __typename: String! sku: ID place: _Place } input _Place { hall: Int }`),
    );
    expect(errors).toMatchObject([
      {
        code: 'APPSYNC_ANY_FIELD_MISSING',
        message: '`_Place` has no field for `place.shelf`, by which @key of Stock has to ask AppSync.',
        locations: [{ subgraph: 's0', file: 's0.graphql', line: 20 }],
      },
    ]);
  });

  it('requires the fields of @requires, too, and no keys that are never sent', () => {
    const sdl = `
      type Query { a: Int _entities(representations: [_Any!]!): [_Entity]! }
      extend type Product @key(fields: "upc") { upc: ID! @external weight: Int @external cost: Int @requires(fields: "weight") }
      union _Entity = Product
      input _Any { __typename: String! upc: ID }`;
    expect(compose(sdl).errors).toMatchObject([
      { message: '`_Any` has no field for `weight`, by which @requires of Product has to ask AppSync.' },
    ]);
  });

  it('does not change other schemas: a declared directive of that name, a scalar of their own', () => {
    const sdl = `directive @aws_mine on FIELD_DEFINITION scalar AWSDate type Query { a: AWSDate @aws_mine }`;
    expect(compose(sdl).errors).toBeUndefined();
  });
});
