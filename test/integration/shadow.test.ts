/**
 * The option `shadow` over real sockets: what is sent when, what is not, and what clients notice of it. On a busy machine
 * queries are dropped, so each test sends them until it has seen what it waits for. Over 300 lines: each way in and each fault
 * of the second endpoint.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { OptionsInput } from '../../gateway';
import type { ShadowReport } from '../../gateway/shadow/record';
import { freePort } from '../support/free-port';
import { eventually } from '../support/process';
import { startCli } from '../support/run-cli';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { temporaryFolder } from '../support/subgraph-kit';

type ShadowInput = NonNullable<OptionsInput['shadow']>;

let graph: SmallGraph;
let shadow: Awaited<ReturnType<typeof startShadow>>;
let gateway: TestGateway;
beforeAll(async () => {
  graph = await startSmallGraph();
});
afterAll(() => graph.close());
beforeEach(async () => {
  shadow = await startShadow();
});
afterEach(async () => {
  graph.accounts.answer = undefined;
  await gateway.stop();
  await shadow.close();
});

/** An endpoint that answers as the small graph does, unless a test has it answer otherwise. */
async function startShadow() {
  const requests: { readonly headers: IncomingHttpHeaders; readonly body: Json; isCut: boolean }[] = [];
  const state = {
    answer: (response: ServerResponse): unknown => response.end('{"data":{"me":{"name":"Ada"}}}'),
  };
  const server = createServer((message, response) => {
    const pieces: Buffer[] = [];
    message.on('data', (piece: Buffer) => pieces.push(piece));
    message.on('end', () => {
      const seen = {
        headers: message.headers,
        body: JSON.parse(String(Buffer.concat(pieces))),
        isCut: false,
      };
      response.on('close', () => (seen.isCut = !response.writableFinished));
      requests.push(seen);
      state.answer(response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return Object.assign(state, {
    requests,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}

async function start(options: Partial<ShadowInput> = {}, others: OptionsInput = {}): Promise<void> {
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    shadow: { url: shadow.url, share: 1, perSecond: 1000, ...options },
    ...others,
  });
}

const report = async (): Promise<ShadowReport> =>
  (await fetch(`${gateway.adminUrl}/console/api/shadow`)).json() as Promise<ShadowReport>;

const query = '{ me { name } }';
const ada = { data: { me: { name: 'Ada' } } };
const sendQuery = async (): Promise<void> => expect(await gateway.query(query)).toEqual(ada);

/** Sends a query again and again until the report has what is awaited. */
async function reported(
  isThere: (found: ShadowReport) => boolean,
  send: () => Promise<unknown> = sendQuery,
): Promise<ShadowReport> {
  let found: ShadowReport;
  await eventually(async () => {
    await send();
    found = await report();
    return isThere(found);
  });
  return found!;
}
const isCompared = ({ compared }: ShadowReport): boolean => compared > 0;

it('gets a query with its variables, and its answer counts as equal', async () => {
  await start();
  const text = 'query Me($id: ID!) { me: user(id: $id) { name } }';
  const found = await reported(isCompared, () => gateway.query(text, { id: 'u1' }));
  expect(shadow.requests[0]).toMatchObject({
    headers: { 'content-type': 'application/json', 'weir-shadow': '1' },
    body: { query: text, variables: { id: 'u1' } },
  });
  expect(found).toMatchObject({
    ...{ url: shadow.url, share: 1, perSecond: 1000, processes: 1, failed: {}, different: 0 },
    ...{ equal: found.compared, a: { p50: expect.any(Number) }, b: { p50: expect.any(Number) } },
    operations: [{ name: 'Me', compared: found.compared, paths: [] }],
  });
  expect(await gateway.metrics()).toContain('weir_shadow_queries_total{result="equal"} ');
});

it('reports where its answer is different, without values', async () => {
  await start();
  shadow.answer = (response) =>
    response.end('{"data":{"me":{"name":"Grace Hopper","other":1}},"errors":[{"message":"x"}]}');
  const found = await reported(({ different }) => different > 0);
  const paths = found.operations[0]!.paths.map(({ path, kind }) => `${path}: ${kind}`);
  // The operation has no field "other": names that it does not have may be values.
  expect(paths.sort()).toEqual([': error-extra', 'me.(key): extra', 'me.name: value']);
  expect(JSON.stringify(found)).not.toMatch(/Grace|Ada|other/);
  expect(await gateway.metrics()).toContain('weir_shadow_queries_total{result="different"} ');
});

it('is refused at addresses that hand out credentials', async () => {
  await start();
  const supergraph = sourceOf(graph.supergraphSdl);
  const other = startTestGateway({ supergraph, shadow: { url: 'http://169.254.169.254/graphql' } });
  await expect(other).rejects.toThrow('`shadow.url` must not be a link-local or metadata address.');
});

it('is reported by `weir replay report`', async () => {
  await start();
  const admin = ['--admin', gateway.adminUrl!];
  const print = (...args: string[]) => startCli(['replay', 'report', ...admin, ...args]).result;
  await reported(isCompared, () => gateway.query('query Me { me { name } }'));
  expect(await print()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/: \d+ equal, 0 different\./),
  });
  shadow.answer = (response) => response.end('{"data":{"me":{}}}');
  await reported(
    ({ different }) => different > 0,
    () => gateway.query('query Me { me { name } }'),
  );
  const { exitCode, stdout } = await print();
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`B  ${shadow.url}`);
  expect(stdout).toMatch(/: 100 % of queries, at most 1000 a second\./);
  expect(stdout).toMatch(
    /Me \([0-9a-f]{12}\): \d+ of \d+ different.*\n {2}query Me\{me\{name\}\}\n {2}me.name: not in B/,
  );
  expect(JSON.parse((await print('--format', 'json')).stdout)).toMatchObject([{ url: shadow.url }]);
});

it('is missed by `weir replay report` where there is none', async () => {
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl) });
  const { exitCode, stderr } = await startCli(['replay', 'report', '--admin', gateway.adminUrl!]).result;
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('has no shadow'),
  });
});

it('is compared by the rules of the options', async () => {
  await start({ ignore: ['me.name'], unordered: ['latestReviews'] });
  shadow.answer = (response) =>
    response.end('{"data":{"latestReviews":[{"id":"u1-r2"},{"id":"u1-r1"}],"me":{"name":"another"}}}');
  const found = await reported(isCompared, () => gateway.query('{ me { name } latestReviews { id } }'));
  expect(found).toMatchObject({ different: 0 });
});

it('gets a query only when its client has the answer', async () => {
  await start();
  let answer: (() => void) | undefined;
  graph.accounts.answer = (_, response) => {
    answer = () => response.end('{"data":{"me":{"name":"Ada"}}}');
  };
  await reported(isCompared, async () => {
    answer = undefined;
    const before = shadow.requests.length;
    const answered = gateway.query(query);
    await eventually(() => answer !== undefined);
    expect(shadow.requests).toHaveLength(before);
    answer!();
    expect(await answered).toEqual(ada);
  });
});

it('gets the text of a persisted operation', async () => {
  await start();
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  expect(await (await gateway.post({ query, extensions })).json()).toEqual(ada);
  shadow.requests.length = 0;
  await reported(
    () => shadow.requests.length > 0,
    () => gateway.post({ extensions }).then((answer) => answer.json()),
  );
  expect(shadow.requests[0]!.body).toEqual({ query, variables: {} });
});

it('gets a query that was sent in a URL by POST', async () => {
  await start();
  const search = new URLSearchParams({
    query: `query Me${query}`,
    operationName: 'Me',
    variables: '{"a":1}',
  });
  const headers = { 'apollo-require-preflight': '1' };
  await reported(isCompared, async () =>
    expect(await (await fetch(`${gateway.url}?${search.toString()}`, { headers })).json()).toEqual(ada),
  );
  expect(shadow.requests[0]!.body).toEqual({
    ...{ query: `query Me${query}`, operationName: 'Me', variables: { a: 1 } },
  });
});

it('is compared with answers of the cache, whatever their encoding', async () => {
  graph.accounts.headers = { 'cache-control': 'max-age=60' };
  try {
    await start({}, { cache: { responses: { enabled: true } } });
    await sendQuery();
    const { equal } = await report();
    const found = await reported(
      (now) => now.equal > equal + 1,
      async () => {
        const answer = await gateway.post({ query }, { headers: { 'accept-encoding': 'gzip' } });
        expect(answer.headers.get('x-cache')).toBe('HIT');
        expect(await answer.json()).toEqual(ada);
      },
    );
    expect(found.different).toBe(0);
  } finally {
    graph.accounts.headers = {};
  }
});

it('gets neither mutations, answers in parts or batches nor what is refused', async () => {
  await start({}, { limits: { batch: 2 } });
  const both = 'query A { me { name } } mutation B { rename(id: "u1", name: "Eve") { name } }';
  const accept = 'multipart/mixed;deferSpec=20220824, application/json';
  const found = await reported(isCompared, async () => {
    await gateway.query('mutation { rename(id: "u1", name: "Eve") { name } }');
    await gateway.post({ query: both, operationName: 'B' });
    await gateway.post([{ query }, { query }]);
    await gateway.query('{ nothing }');
    await gateway.query(`${query} #${' '.repeat(2_000_000)}`);
    const deferred = '{ me { id ... @defer { name reviews { id } } } }';
    const parts = await gateway.post({ query: deferred }, { headers: { accept } });
    expect(parts.headers.get('content-type')).toContain('multipart');
    await parts.text();
    await sendQuery();
  });
  expect(new Set(shadow.requests.map(({ body }) => body.query))).toEqual(new Set([query]));
  expect(found.operations).toHaveLength(1);
});

it('gets no header of a client but those that the options name, and no follow-up of a redirect', async () => {
  const other = await startShadow();
  try {
    await start({ headers: { forward: ['x-tenant'], set: { authorization: 'Bearer of-the-shadow' } } });
    shadow.answer = (response) => response.writeHead(307, { location: other.url }).end();
    const headers = {
      ...{ authorization: 'Bearer secret', cookie: 'session=secret', 'x-api-key': 'secret' },
      ...{ 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7', 'x-tenant': 't1' },
    };
    const found = await reported(isCompared, () =>
      gateway.post({ query, extensions: { token: 'secret' } }, { headers }),
    );
    const [sent] = shadow.requests;
    expect(sent!.headers).toMatchObject({ authorization: 'Bearer of-the-shadow', 'x-tenant': 't1' });
    expect(JSON.stringify(sent)).not.toMatch(/secret|203\.0\.113/);
    expect(other.requests).toEqual([]);
    expect(found.operations[0]!.paths.map(({ kind }) => kind)).toContain('status');
  } finally {
    await other.close();
  }
});

it('gets queries of WebSockets, too', async () => {
  await start();
  const client = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
  await reported(isCompared, async () => {
    for await (const answer of client.iterate({ query })) expect(answer).toEqual(ada);
  });
  expect(shadow.requests[0]!.body).toEqual({ query, variables: {} });
  await client.dispose();
});

it('gets nothing that was sent to a shadow before, so that a gateway can be its own', async () => {
  const port = await freePort();
  await start({ url: `http://127.0.0.1:${port}/graphql` }, { port });
  let sent = 0;
  const found = await reported(isCompared, async () => {
    sent++;
    await sendQuery();
  });
  expect(found.equal).toBeLessThanOrEqual(sent);
});

describe('a shadow that fails', () => {
  it('and is down changes nothing for clients, and is logged once', async () => {
    await start({ url: `http://127.0.0.1:${await freePort()}/graphql` });
    const { compared } = await reported(({ failed }) => (failed.refused ?? 0) > 2);
    expect(compared).toBe(0);
    const lines = gateway.log.filter(({ msg }) => msg === 'the shadow does not answer');
    expect(lines).toMatchObject([{ reason: 'refused' }]);
    expect(await gateway.metrics()).toContain('weir_shadow_queries_total{result="failed",reason="refused"} ');
  });

  it('and does not answer changes nothing for clients: what does not fit is dropped', async () => {
    await start({ timeout: '30s' });
    shadow.answer = () => undefined;
    await reported(({ dropped }) => (dropped.queue ?? 0) > 0);
    // As many as are sent at once.
    expect(shadow.requests.length).toBeLessThanOrEqual(8);
    await gateway.stop();
    await eventually(() => shadow.requests.every(({ isCut }) => isCut));
  });

  it('and takes too long is given up', async () => {
    await start({ timeout: '50ms' });
    shadow.answer = (response) => response.write('{"data":');
    await reported(({ failed }) => (failed.timeout ?? 0) > 0);
    await eventually(() => shadow.requests.every(({ isCut }) => isCut));
  });

  it('and answers without end is cut', async () => {
    await start({ longest: '64KiB' });
    let written = 0;
    shadow.answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16_384))) written += 16_384;
      };
      response.on('drain', more);
      more();
    };
    await reported(({ failed }) => (failed['too-large'] ?? 0) > 0);
    await eventually(() => shadow.requests.every(({ isCut }) => isCut));
    expect(written / shadow.requests.length).toBeLessThan(16 * 1024 * 1024);
  });

  it.each(['<html>', '['.repeat(200_000), '{"data":'.repeat(10_000), '\u0000'])(
    'and answers with anything but GraphQL has another answer',
    async (text) => {
      await start();
      shadow.answer = (response) => response.end(text);
      const found = await reported(isCompared);
      expect(found.operations[0]!.paths).toMatchObject([{ kind: 'not-json', count: found.compared }]);
    },
  );
});

it('gets no more in a second than the options say, and no query with a larger answer', async () => {
  await start({ perSecond: 2, longest: '60B' });
  const larger = await reported(
    ({ dropped }) => dropped['too-large'] === 1,
    () => gateway.query('{ me { id name } latestReviews { id rating } }'),
  );
  expect(larger.compared).toBe(0);
  const began = performance.now();
  await reported(({ dropped }) => (dropped.budget ?? 0) > 5);
  expect(shadow.requests.length).toBeLessThanOrEqual(2 + (2 * (performance.now() - began)) / 1000);
});

it('may change while the gateway runs: what waits is dropped, and equal options go on counting', async () => {
  const folder = temporaryFolder();
  try {
    const supergraph = join(folder.path, 'supergraph.graphql');
    writeFileSync(supergraph, graph.supergraphSdl);
    const options = { port: 0, admin: { port: 0 }, supergraph };
    const own = { url: shadow.url, share: 1, perSecond: 1000 };
    gateway = await startTestGateway({ ...options, shadow: own });
    const before = await reported(isCompared);
    await gateway.reload(() => ({ ...options, shadow: own, limits: { depth: 5 } }));
    await reported(({ equal }) => equal > before.equal);
    shadow.answer = () => undefined;
    shadow.requests.length = 0;
    await reported(() => shadow.requests.length > 0);
    await gateway.reload(() => ({ ...options, shadow: { ...own, share: 0 } }));
    await eventually(() => shadow.requests.every(({ isCut }) => isCut));
    expect(await report()).toMatchObject({ share: 0, compared: 0, failed: {}, dropped: {} });
    expect(await gateway.metrics()).toContain('weir_shadow_queries_total{result="dropped",reason="closed"} ');
    const { length } = shadow.requests;
    await sendQuery();
    await gateway.reload(() => options);
    expect(await report()).toBeNull();
    await sendQuery();
    expect(shadow.requests).toHaveLength(length);
  } finally {
    folder.remove();
  }
});

it('leaves none of 1,800 values of requests and answers in the report, the metrics and the log', async () => {
  let planted = 0;
  const secret = (): string => `planted${planted++}`;
  await start();
  shadow.answer = (response) => {
    const code = `${secret()} !`;
    const errors = [
      { message: secret(), path: ['me', secret()], extensions: { code, [secret()]: secret() } },
    ];
    response.setHeader('x-secret', secret());
    response.end(JSON.stringify({ data: { me: { name: secret(), [secret()]: secret() } }, errors }));
  };
  const found = await reported(
    ({ different }) => planted > 1_800 && different > 0,
    () =>
      gateway.post(
        {
          query: `query ($id: ID!) { me { name } user(id: $id) { name } other: user(id: "${secret()}") { name } }`,
          variables: { id: secret() },
          extensions: { token: secret() },
        },
        { headers: { authorization: `Bearer ${secret()}`, cookie: secret() } },
      ),
  );
  const { stdout } = await startCli(['replay', 'report', '--admin', gateway.adminUrl!]).result;
  expect(stdout).toContain('different');
  expect(JSON.stringify([found, stdout, gateway.log, await gateway.metrics()])).not.toContain('planted');
});
