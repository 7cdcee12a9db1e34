import { buildSchema, getOperationAST, getVariableValues, parse, validate } from 'graphql';
import { type CurlFacts, curlFor } from '../../../../gateway/console/curl';
import { describeLack } from '../../../../gateway/auth/directives/lacks';

const schema = buildSchema(`
  type Query {
    find(name: String, first: Int = 10, size: Size, sizes: [Size!], filter: Filter, one: One, json: JSON): [Item!]!
  }
  type Item { id(of: ID!): ID }
  enum Size { SMALL LARGE }
  input Filter { text: String! size: Size! range: Range! tags: [String!]! note: String }
  input Range { from: Float! to: Float }
  input One @oneOf { a: Int b: String }
  directive @oneOf on INPUT_OBJECT
  scalar JSON
`);

const facts = (more: Partial<CurlFacts>): CurlFacts => ({
  ...{ endpoint: 'http://localhost/graphql', text: undefined, operationName: undefined, schema },
  ...{ headers: [], client: undefined, values: false, variables: undefined },
  ...more,
});

function bodyOf(text: string, more: Partial<CurlFacts> = {}) {
  const [, json] = / -d '([^]*)'$/.exec(curlFor(facts({ text, ...more })))!;
  return JSON.parse(json!.replaceAll(`'\\''`, `'`)) as { query: string; variables?: Record<string, unknown> };
}

it.each([
  '{ find(name: "S3CRET", first: 9182) { id(of: "S3CRET") } }',
  'query Q($n: String = "S3CRET", $f: Int) { find(name: $n, first: $f) { id(of: 9182) } }',
  'query ($f: Filter!, $o: One, $s: [Size!]!, $j: JSON) { find(filter: $f, one: $o, sizes: $s, json: $j) { id(of: 1) } }',
  '{ find(filter: { text: "S3CRET", size: LARGE, range: { from: 9182 }, tags: ["S3CRET"] }, one: { a: 9182 }) { __typename } }',
  'query ($t: String!) { find(filter: { text: $t, size: LARGE, range: { from: 9182.5 }, tags: ["S3CRET", $t] }) { __typename } }',
  '{ find(size: LARGE, json: { S3CRET: ["S3CRET", 9182] }) @include(if: true) { ...F } } fragment F on Item { id(of: "S3CRET") }',
  'query A($value1: ID!) { find(name: "S3CRET") { id(of: $value1) } }',
  '# S3CRET\n"S3CRET" query A($n: String) { find(name: $n) { __typename } }',
])('writes a valid operation with valid variables, and no value of %s', (text) => {
  const { query, variables = {} } = bodyOf(text);
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const { variableDefinitions = [] } = getOperationAST(document)!;
  expect(getVariableValues(schema, variableDefinitions, variables).errors).toBeUndefined();
  expect(JSON.stringify({ query, variables })).not.toMatch(/S3CRET|9182/);
  expect(query).toContain(text.includes('size: LARGE') && !text.includes('filter: { text: "') ? 'LARGE' : '');
});

it('has the requested operation alone, and of one that is not valid any more no value', () => {
  const text = 'query A { find(nam: "S3CRET", x: [{ y: 9182 }]) { gone } } query B { find { id(of: 1) } }';
  expect(bodyOf(text, { operationName: 'A' }).query.replaceAll(/\s+/g, ' ')).toBe(
    'query A { find(nam: "…", x: [{}]) { gone } }',
  );
  expect(bodyOf(text, { operationName: 'C' }).query).toBe('…');
  expect(bodyOf('{ find(size: S3CRET) { gone } }').query).not.toContain('S3CRET');
  expect(bodyOf(text, { operationName: 'A', schema: undefined }).query).not.toMatch(/S3CRET|9182/);
});

it('has the values that were sent where they are shown', () => {
  const text = 'query ($n: String) { find(name: $n, first: 9) { __typename } }';
  const body = bodyOf(text, { values: true, variables: { n: "it's" } });
  expect(body.variables).toEqual({ n: "it's" });
  expect(body.query).toContain('first: 9');
});

it('has the headers that were sent, without their values', () => {
  const command = curlFor(
    facts({
      text: '{ find { __typename } }',
      headers: ['authorization', 'apollographql-client-name', 'x-a-b'],
      client: { name: `"$(rm) '`, version: '' },
    }),
  );
  expect(command).toContain(`-H "authorization: $AUTHORIZATION"`);
  expect(command).toContain(`-H "x-a-b: $X_A_B"`);
  expect(command).toContain(`-H 'apollographql-client-name: "$(rm) '\\'''`);
});

it.each([
  ['authenticated', 'It needs a caller who is signed in.'],
  ['scopes [["a","b"],["c"]]', 'It needs the scopes "a" and "b", or the scope "c", which the caller lacks.'],
  ['policies [["p"]]', 'It needs the policy "p", which the caller lacks.'],
  ['User.email', 'The authoriser denies User.email to the caller.'],
])('says what a caller lacks by the label %s', (label, sentence) => {
  expect(describeLack(label)).toBe(sentence);
});
