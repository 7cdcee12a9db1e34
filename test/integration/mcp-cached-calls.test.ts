/** Calls whose answers are in the response cache are sent from prepared bytes: as those are answered that are not. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { GatewayOptions } from '../../gateway';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';
import { modernMessage, olderMessage, toolFiles } from '../support/tool-files';

const resource = 'https://api.shop.example/mcp';
const files = toolFiles({
  'echo.graphql': 'query Echo($text: String!, $times: Int = 1) { echo(text: $text, times: $times) }',
  'own.graphql': 'query Own { own }',
});

let subgraph: TestSubgraph;
let supergraph: string;
let issuer: TokenIssuer;
let gateway: TestGateway;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  subgraph = await startSubgraph({
    name: 'echo',
    typeDefs: 'type Query { echo(text: String!, times: Int): [String!]  own: Int }',
    resolvers: {
      Query: {
        echo: (_: unknown, { text, times }: { text: string; times: number }) =>
          Array.from({ length: times }, () => text),
        own: () => subgraph.requests.length,
      },
    },
  });
  supergraph = compose([subgraph]);
});
afterAll(async () => {
  await subgraph.close();
  await issuer.close();
  files.remove();
});

async function start(options: GatewayOptions = {}): Promise<void> {
  subgraph.requests.length = 0;
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraph),
    mode: 'production',
    auth: { anonymous: true, oidc: [{ issuer: issuer.url, audience: resource }] },
    mcp: { resource, operations: [files.pattern] },
    cache: {
      responses: {
        operations: { Echo: { maxAge: '1h', scope: 'public' }, Own: { maxAge: '1h', scope: 'private' } },
      },
    },
    ...options,
  });
}
afterEach(() => gateway.stop());

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Json;
}

async function send(
  { headers, body }: ReturnType<typeof modernMessage>,
  own: Record<string, string> = {},
): Promise<Answer> {
  const url = gateway.url.replace('/graphql', '/mcp');
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...own }, body });
  const { 'x-request-id': _id, date: _date, ...rest } = Object.fromEntries(answer.headers);
  return { status: answer.status, headers: rest, body: await answer.json() };
}

const call = (given: object, id: string | number = 1, name = 'Echo') => ({
  ...{ method: 'tools/call', id },
  params: { name, arguments: given },
});

it.each<[string, string | number]>([
  ['a number', 7],
  ['a large number', Number.MAX_SAFE_INTEGER],
  ['a text', 'a "quoted" one'],
  ['a text beyond ASCII', 'é→😀'],
  ['a long text', 'x'.repeat(5000)],
])('are answered alike in both protocols, with %s as their id', async (_, id) => {
  await start();
  for (const messageOf of [modernMessage, olderMessage]) {
    const given = { text: `a "quoted" \\ é→😀 ${messageOf.name}` };
    const [missed, hit, again] = [
      await send(messageOf(call(given, id))),
      await send(messageOf(call(given, id))),
      await send(messageOf(call(given, id))),
    ];
    expect([missed.body.id, missed.body.result.structuredContent.data]).toEqual([id, { echo: [given.text] }]);
    expect([hit, again]).toEqual([missed, missed]);
  }
  expect(subgraph.requests).toHaveLength(2);
});

it('have the id of their own message, in the form of their own protocol', async () => {
  await start();
  const given = { text: 'a' };
  await send(modernMessage(call(given)));
  for (const id of [1, 'two', 3]) {
    const modern = await send(modernMessage(call(given, id)));
    const older = await send(olderMessage(call(given, id)));
    expect([modern.body.id, older.body.id]).toEqual([id, id]);
    expect(modern.body.result).toMatchObject({ resultType: 'complete', _meta: expect.anything() });
    expect(Object.keys(older.body.result).sort()).toEqual(['content', 'structuredContent']);
  }
  expect(subgraph.requests).toHaveLength(1);
});

it('are answered alike where many come at once on one connection', async () => {
  await start();
  await send(modernMessage(call({ text: 'a'.repeat(30_000) })));
  const ids = Array.from({ length: 40 }, (_each, i) => i);
  expect(await pipelined(ids.map((id) => modernMessage(call({ text: 'a'.repeat(30_000) }, id))))).toEqual(
    ids,
  );
});

/** Sends messages without waiting for answers. Resolves with the ids of the answers. */
function pipelined(messages: readonly ReturnType<typeof modernMessage>[]): Promise<unknown[]> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname);
    socket.on('error', reject);
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('close', () =>
      resolve(
        text
          .split('HTTP/1.1 200 OK\r\n')
          .slice(1)
          .map((each): Json => JSON.parse(each.slice(each.indexOf('\r\n\r\n'))))
          .map(({ id }) => id as unknown),
      ),
    );
    for (const [i, { headers, body }] of messages.entries()) {
      const all = {
        ...{ host: hostname, ...headers, 'content-length': Buffer.byteLength(body) },
        connection: i === messages.length - 1 ? 'close' : 'keep-alive',
      };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    }
  });
}

it('are those of the caller alone where answers are private', async () => {
  await start();
  const as = async (sub: string) => {
    const own = { authorization: `Bearer ${await issuer.token({ aud: resource, sub })}` };
    const { body } = await send(modernMessage(call({}, 1, 'Own')), own);
    return body.result.structuredContent.data.own;
  };
  const found = [];
  for (const sub of ['u1', 'u2', 'u1', 'u2', 'u1']) found.push(await as(sub));
  expect(found).toEqual([1, 2, 1, 2, 1]);
});

it('are errors where the answer is too large, each time', async () => {
  await start();
  const given = { text: 'a'.repeat(1000), times: 300 };
  const first = await send(modernMessage(call(given)));
  expect([first.body.result.isError, first.body.result.structuredContent]).toEqual([true, undefined]);
  expect(await send(modernMessage(call(given)))).toEqual(first);
  expect(subgraph.requests).toHaveLength(1);
});

it('have the headers of rates and of CORS, and none of the cached answer', async () => {
  await start({
    cors: { origins: ['https://app.example'] },
    rates: [{ name: 'agents', per: 'identity', protocol: 'mcp', limit: 30, window: '1h' }],
  });
  const own = { origin: 'https://app.example' };
  const missed = await send(modernMessage(call({ text: 'a' })), own);
  const hit = await send(modernMessage(call({ text: 'a' })), own);
  expect(subgraph.requests).toHaveLength(1);
  const { ratelimit: before, ...others } = missed.headers;
  const { ratelimit, ...same } = hit.headers;
  expect(same).toEqual(others);
  expect([before, ratelimit]).toEqual([expect.stringContaining('r=29'), expect.stringContaining('r=28')]);
  expect(hit.headers).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'cache-control': 'no-store',
  });
  for (const name of ['etag', 'age', 'x-cache']) expect(hit.headers[name]).toBeUndefined();
});

it('are counted and recorded', async () => {
  const trail = toolFiles({});
  const to = `${trail.folder}/audit.jsonl`;
  await start({ audit: { trails: [{ to }], key: 'of at least 16 characters' } });
  for (const id of [1, 2, 3]) await send(modernMessage(call({ text: 'a' }, id)));
  expect(await gateway.metrics()).toContain('weir_mcp_calls_total{gen_ai_tool_name="Echo",outcome="ok"} 3');
  await gateway.stop();
  const records = readFileSync(to, 'utf8')
    .trim()
    .split('\n')
    .map((line): Json => JSON.parse(line));
  const calls = records.filter(({ action }) => action === 'tool.call');
  expect(calls.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
  expect(subgraph.requests).toHaveLength(1);
  trail.remove();
});
