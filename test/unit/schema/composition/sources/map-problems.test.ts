/** schema/composition/sources/map-problems.ts, by the examples of the GraphQL Federation specification, appendix A. Over 300 lines: all of them. */
import {
  buildASTSchema,
  isCompositeType,
  isInputObjectType,
  isAbstractType,
  isObjectType,
  Kind,
  isInterfaceType,
  parse,
  type TypeNode,
} from 'graphql';
import { mapProblems, type MapTypes } from '../../../../../schema/composition/sources/map-problems';
import { argumentsOf } from '../../../../../schema/supergraph/sdl';
import { parseSelectionMap } from '../../../../../schema/supergraph/sources/selection-map';

/** What is wrong with `@is` or `@require` at the only argument that has it. */
function problemsOf(sdl: string): string[] {
  const document = parse(
    `directive @lookup on FIELD_DEFINITION directive @is(field: String) on ARGUMENT_DEFINITION directive @require(field: String) on ARGUMENT_DEFINITION scalar Currency ${sdl}`,
  );
  const schema = buildASTSchema(document, { assumeValidSDL: true });
  const types: MapTypes = {
    fieldType(name, field) {
      const type = schema.getType(name);
      return isObjectType(type) || isInterfaceType(type) ? type.getFields()[field]?.astNode?.type : undefined;
    },
    possibleTypes(name) {
      const type = schema.getType(name);
      if (!isCompositeType(type)) return undefined;
      return isAbstractType(type) ? schema.getPossibleTypes(type).map((each) => each.name) : [type.name];
    },
    input(name) {
      const type = schema.getType(name);
      return isInputObjectType(type) ? type.astNode! : undefined;
    },
  };
  for (const node of document.definitions) {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const field of node.fields ?? [])
      for (const argument of field.arguments ?? [])
        for (const directive of argument.directives ?? []) {
          const isOfResult = directive.name.value === 'is';
          const output: TypeNode = isOfResult ? field.type : { kind: Kind.NAMED_TYPE, name: node.name };
          try {
            const map = parseSelectionMap(String(argumentsOf(directive)['field']));
            return [...mapProblems(map, output, argument.type, types)];
          } catch (error) {
            return [(error as Error).message];
          }
        }
  }
  throw new Error('no map');
}

const product = (argument: string) => `
  type Query { product: Product }
  type Product {
    id: ID! weight: Float shippingWeight: Float width: Int height: Int
    packaging: Packaging dimension: Dimension size: Dimension dimensions: [Dimension] parts: [Part!]! nested: [[Part!]]!
    shippingCost(${argument}): Currency
  }
  type Packaging { weight: Float }
  type Dimension { width: Int height: Int size: Int weight: Int }
  type Part { id: ID! name: String! }
  input DimensionInput { width: Int height: Int }
  input BriefDimensionInput { w: Int h: Int }
  input SizeInput { size: Int! weight: Int! }
  input PackageInput { weight: Float dimension: DimensionInput size: DimensionInput }
  input PartInput { id: ID! name: String! }
`;

describe('section "Introduction"', () => {
  const user = (map: string) => `
    type Query { findUserByName(user: UserInput! @is(field: "${map}")): User @lookup }
    type User { firstName: String } input UserInput { firstName: String }`;

  it('accepts an object for an input object', () => {
    expect(problemsOf(user('{ firstName: firstName }'))).toEqual([]);
  });

  it('refuses a path for an input object', () => {
    expect(problemsOf(user('firstName'))).toEqual([
      '`firstName` makes no `UserInput`: name each of its fields, in { }.',
    ]);
  });
});

describe('section "Scope"', () => {
  it.each([
    'weight: Float @require(field: "weight")',
    'weight: Float @require(field: "shippingWeight")',
    'weight: Float @require(field: "packaging.weight")',
    'dimension: DimensionInput @require(field: "{ width: width height: height }")',
    'dimension: DimensionInput @require(field: "{ width height }")',
    'dimension: BriefDimensionInput @require(field: "{ w: width h: height }")',
    'dimension: DimensionInput @require(field: "{ width: dimension.width height: dimension.height }")',
    'dimension: DimensionInput @require(field: "{ width: size.width height: size.height }")',
    'dimension: DimensionInput @require(field: "dimension.{ width height }")',
    'dimension: DimensionInput @require(field: "size.{ width height }")',
    'dimensions: [DimensionInput] @require(field: "dimensions[{ width height }]")',
    'partIds: [ID!] @require(field: "parts[id]")',
    'package: PackageInput @require(field: "{ weight, dimension: dimension.{ width height } }")',
    'package: PackageInput @require(field: "{ weight, size: dimension.{ width height } }")',
    'package: PackageInput @require(field: "{ weight, dimension: { width height } }")',
  ])('accepts %s', (argument) => {
    expect(problemsOf(product(argument))).toEqual([]);
  });

  it.each([
    [
      'dimension: DimensionInput @require(field: "dimension")',
      '`dimension` is of the type `Dimension`, and no value: select its fields.',
    ],
    [
      'dimensions: [DimensionInput] @require(field: "{ width: dimensions.width height: dimensions.height }")',
      '{ } makes an object, but needed is `[DimensionInput]`.',
    ],
    [
      'dimensions: DimensionInput @require(field: "{ width: dimensions.width }")',
      '`dimensions` is `[Dimension]`: select from its items with [ ].',
    ],
    [
      'dimensions: DimensionInput @require(field: "dimensions.{ width }")',
      '`dimensions` is `[Dimension]`: write [{ }] for its items.',
    ],
  ])('refuses %s', (argument, problem) => {
    expect(problemsOf(product(argument))).toEqual([problem]);
  });
});

describe('sections "SelectedObjectValue" and "SelectedListValue"', () => {
  it.each([
    'dimension: SizeInput! @require(field: "dimension.{ size weight }")',
    'dimension: SizeInput! @require(field: "{ size: dimension.size weight: dimension.weight }")',
    'partIds: [ID!]! @require(field: "parts[id]")',
    'parts: [PartInput!]! @require(field: "parts[{ id name }]")',
    'parts: [[PartInput!]]! @require(field: "nested[[{ id name }]]")',
  ])('accepts %s', (argument) => {
    expect(problemsOf(product(argument))).toEqual([]);
  });

  it.each([
    [
      'parts: [PartInput!]! @require(field: "parts[id name]")',
      'Expected `]`, but got: `name` (character 10).',
    ],
    [
      'parts: [PartInput!]! @require(field: "nested[[{ id name }]]")',
      '[ ] makes a list, but needed is `PartInput!`.',
    ],
    ['id: [ID!]! @require(field: "id[id]")', '`id` is `ID!`, and no list: leave out [ ].'],
  ])('refuses %s', (argument, problem) => {
    expect(problemsOf(product(argument))).toEqual([problem]);
  });

  it('accepts a list in an object of a lookup', () => {
    const sdl = `
      type Query { findLocation(location: LocationInput! @is(field: "{ coordinates: coordinates[{lat: x lon: y}]}")): Location @lookup }
      type Coordinate { x: Int! y: Int! } type Location { coordinates: [Coordinate!]! }
      input PositionInput { lat: Int! lon: Int! } input LocationInput { coordinates: [PositionInput!]! }`;
    expect(problemsOf(sdl)).toEqual([]);
  });
});

/** The type system of the section "Validation", with a field whose argument needs a value of a type. */
const media = (input: string, output: string, map: string) => `
  type Query { it(argument: ${input} @is(field: "${map}")): ${output} @lookup }
  type Shelf { book: Book! mediaById: Media }
  type Store { id: ID! city: String! media: [Media!]! }
  interface Media { id: ID! }
  type Book implements Media { id: ID! title: String! isbn: String! author: Author! }
  type Movie implements Media { id: ID! movieTitle: String! releaseDate: String! }
  type Author { id: ID! books: [Book!]! }
  input FindMediaInput @oneOf { bookId: ID movieId: ID }
  input SearchStoreInput { city: String hasInStock: FindMediaInput }
  input NestedInput { nested: FindMediaInput }
`;

describe('section "Path"', () => {
  it.each([
    ['String', 'Shelf', 'book.title'],
    ['String', 'Shelf', 'mediaById<Book>.isbn'],
    ['String', 'Shelf', 'mediaById<Book>.title | mediaById<Movie>.movieTitle'],
    ['FindMediaInput', 'Media', '{ movieId: <Movie>.id } | { bookId: <Book>.id }'],
    ['NestedInput', 'Media', '{ nested: { movieId: <Movie>.id } | { bookId: <Book>.id }}'],
  ])('accepts for %s of %s: %s', (...given) => {
    expect(problemsOf(media(...given))).toEqual([]);
  });
});

describe('section "Path Field Selections"', () => {
  it.each([
    ['String', 'Book', 'title'],
    ['String', 'Book', '<Book>.title'],
  ])('accepts for %s of %s: %s', (...given) => {
    expect(problemsOf(media(...given))).toEqual([]);
  });

  it.each([
    ['ID', 'Book', 'movieId', '`Book` has no field `movieId`.'],
    ['ID', 'Book', '<Book>.movieId', '`Book` has no field `movieId`.'],
  ])('refuses for %s of %s: %s', (input, output, map, problem) => {
    expect(problemsOf(media(input, output, map))).toEqual([problem]);
  });
});

describe('section "Path Terminal Field Selections"', () => {
  it.each([
    ['String', 'Shelf', 'book.title'],
    ['ID', 'Shelf', 'book.author.id'],
  ])('accepts for %s of %s: %s', (...given) => {
    expect(problemsOf(media(...given))).toEqual([]);
  });

  it.each([
    ['String', 'Shelf', 'book.title.something', '`book.title` is `String!`, and has no fields.'],
    [
      'String',
      'Shelf',
      'book.author',
      '`book.author` is of the type `Author`, and no value: select its fields.',
    ],
  ])('refuses for %s of %s: %s', (input, output, map, problem) => {
    expect(problemsOf(media(input, output, map))).toEqual([problem]);
  });
});

describe('section "Type Reference Is Possible"', () => {
  it('refuses a type that the value never has', () => {
    expect(problemsOf(media('ID', 'Book', '<Movie>.id'))).toEqual(['`Book` is never of the type `Movie`.']);
    expect(problemsOf(media('ID', 'Book', '<Nothing>.id'))).toEqual([
      '`Book` is never of the type `Nothing`.',
    ]);
  });
});

describe('section "Values of Correct Type"', () => {
  const store = (id: string, map = 'id', argument = 'ID!') =>
    `type Query { storeById(id: ${argument} @is(field: "${map}")): Store! @lookup } type Store { id: ${id} city: String! }`;

  it('accepts equal types', () => {
    expect(problemsOf(store('ID'))).toEqual([]);
  });

  it('refuses an Int for an ID', () => {
    expect(problemsOf(store('Int'))).toEqual(['`id` is `Int`, but needed is `ID!`.']);
  });

  it('accepts an ID for a number, as IDs are the text of what the source calls them', () => {
    expect(problemsOf(store('ID', 'id', 'Int!'))).toEqual([]);
  });

  it('refuses a list for one value', () => {
    expect(problemsOf(store('[ID!]'))).toEqual(['`id` is `[ID!]`, but needed is `ID!`.']);
  });

  // Section "Selected Object Field Names".
  it('refuses a field that does not exist', () => {
    expect(problemsOf(store('ID', 'address'))).toEqual(['`Store` has no field `address`.']);
  });

  // Section "Selected Object Field Uniqueness".
  it('refuses two fields for one value', () => {
    expect(problemsOf(store('ID', 'id id'))).toEqual(['Expected the end, but got: `id` (character 4).']);
  });
});

describe('sections "Selected Object Field Uniqueness" and "Required Selected Object Fields"', () => {
  const user = (map: string, type: string, input: string) =>
    `type Query { userById(user: UserInput! @is(field: "${map}")): User! @lookup } type User ${type} input UserInput ${input}`;

  it('refuses a field that is there twice', () => {
    expect(problemsOf(user('{ id id }', '{ id: ID }', '{ id: ID }'))).toEqual(['`id` is there twice.']);
  });

  it('refuses a field that the input object lacks', () => {
    expect(problemsOf(user('{ name }', '{ name: ID }', '{ id: ID }'))).toEqual([
      '`UserInput` has no field `name`.',
    ]);
  });

  it('accepts a nullable field for a required one', () => {
    expect(problemsOf(user('{ name: name }', '{ id: ID name: String }', '{ id: ID name: String! }'))).toEqual(
      [],
    );
  });

  it.each([
    [
      '{ name: name }',
      '{ id: ID name: String }',
      '{ id: ID! name: String! }',
      '`UserInput.id` is `ID!`, and must be there.',
    ],
    [
      '{ id: id }',
      '{ id: ID }',
      '{ id: ID name: String! }',
      '`UserInput.name` is `String!`, and must be there.',
    ],
  ])('refuses %s', (map, type, input, problem) => {
    expect(problemsOf(user(map, type, input))).toEqual([problem]);
  });

  it('refuses two fields of a @oneOf input object', () => {
    expect(
      problemsOf(user('{ id name }', '{ id: ID name: String }', '@oneOf { id: ID name: String }')),
    ).toEqual(['`UserInput` is @oneOf, and takes one field: write alternatives with |.']);
  });
});
