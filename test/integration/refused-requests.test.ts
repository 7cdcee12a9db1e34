/**
 * What the console and the log say of requests that failed or were refused, in production with the usual options. Over 300
 * lines: a case for each reason.
 */
import fc from 'fast-check';
import type { ExplainedRequest, RefusalReasons, RequestSummary } from '../../gateway/console/api';
import type { GatewayOptions } from '../../gateway';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const typeDefs = `
  type Query {
    products(first: Int, filter: Filter, sort: Sort = NAME): [Product!]
    product(id: ID!): Product
    slow: Int
  }
  type Subscription { renamed: Product }
  input Filter { name: String, price: Range, tags: [String!], required: Int! = 1 }
  input Range { from: Float!, to: Float }
  enum Sort { NAME PRICE }
  type Product @key(fields: "id") { id: ID! name(length: Int): String price: Float similar: [Product!] }`;

let subgraph: TestSubgraph;
let gateway: TestGateway;

const start = (options: GatewayOptions = {}): Promise<TestGateway> =>
  startTestGateway({ supergraph: sourceOf(compose([subgraph])), ...options });

beforeAll(async () => {
  subgraph = await startSubgraph({
    ...{ name: 'products', typeDefs },
    resolvers: {
      Query: {
        products: () => [{ id: 'p1', name: 'Mug' }],
        slow: () => new Promise((done) => setTimeout(() => done(1), 1500)),
        product: () => {
          throw new Error('broken');
        },
      },
    },
  });
  gateway = await start({ limits: { depth: 4, listSize: 100, variables: 50 } });
});
afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
});

async function read<Answer>({ adminUrl }: TestGateway, path: string): Promise<Answer> {
  const response = await fetch(`${adminUrl}/console/api/${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const logged = ({ log }: TestGateway, id: string): Json =>
  log.find(({ requestId, msg }) => requestId === id && msg === 'request');

/** Sends a request, and reads what the console and the log have of it. */
async function refused(
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ request: ExplainedRequest; line: Json }> {
  const answer = await gateway.post(body, { headers });
  await answer.text();
  const id = answer.headers.get('x-request-id')!;
  await eventually(() => logged(gateway, id) !== undefined);
  return { request: await read(gateway, `requests/${id}`), line: logged(gateway, id) };
}

it('shows the operation, the rule, the coordinate and the position of a request that is not valid', async () => {
  const query = 'query Bad($id: ID = "S3CRET") {\n  products(filter: { name: "S3CRET" }) { idd }\n}';
  const { request, line } = await refused(
    { operationName: 'Bad', query },
    { 'apollographql-client-name': 'web', 'apollographql-client-version': '1.4.0' },
  );
  expect(request).toMatchObject({
    ...{ status: 400, codes: ['GRAPHQL_VALIDATION_FAILED'], client: { name: 'web', version: '1.4.0' } },
    operation: { name: 'Bad', type: 'query', id: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(request.refused).toEqual([
    {
      ...{ code: 'GRAPHQL_VALIDATION_FAILED', rule: 'FieldsOnCorrectType', coordinate: 'Product.idd' },
      message: '`Product.idd` does not exist.',
      ...{ line: 2, column: 42 },
    },
    {
      ...{ code: 'GRAPHQL_VALIDATION_FAILED', rule: 'NoUnusedVariables' },
      message: 'The variable `$id` is never used.',
      ...{ line: 1, column: 11 },
    },
  ]);
  expect(request.document!.text).toBe('query Bad($id: ID = …) {\n  products(filter: …) {\n    idd\n  }\n}');
  expect(line).toMatchObject({
    ...{ operation: 'Bad', operationType: 'query', reason: '`Product.idd` does not exist.' },
    codes: ['GRAPHQL_VALIDATION_FAILED'],
  });
  expect(JSON.stringify([request, line])).not.toContain('S3CRET');
});

it('shows neither descriptions nor types of a document', async () => {
  const { request } = await refused({
    query: '"S3CRET" query Bad("S3CRET" $a: Int) { idd } "S3CRET" type T { f: Int }',
  });
  expect(request.document!.text).toBe('query Bad($a: Int) {\n  idd\n}');
  const { request: without } = await refused({ query: '"S3CRET" type T { f: Int }' });
  expect(without.document!.text).toBe('');
  expect(JSON.stringify([request, without])).not.toContain('S3CRET');
});

it.each<[what: string, body: unknown, says: string, headers?: Record<string, string>]>([
  [
    'an unknown argument',
    { query: '{ products(frist: 1) { id } }' },
    '`Query.products(frist:)` does not exist.',
  ],
  [
    'a literal within another',
    { query: '{ products(filter: {price: {from: "S3CRET"}}) { id } }' },
    'A value within `Query.products(filter:)` is no `Float!`.',
  ],
  [
    'a missing input field',
    { query: '{ products(filter: {price: {to: 9182736455.5}}) { id } }' },
    '`Range` needs the field `from`.',
  ],
  [
    'an unknown input field',
    { query: '{ products(filter: {nam: "S3CRET"}) { id } }' },
    '`Filter.nam` does not exist.',
  ],
  [
    'a syntax error',
    { query: '{ products(first: "S3CRET" "S3CRET" }' },
    'The document has a syntax error: a text is not expected there.',
  ],
  ['a text without an end', { query: '{ products(first: "S3CRET' }, 'The document has a syntax error.'],
  [
    'a wrong variable',
    { query: 'query Q($first: Int) { products(first: $first) { id } }', variables: { first: 'S3CRET' } },
    'The variable `$first` of type `Int` got a value that is no `Int`.',
  ],
  [
    'a missing variable',
    { query: 'query Q($id: ID!) { product(id: $id) { id } }' },
    'The variable `$id` of type `ID!` got no value.',
  ],
  [
    'a wrong value within a variable',
    {
      query: 'query Q($f: Filter) { products(filter: $f) { id } }',
      variables: { f: { name: 'S3CRET', price: { from: 'S3CRET' } } },
    },
    'The variable `$f` of type `Filter` got a value for `Range.from` that is no `Float!`.',
  ],
  [
    'a missing field of a variable',
    { query: 'query Q($f: Filter) { products(filter: $f) { id } }', variables: { f: { price: {} } } },
    'The variable `$f` of type `Filter` got no value for `Range.from`.',
  ],
  [
    'an unknown field of a variable',
    { query: 'query Q($f: Filter) { products(filter: $f) { id } }', variables: { f: { S3CRET: 1 } } },
    'The variable `$f` of type `Filter` got a field that `Filter` does not have.',
  ],
  [
    'a list in a variable',
    {
      query: 'query Q($f: Filter) { products(filter: $f) { id } }',
      variables: { f: { tags: ['a', { b: 'S3CRET' }] } },
    },
    'The variable `$f` of type `Filter` got a value for `Filter.tags` that is no `String!`.',
  ],
  [
    'too great a depth',
    { operationName: 'Deep', query: 'query Deep { products { similar { similar { similar { id } } } } }' },
    'The document is nested deeper than 4 levels.',
  ],
  [
    'too long a list',
    { query: '{ products(first: 313371337) { id } }' },
    '`Query.products` is asked for more than 100 items.',
  ],
  [
    'too many variables',
    {
      query: 'query Q($t: [String!]!) { products(filter: {tags: $t}) { id } }',
      variables: { t: new Array(60).fill('S3CRET') },
    },
    'The variables hold more than 50 values.',
  ],
  [
    'an unknown operation name',
    { operationName: 'S3CRET', query: 'query A { slow }' },
    'The document has no operation with the name that the request gives.',
  ],
  [
    'several operations without a name',
    { query: 'query A { slow } query B { slow }' },
    'The document has several operations, and the request names none.',
  ],
  [
    'an unknown hash',
    { extensions: { persistedQuery: { version: 1, sha256Hash: 'ab12cd34'.repeat(8) } } },
    'The gateway knows no operation with the hash `ab12cd34…`.',
  ],
  [
    'an unknown hash that is none',
    { extensions: { persistedQuery: { version: 1, sha256Hash: 'S3CRET' } } },
    'The gateway knows no operation with this hash or id.',
  ],
  ['no JSON', '{"query": "S3CRET', 'The body is not valid JSON.'],
  [
    'no query',
    { variables: { a: 'S3CRET' } },
    'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.',
  ],
  [
    'variables as text',
    { query: '{ slow }', variables: '{"a":"S3CRET"}' },
    '`variables` in a POST body should be provided as an object, not a recursively JSON-encoded string.',
  ],
  [
    'another media type',
    '{ slow }',
    'The body is not application/json in UTF-8, as it is or as gzip, deflate or br.',
    { 'content-type': 'text/S3CRET' },
  ],
  ['introspection', { query: '{ __schema { types { name } } }' }, 'Introspection is not allowed.'],
])('says why %s is refused', async (_, body, says, headers = {}) => {
  const { request, line } = await refused(body, headers);
  expect(request.refused?.[0]?.message).toBe(says);
  expect(line.reason).toBe(says);
  expect(JSON.stringify([request, line])).not.toMatch(/S3CRET|313371337|9182736455/);
});

it('says why a GET without protection against other origins is refused', async () => {
  const answer = await fetch(
    `${gateway.url}?query=${encodeURIComponent('{ product(id: "S3CRET") { id } }')}`,
  );
  const request = await read<ExplainedRequest>(gateway, `requests/${answer.headers.get('x-request-id')}`);
  expect(answer.status).toBe(400);
  expect(request.refused?.[0]?.message).toBe(
    'A page of another origin could have sent the request: it has neither a content type of JSON nor one of the headers of `csrf.headers`.',
  );
});

it('says why a subscription by GET is refused to a client that takes no parts', async () => {
  const headers = { 'apollo-require-preflight': '1' };
  const answer = await fetch(
    `${gateway.url}?query=${encodeURIComponent('subscription { renamed { id } }')}`,
    {
      headers,
    },
  );
  const request = await read<ExplainedRequest>(gateway, `requests/${answer.headers.get('x-request-id')}`);
  expect(request.refused).toEqual([
    { code: 'NOT_ACCEPTABLE', message: expect.stringContaining('The answer comes in parts') },
  ]);
});

it('names the operations of a batch that are refused', async () => {
  const own = await start({ limits: { batch: 5 } });
  const answer = await own.post([
    { query: '{ products { id } }' },
    { query: 'query Wrong { products { wrong } }' },
    { query: 'query($n: Int) { products(first: $n) { id } }', variables: { n: 'S3CRET' } },
  ]);
  await answer.text();
  const [request] = await read<RequestSummary[]>(own, 'requests?failed=1');
  expect(request!.refused!.map(({ message }) => message).sort()).toEqual([
    'The variable `$n` of type `Int` got a value that is no `Int`.',
    '`Product.wrong` does not exist.',
  ]);
  await own.stop();
});

it('groups what is refused by client and reason, the most frequent first', async () => {
  const own = await start();
  const send = async (query: string, version: string): Promise<void> => {
    const headers = { 'apollographql-client-name': 'web', 'apollographql-client-version': version };
    await (await own.post({ query }, { headers })).text();
  };
  for (let i = 0; i < 5; i++) await send(`query Page { products(first: ${i}) { averageRating } }`, '1.4.0');
  for (let i = 0; i < 2; i++) await send('query Page { products { averageRating } }', '1.5.0');
  await send('query Other { products { averageRating gone } }', '1.4.0');
  const { groups, since } = await read<RefusalReasons>(own, 'refusals');
  expect(groups.map(({ count, client, message }) => [count, client?.version, message])).toEqual([
    [6, '1.4.0', '`Product.averageRating` does not exist.'],
    [2, '1.5.0', '`Product.averageRating` does not exist.'],
    [1, '1.4.0', '`Product.gone` does not exist.'],
  ]);
  expect(groups[0]).toMatchObject({
    ...{
      code: 'GRAPHQL_VALIDATION_FAILED',
      rule: 'FieldsOnCorrectType',
      coordinate: 'Product.averageRating',
    },
    ...{ operations: ['Other', 'Page'], example: expect.any(String) },
  });
  expect(Math.abs(since! - Date.now())).toBeLessThan(60_000);
  const found = await read<RequestSummary[]>(own, 'requests?search=averagerating');
  expect(found).toHaveLength(8);
  await own.stop();
});

describe('in production with the usual options', () => {
  it('records failed, refused and slow requests, but no others', async () => {
    const own = await start({
      admin: { port: 0, console: { sampling: 0, failures: { slowerThan: '1400ms' } } },
    });
    await own.query('{ products { id } }');
    await own.query('query Slow { slow }');
    await own.query('query Broken { product(id: "S3CRET") { id } }');
    await own.query('query Refused { nothing }');
    const requests = await read<RequestSummary[]>(own, 'requests');
    expect(requests.map(({ operation }) => operation?.name)).toEqual(['Refused', 'Broken', 'Slow']);
    expect(requests[1]).toMatchObject({ status: 200, codes: ['DOWNSTREAM_SERVICE_ERROR'] });
    const slow = await read<ExplainedRequest>(own, `requests/${requests[2]!.id}`);
    expect(slow.ms).toBeGreaterThan(1400);
    expect(slow.timeline).toHaveLength(1);
    expect(slow.timeline[0]!.sentences).toContain('It is not of the sample, so its steps were not recorded.');
    expect(slow.document!.text).toBe('query Slow {\n  slow\n}');
    expect(JSON.stringify(requests)).not.toContain('S3CRET');
    await own.stop();
  });

  it('finds a failed request by the trace of its client', async () => {
    const traceId = 'a3ce929d0e0e4736a3ce929d0e0e4736';
    await refused({ query: '{ traced }' }, { traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
    expect(await read<ExplainedRequest>(gateway, `requests/${traceId}`)).toMatchObject({
      traceId,
      status: 400,
    });
  });

  it('records none with `failures.enabled: false`', async () => {
    const own = await start({ admin: { port: 0, console: { sampling: 0, failures: { enabled: false } } } });
    await own.query('query Refused { nothing }');
    expect(await read<RequestSummary[]>(own, 'requests')).toEqual([]);
    await own.stop();
  });
});

it('shows no value of a client, whatever is refused', async () => {
  const secret = fc.constantFrom('S3CRETone', 'S3CRETtwo');
  const literal: fc.Arbitrary<string> = fc.letrec<Record<'value', string>>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      secret.map((text) => JSON.stringify(text)),
      secret,
      fc.constantFrom('9182736455', '-9182736455.5', 'true', 'null', '$v', `"""block S3CRET"""`),
      fc.array(tie('value'), { maxLength: 2 }).map((all) => `[${all.join(' ')}]`),
      fc
        .tuple(fc.constantFrom('name', 'price', 'from', 'other'), tie('value'))
        .map(([name, value]) => `{${name}: ${value}}`),
    ),
  })).value;
  const json = fc.oneof(
    secret,
    fc.constantFrom<unknown>(
      9182736455,
      null,
      [['S3CRET']],
      { name: 'S3CRET' },
      { price: { from: 'S3CRET' } },
    ),
    fc.record({ S3CRETkey: secret, required: secret }),
  );
  const argument = fc
    .tuple(fc.constantFrom('first', 'filter', 'sort', 'id', 'length', 'frist'), literal)
    .map(([name, value]) => `${name}: ${value}`);
  const field: fc.Arbitrary<string> = fc.letrec<Record<'field', string>>((tie) => ({
    field: fc
      .tuple(
        fc.constantFrom('products', 'product', 'id', 'name', 'similar', 'nope', '...F', '... on Product'),
        fc.array(argument, { maxLength: 2 }),
        fc.option(literal, { nil: undefined }),
        fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie('field'), { maxLength: 2 })),
      )
      .map(([name, args, directive, below]) =>
        [
          name,
          args.length > 0 && !name.startsWith('.') ? `(${args.join(', ')})` : '',
          directive === undefined ? '' : ` @include(if: ${directive})`,
          below.length > 0 && name !== '...F' ? ` { ${below.join(' ')} }` : '',
        ].join(''),
      ),
  })).field;
  const document = fc
    .tuple(
      fc.constantFrom('query', 'mutation', 'subscription'),
      fc.constantFrom('Int', 'Filter', 'ID!', 'Nope', '[Range!]'),
      literal,
      field,
      fc.constantFrom(
        '',
        ' "S3CRET" }',
        ' fragment F on Product { id }',
        ' # S3CRET',
        ' type T { f: Int @d(x: "S3CRET") }',
      ),
    )
    .map(([kind, type, given, selection, end]) => `${kind} Q($v: ${type} = ${given}) { ${selection} }${end}`);
  const before = gateway.log.length;
  await fc.assert(
    fc.asyncProperty(document, json, async (query, v) => {
      await (await gateway.post({ query, variables: { v } })).text();
    }),
    { numRuns: 150 },
  );
  const requests = await read<RequestSummary[]>(gateway, 'requests?failed=1');
  expect(requests.length).toBeGreaterThan(100);
  const explained = await Promise.all(
    requests.map(({ id }) => read<ExplainedRequest>(gateway, `requests/${id}`)),
  );
  const lines = gateway.log.slice(before).filter(({ msg }) => msg === 'request');
  expect(lines.length).toBeGreaterThan(100);
  const shown = JSON.stringify([requests, explained, await read(gateway, 'refusals'), lines]);
  expect(shown).not.toMatch(/S3CRET|9182736455/);
  // None of them has fallen back to a sentence without a fact.
  expect(shown).not.toContain('was refused with the code');
}, 120_000);

it('bounds what one request records', async () => {
  const name = 'n'.repeat(5_000);
  const { request, line } = await refused({
    query: `query ${name} { ${Array.from({ length: 40 }, (_, i) => `${name}${i}`).join(' ')} }`,
  });
  expect(request.refused!.length).toBeLessThanOrEqual(5);
  expect(JSON.stringify({ ...request, document: undefined, curl: undefined }).length).toBeLessThan(4_000);
  expect(JSON.stringify(line).length).toBeLessThan(2_000);
});
