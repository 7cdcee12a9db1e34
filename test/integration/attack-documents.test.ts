import { getIntrospectionQuery } from 'graphql';
import { errors as statusOf } from '../../gateway/errors';
import { doubling, friends, refusedDocuments, times } from '../support/attack-documents';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import { compose } from '../support/compose';
import { readAnswer, waysIn, waysInForParts } from '../support/ways-in';
import type { Canary } from '../support/canary';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import type { SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
let canary: Canary;

beforeAll(async () => {
  ({ graph, gateway, canary } = await startAttacked({ limits: { batch: 5 } }));
});

afterEach(() => canary.expectUnharmed(), 30_000);

afterAll(() => stopAttacked({ graph, gateway, canary }));

it('keeps long names of operations out of the log, but runs them', async () => {
  const own = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl) });
  const name = 'N'.repeat(50_000);
  // By the routes, and as one that is known.
  for (let i = 0; i < 2; i++) {
    const answer = await own.post({ query: `query ${name} { me { id } }`, operationName: name });
    expect(await answer.json()).toEqual({ data: { me: { id: 'u1' } } });
  }
  await own.stop();
  const lines = own.log.filter(({ msg }) => msg === 'request');
  expect(lines.map(({ operation }) => operation)).toEqual(Array(2).fill(`${'N'.repeat(200)}…`));
  expect(JSON.stringify(own.log)).not.toContain('N'.repeat(300));
});

/** What only this attack asks for: a name that the canary does not ask. */
const mark = 'u66';

async function attack(request: Request): Promise<{ status: number; body: Json; size: number; ms: number }> {
  const start = performance.now();
  const response = await fetch(request);
  const { text, isEvent } = await readAnswer(response);
  const ms = performance.now() - start;
  const body: Json = JSON.parse(text);
  // A refusal in an event has the status 200, and its code says which status it has elsewhere.
  if (isEvent) expect(response.status).toBe(200);
  const status = isEvent
    ? statusOf[body.errors[0].extensions.code as keyof typeof statusOf].status
    : response.status;
  return { status, body, size: Buffer.byteLength(text), ms };
}

it.each(refusedDocuments)(
  'a document %s is refused on every way in with 400, in few words, and reaches no subgraph',
  async (_, query, code) => {
    for (const way of [...waysIn, ...waysInForParts]) {
      const before = callsWithoutCanary();
      const request = way.request(gateway.url, { query });
      const length = request.url.length + (await request.clone().text()).length;
      const { status, body, size } = await attack(request);
      expect(callsWithoutCanary()).toBe(before);
      expect(size).toBeLessThan(16_384);
      // A batch is answered as a list where its documents are good enough to be parsed.
      const answer = Array.isArray(body) ? body[1] : body;
      const expected =
        way.name.startsWith('GET') && length > 16_000
          ? [431, 'HEADERS_TOO_LARGE']
          : length > 2 ** 20
            ? [413, 'PAYLOAD_TOO_LARGE']
            : [400, code];
      expect([
        way.name,
        ...(Array.isArray(body) ? [400] : [status]),
        answer.errors[0].extensions.code,
      ]).toEqual([way.name, ...expected]);
      expect(answer.errors.length).toBeLessThanOrEqual(10);
      expect(answer).not.toHaveProperty('data');
      expect(JSON.stringify(body)).not.toMatch(/Did you mean|Maximum call stack|\bat .*:\d+:\d+/);
    }
  },
);

/** The canary asks for `u2` only. */
const callsWithoutCanary = (): number =>
  [...graph.accounts.requests, ...graph.reviews.requests].filter(
    ({ body }) => !JSON.stringify(body).includes('u2') && !JSON.stringify(body).includes('r2'),
  ).length;

it.each([
  ['15,001 tokens', `{ me { ${'id '.repeat(14_996)}} }`, 20],
  ['20,000 levels', friends(10_000), 20],
  ['one field 900 times', `{ me { nope ${'id '.repeat(900)} } }`, 250],
  ['one object field 450 times', `{ me { ${'reviews { id } '.repeat(450)} nope } }`, 250],
  ['fragments that double 9 times', `${doubling(9)} fragment X on User { id }`, 100],
  ['fragments that double 24 times', doubling(24), 100],
])('%s take little time', async (_, query, most) => {
  const times: number[] = [];
  // The fastest says what it takes; the others what else the machine did.
  for (let i = 0; i < 3; i++) {
    const distinct = `${query} #${i}`;
    times.push((await attack(waysIn[0]!.request(gateway.url, { query: distinct }))).ms);
  }
  expect(Math.min(...times)).toBeLessThan(process.env['WEIR_QUIET'] === '1' ? most : 10 * most);
});

describe('variables', () => {
  const query = 'query ($id: ID!) { user(id: $id) { id } }';
  const deep = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
  const send = (variables: string, path = query) =>
    new Request(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"query":${JSON.stringify(path)},"variables":${variables}}`,
    });

  it.each([
    ['100,000 levels deep', `{"id":${deep(100_000)}}`],
    ['100,000 levels deep in a variable that nobody declared', `{"id":"u66","x":${deep(100_000)}}`],
    ['33 levels deep', `{"id":"u66","x":${deep(33)}}`],
    ['100,000 objects deep', `{"id":"u66","x":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['of 200,000 values', `{"id":"u66","x":[${'1,'.repeat(200_000)}1]}`],
    ['of 20,000 keys', `{"id":"u66",${Array.from({ length: 20_000 }, (_, i) => `"k${i}":1`).join()}}`],
  ])('%s are refused with BAD_USER_INPUT, for a known operation too', async (_, variables) => {
    await (await fetch(send(`{"id":"${mark}"}`))).text();
    for (let i = 0; i < 2; i++) {
      const { status, body } = await attack(send(variables));
      expect([status, body.errors[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
    }
  });

  it('over GET as deep as a URL can hold them are refused, too', async () => {
    const url = `${gateway.url}?query=${encodeURIComponent(query)}&variables={"id":${deep(3_000)}}`;
    const { status, body } = await attack(new Request(url, { headers: { 'apollo-require-preflight': '1' } }));
    expect([status, body.errors[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
  });

  it('that are wrong in many ways get at most 10 errors', async () => {
    const many = `query (${times(60, (i) => `$v${i}: Int!`)}) { me { id } }`;
    const { status, body } = await attack(send('{}', many));
    expect([status, body.errors.length <= 11]).toEqual([400, true]);
  });
});

it.each([...waysIn, ...waysInForParts])(
  'variables that are wrong get no hint of names in production, by $name',
  async ({ request }) => {
    const typeDefs =
      'type Query { find(by: By, size: Size): String } input By { secretName: String } enum Size { LARGE }';
    const own = await startTestGateway({
      supergraph: sourceOf(compose({ finds: typeDefs })),
      limits: { batch: 2 },
      logging: { level: 'silent' },
    });
    const query = 'query ($by: By, $size: Size) { find(by: $by, size: $size) }';
    for (const variables of [{ by: { secretNam: 'x' } }, { size: 'LARG' }]) {
      const { body } = await attack(request(own.url, { query, variables }));
      const { errors } = [body].flat().at(-1);
      expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
      expect(JSON.stringify(errors)).not.toMatch(/Did you mean|secretName|LARGE/);
    }
    await own.stop();
  },
);

it('variables full of what a hint begins with are answered as soon as any others', async () => {
  const own = await startTestGateway({
    supergraph: sourceOf(compose({ finds: 'type Query { find(size: Size): String } enum Size { LARGE }' })),
    logging: { level: 'silent' },
  });
  const query = 'query ($size: Size) { find(size: $size) }';
  const variables = { size: ' Did you mean '.repeat(70_000) };
  const response = await fetch(own.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  await own.stop();
});

describe('introspection', () => {
  it('leaves __typename alone', async () => {
    expect(await gateway.query('{ __typename me { __typename } }')).toEqual({
      data: { __typename: 'Query', me: { __typename: 'User' } },
    });
  });

  it('may be open, but not to lists that grow with every level', async () => {
    const open = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), introspection: true });
    try {
      expect((await open.query(getIntrospectionQuery())).data.__schema.types.length).toBeGreaterThan(5);
      const deep =
        '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }';
      for (const way of [...waysIn, ...waysInForParts].filter(({ name }) => name !== 'a batch')) {
        const { status, body } = await attack(way.request(open.url, { query: deep }));
        expect([status, body.errors[0].extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
      }
    } finally {
      await open.stop();
    }
  });
});

it('answers a batch in order, each as it would be alone', async () => {
  const response = await gateway.post([
    { query: '{ me { name } }' },
    { query: '{ nope }' },
    { query: 'query ($id: ID!) { user(id: $id) { name } }', variables: { id: 'u1' } },
  ]);
  const body: Json = await response.json();
  expect(body[0]).toEqual({ data: { me: { name: 'Ada' } } });
  expect(body[1].errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(body[2]).toEqual({ data: { user: { name: 'Ada' } } });
});

it('runs no batch whose client accepts no answer, whether its operations are known or not', async () => {
  const known = { query: '{ me { name } }' };
  await gateway.post(known);
  for (const batch of [
    [known, known],
    [known, { query: '{ me { isNew: name } }' }],
  ]) {
    const before = callsWithoutCanary();
    expect((await gateway.post(batch, { headers: { accept: 'text/html' } })).status).toBe(406);
    expect(callsWithoutCanary()).toBe(before);
  }
});

it('refuses a batch over the maximum, and executes nothing of it', async () => {
  const mutation = 'mutation { rename(id: "u66", name: "x") { id } }';
  const { status, body } = await attack(
    new Request(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.from({ length: 6 }, () => ({ query: mutation }))),
    }),
  );
  expect([status, body.errors[0].extensions.code]).toEqual([400, 'MAX_BATCH_LIMIT']);
  expect(JSON.stringify(graph.accounts.requests.map((each) => each.body))).not.toContain('rename');
});
