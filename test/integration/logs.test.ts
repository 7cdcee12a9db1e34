/** What the log says of requests, and that secrets are in no line. Over 300 lines: each fact, and each way a secret comes. */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { GatewayOptions } from '../../gateway';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

let graph: SmallGraph;
let issuer: TokenIssuer;
const open: TestGateway[] = [];

beforeAll(async () => {
  [graph, issuer] = await Promise.all([startSmallGraph(), startTokenIssuer()]);
});

afterEach(async () => {
  graph.accounts.answer = graph.reviews.answer = undefined;
  graph.accounts.headers = {};
  await Promise.all(open.splice(0).map((gateway) => gateway.stop()));
});

afterAll(() => Promise.all([graph.close(), issuer.close()]));

async function start(options: GatewayOptions = {}): Promise<TestGateway> {
  const gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), ...options });
  open.push(gateway);
  return gateway;
}

/** Sends a request, and waits for its line. */
async function lineOf(
  gateway: TestGateway,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Json> {
  const answer = await gateway.post(body, { headers });
  await answer.text();
  const requestId = answer.headers.get('x-request-id');
  const find = () => gateway.log.find((line) => line.msg === 'request' && line.requestId === requestId);
  await eventually(find);
  return find();
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const named = 'query Named($id: ID!) { user(id: $id) { name reviews { rating } } }';

/** Answers with errors, and null for all that was asked. */
const failWith =
  (...errors: object[]): SmallGraph['accounts']['answer'] =>
  (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ data: null, errors }));
  };

describe('the line of a request', () => {
  it('has operation, client, cache result, calls and codes', async () => {
    graph.accounts.headers = { 'cache-control': 'max-age=60' };
    const gateway = await start();
    const client = { 'apollographql-client-name': 'web', 'apollographql-client-version': '1.2' };
    const body = { query: named, variables: { id: 'u1' } };
    expect(await lineOf(gateway, body, client)).toMatchObject({
      ...{ operation: 'Named', operationType: 'query', operationId: sha256(named) },
      ...{ client: 'web', clientVersion: '1.2', cache: 'PASS', calls: 2 },
    });
    const public_ = { query: '{ user(id: "u1") { name } }' };
    const [first, second] = [await lineOf(gateway, public_), await lineOf(gateway, public_)];
    expect(first).toMatchObject({ cache: 'MISS', calls: 1, operationId: sha256(public_.query) });
    expect(second).toMatchObject({ cache: 'HIT', calls: 0, operationId: sha256(public_.query) });
    for (const none of ['codes', 'reason', 'authMode', 'operations', 'client', 'operation'])
      expect(second).not.toHaveProperty(none);
  });

  it.each([
    ['a subgraph', { query: '{ user(id: "u1") { name } }' }, { status: 200, codes: ['NOT_YOURS'] }],
    ['a refusal', '{', { status: 400, codes: ['BAD_REQUEST'] }],
    ['validation', { query: '{ nope }' }, { status: 400, codes: ['GRAPHQL_VALIDATION_FAILED'] }],
    ['variables', { query: named }, { status: 400, codes: ['BAD_USER_INPUT'], operation: 'Named' }],
    [
      'a batch',
      [{ query: '{ user(id: "u1") { name } }' }, { query: '{ nope }' }, { query: '{ me { id } }' }],
      { codes: ['GRAPHQL_VALIDATION_FAILED', 'NOT_YOURS'], operations: 2 },
    ],
  ])('has the codes of errors of %s', async (_, body, facts) => {
    const gateway = await start({ limits: { batch: 5 } });
    graph.accounts.answer = failWith({ message: 'no', extensions: { code: 'NOT_YOURS' } });
    expect(await lineOf(gateway, body)).toMatchObject(facts);
  });

  it('has no more than ten codes, and no code without end', async () => {
    const gateway = await start();
    graph.accounts.answer = failWith(
      ...Array.from({ length: 12 }, (_, i) => ({
        message: 'no',
        extensions: { code: `${i}\u001b${'x'.repeat(500)}` },
      })),
    );
    const { codes } = await lineOf(gateway, { query: '{ me { id } }' });
    expect(codes).toHaveLength(10);
    expect(codes[0]).toBe(`0\u001b${'x'.repeat(198)}…`);
  });

  it('has fields from headers and claims, and lacks what is left out', async () => {
    const gateway = await start({
      auth: { oidc: [{ issuer: issuer.url, audience: 'shop' }] },
      logging: {
        fields: {
          tenant: { header: 'X-Tenant' },
          user: { claim: 'sub' },
          roles: { claim: 'roles' },
          age: { claim: 'age' },
          inner: { claim: 'realm.tenant' },
          none: { claim: 'toString' },
        },
        omit: ['traceId', 'path', 'calls'],
      },
    });
    const token = await issuer.token({ roles: ['a', 'b'], age: 7, realm: { tenant: 't' } });
    const line = await lineOf(
      gateway,
      { query: '{ me { id } }' },
      { authorization: `Bearer ${token}`, 'x-tenant': 'x'.repeat(300) },
    );
    expect(line).toMatchObject({
      user: 'u1',
      roles: '["a","b"]',
      age: 7,
      inner: 't',
      tenant: `${'x'.repeat(200)}…`,
    });
    for (const left of ['traceId', 'path', 'calls', 'none']) expect(line).not.toHaveProperty(left);
    expect(await lineOf(gateway, { query: '{ me { id } }' })).toMatchObject({ status: 401 });
  });

  it.each([
    ['{"query":', 'http://user:secret@shop.example/graphql?token=secret', '/graphql'],
    ['', '/a%1bb?secret', '/a%1bb'],
    ['', `/${'a'.repeat(900)}`, `/${'a'.repeat(199)}…`],
  ])('has of a URL the path alone (%s %.60s)', async (body, url, path) => {
    const gateway = await start();
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(
      Buffer.from(
        `POST ${url} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      ),
    );
    await new Promise((end) => socket.resume().on('close', end));
    await eventually(() => gateway.log.some(({ msg }) => msg === 'request'));
    expect(gateway.log.find(({ msg }) => msg === 'request')).toMatchObject({ path });
  });
});

it('a request has the address of its client, as options want it written', async () => {
  const fields = { ip: { address: true }, via: { header: 'x-forwarded-for' } } as const;
  const gateway = await start({
    trustedProxies: ['127.0.0.1'],
    logging: { fields, addresses: 'shortened' },
  });
  const headers = { 'x-forwarded-for': '203.0.113.9, 192.0.2.77' };
  expect(await lineOf(gateway, { query: '{ me { name } }' }, headers)).toMatchObject({
    ...{ ip: '192.0.2.0', via: '203.0.113.0, 192.0.2.0' },
  });
});

describe('a request whose credentials are refused', () => {
  const apiKeys = [{ client: 'web', sha256: sha256('da2-key') }];
  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>, object]>([
    ['no credentials', () => ({}), { reason: 'The request has no credentials.', authMode: 'none' }],
    [
      'an API key',
      () => ({ 'x-api-key': 'da2-secret' }),
      { reason: 'The API key is not known.', authMode: 'api-key' },
    ],
    [
      'a token',
      async () => ({ authorization: `Bearer ${await issuer.token({ exp: 1 })}` }),
      { reason: 'The token has expired.', authMode: 'oidc' },
    ],
    [
      'a token of another issuer',
      () => ({ authorization: 'Bearer secret' }),
      { reason: expect.stringContaining('no kind that is accepted'), authMode: 'none' },
    ],
    [
      'a signature',
      () => ({ authorization: 'AWS4-HMAC-SHA256 secret' }),
      { reason: 'The signature in the authorization header is malformed.', authMode: 'iam' },
    ],
  ])('has the reason and the mode in its line: %s', async (_, headersOf, facts) => {
    const gateway = await start({
      auth: {
        apiKeys,
        oidc: [{ issuer: issuer.url, audience: 'shop' }],
        iam: { keys: [{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'a'.repeat(40) }] },
      },
    });
    const headers = await headersOf();
    const line = await lineOf(gateway, { query: '{ me { id } }' }, headers);
    expect(line).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'], ...facts });
    for (const secret of Object.values(headers)) expect(JSON.stringify(gateway.log)).not.toContain(secret);
  });

  it('has those of an authoriser', async () => {
    const gateway = await start({
      auth: { lambda: { module: () => ({ isAuthorized: false }) } },
    });
    expect(await lineOf(gateway, { query: '{ me { id } }' }, { authorization: 'x' })).toMatchObject({
      ...{ reason: 'The authoriser does not let this token in.', authMode: 'lambda' },
    });
  });
});

describe('a masked error of a subgraph', () => {
  const masked = (gateway: TestGateway): Json[] =>
    gateway.log.filter(({ msg }) => msg === 'an error of a subgraph is masked');
  const failing = { message: 'relation "users" does not exist', path: ['user'] };

  it('is logged with its message, subgraph, path and the id of the request', async () => {
    const gateway = await start();
    graph.accounts.answer = failWith(failing);
    const answer = await gateway.post({ query: '{ someone: user(id: "u1") { name } }' });
    expect(await answer.json()).toMatchObject({
      errors: [{ message: 'Subgraph "accounts" reported an error.' }],
    });
    expect(masked(gateway)).toEqual([
      {
        ...{ level: 'warn', name: 'gateway', time: expect.any(String), msg: expect.any(String) },
        ...{ requestId: answer.headers.get('x-request-id'), subgraph: 'accounts' },
        ...{ code: 'DOWNSTREAM_SERVICE_ERROR', error: failing.message, path: ['someone'] },
      },
    ]);
  });

  it('is logged once, wherever it stands, and each that differs', async () => {
    const gateway = await start();
    graph.reviews.answer = failWith(
      { message: 'one', path: ['_entities', 0, 'reviews'] },
      { message: 'one', path: ['_entities', 0, 'reviews'] },
      { message: 'two', path: ['_entities', 0, 'reviews'] },
      { message: 'nowhere' },
      { message: 'three', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
      { message: 'known', extensions: { code: 'NOT_YOURS' } },
    );
    await gateway.query('{ a: user(id: "u1") { reviews { id } } b: user(id: "u1") { reviews { id } } }');
    expect(masked(gateway).map(({ error, code, path }) => [error, code, path])).toEqual([
      ['one', 'DOWNSTREAM_SERVICE_ERROR', ['a', 'reviews']],
      ['two', 'DOWNSTREAM_SERVICE_ERROR', ['a', 'reviews']],
      ['nowhere', 'DOWNSTREAM_SERVICE_ERROR', expect.anything()],
      ['three', 'INTERNAL_SERVER_ERROR', expect.anything()],
    ]);
  });

  it('is bounded in number and length, and logged whatever the sampling', async () => {
    const gateway = await start({ logging: { sampling: 1_000 } });
    await gateway.query('{ me { id } }');
    graph.accounts.answer = failWith(
      ...Array.from({ length: 50 }, (_, i) => ({ message: `${i}`.padEnd(5_000, '-') })),
    );
    await gateway.query('{ me { id } }');
    expect(masked(gateway)).toHaveLength(10);
    for (const { error } of masked(gateway)) expect(error.length).toBeLessThan(1_100);
  });

  it('is logged for each request that shares the execution', async () => {
    const gateway = await start();
    graph.accounts.headers = { 'cache-control': 'max-age=60' };
    // Only what was public before is shared by all.
    await gateway.query('{ user(id: "u1") { name } }');
    const held: (() => void)[] = [];
    graph.accounts.answer = (request, response) => held.push(() => failWith(failing)!(request, response));
    const query = '{ user(id: "u1") { name } me { id } }';
    const answers = [1, 2].map(() => gateway.post({ query }));
    await eventually(() => held.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const answer of held) answer();
    const ids: (string | null)[] = [];
    for (const answer of await Promise.all(answers)) {
      ids.push(answer.headers.get('x-request-id'));
      await answer.text();
    }
    expect(held).toHaveLength(1);
    expect(
      masked(gateway)
        .map(({ requestId }) => requestId)
        .sort(),
    ).toEqual(ids.sort());
  });

  it('is not logged where clients are told, and with `all` whatever its code', async () => {
    const told = await start({ errors: { maskSubgraphs: 'none' } });
    const hidden = await start({ errors: { maskSubgraphs: 'all' } });
    graph.accounts.answer = failWith({ message: 'no', extensions: { code: 'NOT_YOURS' } });
    for (const gateway of [told, hidden]) await gateway.query('{ me { id } }');
    expect(masked(told)).toEqual([]);
    expect(masked(hidden)).toMatchObject([{ error: 'no', code: 'NOT_YOURS' }]);
  });

  it('says nothing that the client has sent', async () => {
    const gateway = await start({
      subgraphs: { accounts: { headers: { forward: ['x-thing'] } } },
    });
    const sent = [
      'in-own-header',
      'in-a-variable',
      'in-an-object',
      'in-the-document',
      'in-a-header',
      'in-a-block',
      'in-tracestate',
    ];
    graph.accounts.answer = failWith({ message: `not these: ${sent.join(', ')}; nor u1`, path: ['a'] });
    const query = `mutation ($id: ID!, $name: String!) {
      a: rename(id: $id, name: $name) { id } b: rename(id: "in-the-document", name: """in-a-block""") { id }
    }`;
    const variables = { id: 'in-a-variable', name: 'in-an-object' };
    await lineOf(
      gateway,
      { query, variables },
      {
        authorization: 'Bearer in-a-header',
        'x-thing': 'in-own-header',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        tracestate: 'vendor=in-tracestate',
      },
    );
    expect(masked(gateway)).toMatchObject([
      { error: `not these: ${sent.map(() => '[redacted]').join(', ')}; nor u1` },
    ]);
  });
});

describe('at level debug', () => {
  it('shows plans, cache keys and retries under the id of the request', async () => {
    const gateway = await start({ logging: { level: 'debug' }, cache: { entities: { enabled: true } } });
    graph.accounts.headers = graph.reviews.headers = { 'cache-control': 'max-age=60' };
    let failures = 1;
    graph.accounts.answer = (_, response) => {
      if (failures-- === 1) graph.accounts.answer = undefined;
      response.writeHead(503).end();
    };
    const { requestId } = await lineOf(gateway, { query: named, variables: { id: 'u1' } });
    await lineOf(gateway, { query: '{ user(id: "u1") { name reviews { rating } } }' });
    const second = await lineOf(gateway, { query: named, variables: { id: 'u1' } });
    const said = (msg: string) => gateway.log.filter((line) => line.msg === msg);
    await eventually(() => said('an operation was planned').length === 2);
    expect(said('an operation was planned')[0]).toMatchObject({
      ...{ level: 'debug', requestId, operationId: sha256(named) },
      plan: expect.stringMatching(/^QueryPlan \{\n {2}Sequence \{/),
    });
    expect(said('a call of a subgraph is repeated')).toMatchObject([
      { requestId, subgraph: 'accounts', attempt: 1, reason: 503, after: expect.any(Number) },
    ]);
    expect(said('the response cache was read')[0]).toMatchObject({
      requestId,
      found: 'nothing',
      publicKey: expect.stringMatching(/^response:/),
    });
    expect(said('a request was found by its bytes')).toMatchObject([{ requestId: second.requestId }]);
    expect(said('the entity cache was read').slice(1)).toMatchObject([
      {
        subgraph: 'reviews',
        entities: 1,
        missing: 0,
        keys: [expect.stringMatching(/^entity:.*:p(ublic|rivate):$/)],
      },
    ]);
    graph.reviews.headers = {};
  });
});

/** What the console shows, each answer as text. */
async function consoleOf({ adminUrl }: TestGateway, token: string): Promise<string[]> {
  const read = async (path: string): Promise<string> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${adminUrl}/console/api/${path}`, { headers });
    expect(response.status).toBe(200);
    return response.text();
  };
  const shown = await Promise.all(['about', 'live', 'graph', 'schema', 'report'].map((path) => read(path)));
  let requests: Json[] = [];
  do {
    const before = requests.length === 0 ? '' : `?before=${requests.at(-1).at}`;
    shown.push(await read(`requests${before}`));
    requests = JSON.parse(shown.at(-1)!);
    // Others of the same operations differ only in their times.
    for (const { id } of requests.filter((_, i) => i % 8 === 0)) shown.push(await read(`requests/${id}`));
  } while (requests.length > 0);
  return shown;
}

it('never says a secret in the log or the console, whatever was sent and whatever failed', async () => {
  const secrets: string[] = [];
  const secret = (): string => {
    const made = `s3cr3t${randomBytes(12).toString('hex')}`;
    secrets.push(made);
    return made;
  };
  const adminToken = secret();
  graph.accounts.headers = { 'cache-control': 'max-age=60' };
  const gateway = await start({
    logging: { level: 'trace' },
    limits: { batch: 3 },
    admin: { port: 0, token: adminToken, console: { sampling: 1 } },
    auth: {
      anonymous: true,
      apiKeys: [{ client: 'web', sha256: sha256('da2-key') }],
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
    },
    cache: { entities: { enabled: true } },
    headers: { forward: ['authorization', 'cookie', 'x-own'], set: { 'x-gateway-key': secret() } },
    persistedOperations: {},
  });
  const tokenWith = (claims: object) => issuer.token(claims as never);
  const credentials = async (): Promise<Record<string, string>[]> => {
    const token = await tokenWith({ sub: secret(), email: secret(), scope: secret(), roles: [secret()] });
    const expired = await tokenWith({ sub: secret(), exp: 1, jti: secret() });
    secrets.push(token, expired);
    return [
      { authorization: `Bearer ${token}` },
      { authorization: `Bearer ${expired}` },
      { authorization: `Bearer ${secret()}` },
      { authorization: `Basic ${secret()}` },
      { authorization: `AWS4-HMAC-SHA256 Credential=${secret()}/1/2/3/aws4_request` },
      { 'x-api-key': secret() },
      {},
    ];
  };
  const others = (): Record<string, string> =>
    Object.fromEntries(
      ['cookie', 'x-own', 'x-amz-security-token', 'proxy-authorization', 'user-agent', 'referer', 'origin']
        .concat('x-forwarded-for', 'traceparent', 'tracestate', 'if-none-match', 'cache-control')
        .map((name) => [name, `${name}=${secret()}`]),
    );
  const documents = (): Json[] => [
    { query: 'query ($id: ID!) { user(id: $id) { name reviews { rating } } }', variables: { id: secret() } },
    { query: `{ user(id: "${secret()}") { name } }` },
    { query: `{ user(id: """${secret()}""") { name } }` },
    { query: `# ${secret()}\n{ me { name } }` },
    { query: 'mutation ($n: String!) { rename(id: "u1", name: $n) { name } }', variables: { n: secret() } },
    { query: 'query ($id: ID!) { user(id: $id) { name } }', variables: { id: { [secret()]: secret() } } },
    { query: `{ user(id: "${secret()}`, variables: { password: secret() } },
    { query: `{ user(nope: "${secret()}") { name } }` },
    { query: '{ me { id } }', extensions: { token: secret(), persistedQuery: { sha256Hash: secret() } } },
    { query: '{ me { id } }', extensions: { persistedQuery: { version: 1, sha256Hash: secret() } } },
    { documentId: secret() },
    [{ query: `{ user(id: "${secret()}") { id } }` }, { query: '{ nope }', variables: { a: secret() } }],
    `{"query": "${secret()}`,
  ];
  const failures: SmallGraph['accounts']['answer'][] = [
    undefined,
    // As subgraphs do: they say what they were asked.
    (request, response) => {
      const { body } = graph.accounts.requests.at(-1)!;
      const message = `no: ${JSON.stringify(request.headers)} ${body.variables === undefined ? '' : JSON.stringify(body.variables)} ${body.query}`;
      failWith({ message, extensions: { code: 'INTERNAL_SERVER_ERROR' } })!(request, response);
    },
    (request, response) => response.writeHead(503).end(JSON.stringify(request.headers)),
    (_, response) => response.end('{'),
    (request) => request.socket.destroy(),
  ];
  for (const fail of failures) {
    graph.accounts.answer = fail;
    for (const authorization of await credentials())
      for (const body of documents())
        await (await gateway.post(body, { headers: { ...others(), ...authorization } })).text();
    for (const query of [`?token=${secret()}`, `?query={me{id}}&variables={"a":"${secret()}"}`])
      await (await fetch(gateway.url + query, { headers: { 'x-own': secret() } })).text();
    await (await fetch(new URL(`/nothing?${secret()}`, gateway.url))).text();
    await (await fetch(new URL(`/metrics?${secret()}`, gateway.adminUrl))).text();
  }
  const shown = await consoleOf(gateway, adminToken);
  await gateway.stop();
  open.length = 0;
  expect(shown.length).toBeGreaterThan(60);
  expect(shown.filter((text) => secrets.some((each) => text.includes(each)))).toEqual([]);
  const log = gateway.log.map((line) => JSON.stringify(line));
  expect(log.length).toBeGreaterThan(600);
  for (const msg of [
    'an error of a subgraph is masked',
    'an operation was planned',
    'the response cache was read',
  ])
    expect(log.filter((line) => line.includes(msg)).length).toBeGreaterThan(5);
  expect(secrets.length).toBeGreaterThan(1_000);
  const said = secrets.filter((each) => log.some((line) => line.includes(each)));
  expect(log.filter((line) => said.some((each) => line.includes(each))).slice(0, 5)).toEqual([]);
});
