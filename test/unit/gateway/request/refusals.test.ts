/** What gateway/request/refusals/ records of refused requests. */
import { buildSchema, GraphQLError, parse } from 'graphql';
import { RequestErrors, requestError } from '../../../../gateway/errors';
import { explainDocument, ruleName } from '../../../../gateway/request/refusals/explain-document';
import { explainError } from '../../../../gateway/request/refusals/explain-error';
import { ruleTexts } from '../../../../gateway/request/refusals/rule-texts';
import { validationRules } from '../../../../gateway/request/validation-rules';

const schema = buildSchema(`
  directive @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT
  type Query { dog(id: ID!, by: By): Dog  cat(by: By!): Cat  pet: Pet  pets: [Pet] }
  type Subscription { a: Int  b: Int }
  input By @oneOf { id: ID  name: String }
  interface Pet { name(length: Int): String }
  type Dog implements Pet { name(length: Int): String  barks: Boolean }
  type Cat implements Pet { name(length: Int): String }`);

const secret = 'S3CRET';

it.each<[rule: string, document: string, says: string]>([
  [
    'ExecutableDefinitions',
    '{ pets { name } } type T { f: Int }',
    'The document defines types, which no request may.',
  ],
  [
    'UniqueOperationNames',
    'query A { pets { name } } query A { pets { name } }',
    'Several operations are named `A`.',
  ],
  [
    'LoneAnonymousOperation',
    '{ pets { name } } query A { pets { name } }',
    'An operation without a name stands beside others.',
  ],
  ['KnownOperationTypes', 'mutation { a }', 'The schema has no mutation type.'],
  [
    'SingleFieldSubscriptions',
    'subscription { a b }',
    'The subscription selects several root fields, or one of introspection.',
  ],
  ['KnownTypeNames', '{ pets { ... on Wolf { name } } }', 'The type `Wolf` does not exist.'],
  [
    'FragmentsOnCompositeTypes',
    '{ pets { ... on ID { name } } }',
    'A fragment is on `ID`, which is no object, interface or union.',
  ],
  [
    'VariablesAreInputTypes',
    'query($d: Dog) { pets { name(length: $d) } }',
    'A variable is of type `Dog`, which is no type of inputs.',
  ],
  ['ScalarLeafs', '{ pets }', '`Query.pets` needs a selection of its fields.'],
  ['FieldsOnCorrectType', '{ pets { age } }', '`Pet.age` does not exist.'],
  [
    'UniqueFragmentNames',
    '{ pets { ...F } } fragment F on Pet { name } fragment F on Pet { name }',
    'Several fragments are named `F`.',
  ],
  ['KnownFragmentNames', '{ pets { ...F } }', 'The fragment `F` is not defined.'],
  ['NoUnusedFragments', '{ pets { name } } fragment F on Pet { name }', 'The fragment `F` is never used.'],
  [
    'PossibleFragmentSpreads',
    '{ dog(id: "S3CRET") { ... on Cat { name } } }',
    'A fragment within `Dog` can never apply.',
  ],
  ['NoFragmentCycles', '{ pets { ...F } } fragment F on Pet { ...F }', 'The fragment `F` is within itself.'],
  [
    'UniqueVariableNames',
    'query($a: Int = 9182736, $a: Int) { pets { name(length: $a) } }',
    'The variable `$a` is defined twice.',
  ],
  ['NoUndefinedVariables', '{ pets { name(length: $a) } }', 'The variable `$a` is not defined.'],
  ['NoUnusedVariables', 'query($a: String = "S3CRET") { pets { name } }', 'The variable `$a` is never used.'],
  ['KnownDirectives', '{ pets @skp(if: S3CRET) { name } }', 'The directive `@skp` does not exist.'],
  [
    'KnownDirectives',
    'query @skip(if: true) { pets { name } }',
    'The directive `@skip` is not allowed there.',
  ],
  [
    'UniqueDirectivesPerLocation',
    '{ pets @skip(if: true) @skip(if: false) { name } }',
    'The directive `@skip` is given twice.',
  ],
  ['KnownArgumentNames', '{ pets { name(size: 9182736) } }', '`Pet.name(size:)` does not exist.'],
  ['KnownArgumentNames', '{ pets @skip(if: true, iff: S3CRET) { name } }', '`@skip(iff:)` does not exist.'],
  [
    'UniqueArgumentNames',
    '{ pets { name(length: 1, length: 9182736) } }',
    'The argument `length` is given twice.',
  ],
  [
    'ValuesOfCorrectType',
    '{ pets { name(length: "S3CRET") } }',
    'A value for `Pet.name(length:)` is no `Int`.',
  ],
  [
    'ValuesOfCorrectType',
    'query($a: Int = "S3CRET") { pets { name(length: $a) } }',
    'The default value of a variable is no `Int`.',
  ],
  [
    'ValuesOfCorrectType',
    '{ dog(id: 1, by: { id: "S3CRET", name: "S3CRET" }) { name } }',
    '`By` takes exactly one field.',
  ],
  ['ValuesOfCorrectType', '{ dog(id: null) { name } }', 'A value for `Query.dog(id:)` is no `ID!`.'],
  [
    'ValuesOfCorrectType',
    '{ pets @skip(if: S3CRET) { name } }',
    'A value for `@skip(if:)` is no `Boolean!`.',
  ],
  ['ProvidedRequiredArguments', '{ dog { name } }', '`Query.dog` needs the argument `id`.'],
  ['ProvidedRequiredArguments', '{ pets @skip { name } }', '`@skip` needs the argument `if`.'],
  [
    'VariablesInAllowedPosition',
    'query($a: String) { pets { name(length: $a) } }',
    'The variable `$a` of type `String` is used where `Int` is needed.',
  ],
  [
    'OverlappingFieldsCanBeMerged',
    '{ pets { name(length: 9182736) name(length: 2) } }',
    'Selections of `name` differ, so they cannot be one field of the answer.',
  ],
  [
    'UniqueInputFieldNames',
    '{ dog(id: 1, by: { id: "S3CRET", id: "S3CRET" }) { name } }',
    'A field of an input object is given twice.',
  ],
  [
    'OneOfVariables',
    'query($a: ID) { cat(by: { id: $a }) { name } }',
    'The variable `$a` may be null, but is used in an input object that takes exactly one field.',
  ],
  [
    'IncrementalDirectives',
    '{ pets { ... @defer(label: "S3CRET") { name } ... @defer(label: "S3CRET") { name } } }',
    'A label of `@defer` or `@stream` is no text or is used twice, or `@stream` is on a field that is no list.',
  ],
])('says in names of the schema which rule a document breaks: %s', (rule, document, says) => {
  const found = explainDocument(schema, parse(document));
  expect(found).toContainEqual(expect.objectContaining({ rule, message: says }));
  expect(found[0]!.line).toBe(1);
  expect(JSON.stringify(found)).not.toMatch(/S3CRET|9182736/);
});

it('has a text for each rule', () => {
  expect(
    validationRules.map(({ name }) => ruleName(name)).filter((name) => !Object.hasOwn(ruleTexts, name)),
  ).toEqual([]);
});

it('finds nothing in a valid document', () => {
  expect(explainDocument(schema, parse('{ pets { name } }'))).toEqual([]);
});

it.each([
  requestError('UNSUPPORTED_MEDIA_TYPE', { got: secret }),
  requestError('UNAUTHENTICATED', { reason: secret }),
  requestError('MAX_LIST_SIZE_LIMIT', { field: 'Query.pets', got: 9182736, limit: 10 }),
  requestError('MAX_COST_LIMIT', { got: 9182736, limit: 10 }),
  requestError('GRAPHQL_VALIDATION_FAILED', { reason: secret }, { logged: 'The reason.' }),
  new GraphQLError(secret, { extensions: { code: 'OF_A_HOOK' } }),
  new GraphQLError(`Syntax Error: Expected Name, found String "${secret}".`, {
    extensions: { code: 'GRAPHQL_PARSE_FAILED' },
  }),
  new GraphQLError(`Cannot do ${secret}`, { extensions: { code: 'BAD_REQUEST' } }),
  ...new RequestErrors([new GraphQLError(secret)], ['The variable is wrong.']).errors,
])('explains an error without what the client has sent', (error) => {
  const explained = explainError(error);
  expect(explained).toMatchObject({
    code: error.extensions['code'],
    message: expect.stringMatching(/^.{10,}\.$/),
  });
  expect(JSON.stringify(explained)).not.toMatch(/S3CRET|9182736/);
});
