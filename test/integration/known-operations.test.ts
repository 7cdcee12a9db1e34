import { ApolloServer } from '@apollo/server';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';

let graph: SmallGraph;
let gateway: TestGateway;
const apollo = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    cors: { origins: ['https://shop.example'], credentials: true },
  });
});

beforeEach(() => {
  graph.accounts.answer = graph.reviews.answer = undefined;
  apollo.mockClear();
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const spanning = 'query Spanning($id: ID!) { user(id: $id) { name reviews { rating } } }';

interface Request {
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

/** Everything of an answer that is not different with every request. */
async function answerTo({ body, headers = {} }: Request, from = gateway) {
  const response = await from.post(body, { headers });
  const kept = [...response.headers].filter(([name]) => !changing.has(name));
  const changed = [...response.headers.keys()].filter((name) => changing.has(name));
  return {
    status: response.status,
    headers: Object.fromEntries(kept),
    also: changed.sort(),
    body: await response.text(),
  };
}

const changing = new Set(['date', 'x-request-id']);

describe('answers a known operation without Apollo Server as with it:', () => {
  const failing =
    (subgraph: 'accounts' | 'reviews', body: string, status = 200) =>
    () => {
      graph[subgraph].answer = (_, response) => response.writeHead(status).end(body);
    };
  const cases: readonly [string, Request, (() => void)?][] = [
    ['a query', { body: { query: '{ me { name } }' } }],
    ['variables', { body: { query: spanning, variables: { id: 'u1' } } }],
    ['variables that are null', { body: { query: '{ me { id } }', variables: null, operationName: null } }],
    [
      'one of two operations',
      { body: { query: 'query A { me { name } } query B { me { id } }', operationName: 'B' } },
    ],
    ['a mutation', { body: { query: 'mutation { rename(id: "u1", name: "Ada") { name } }' } }],
    [
      'an entity that is null',
      { body: { query: spanning.replace('Spanning', 'Nobody'), variables: { id: 'u9' } } },
    ],
    [
      'a page that may call',
      { body: { query: '{ me { name id } }' }, headers: { origin: 'https://shop.example' } },
    ],
    [
      'a page that may not',
      { body: { query: '{ me { id name } }' }, headers: { origin: 'https://evil.example' } },
    ],
    [
      'the media type of Apollo Client',
      {
        body: { query: '{ me { a: name } }' },
        headers: { accept: 'application/graphql-response+json,application/json;q=0.9' },
      },
    ],
    [
      'extensions that nobody reads, as Apollo Client 4 sends them',
      { body: { query: '{ me { g: name } }', extensions: { clientLibrary: { name: '@apollo/client' } } } },
    ],
    ['any media type', { body: { query: '{ me { b: name } }' }, headers: { accept: '*/*' } }],
    [
      'a charset',
      {
        body: { query: '{ me { c: name } }' },
        headers: { 'content-type': 'application/json; charset=utf-8' },
      },
    ],
    [
      'a subgraph that fails',
      { body: { query: spanning.replace('Spanning', 'Failing'), variables: { id: 'u1' } } },
      failing('reviews', 'no', 500),
    ],
    [
      'an error with a code of its own',
      { body: { query: '{ me { d: name } }' } },
      failing(
        'accounts',
        '{"data":{"me":null},"errors":[{"message":"No.","path":["me"],"extensions":{"code":"FORBIDDEN"}}]}',
      ),
    ],
    [
      'an error without a code',
      { body: { query: '{ me { e: name } }' } },
      failing('accounts', '{"data":null,"errors":[{"message":"No."}]}'),
    ],
  ];

  it.each(cases.map(([name, request, prepare]) => ({ name, request, prepare })))(
    '$name',
    async ({ request, prepare }) => {
      prepare?.();
      const first = await answerTo(request);
      expect(apollo).toHaveBeenCalledTimes(1);
      expect(first.status).toBe(200);
      expect(await answerTo(request)).toEqual(first);
      expect(apollo).toHaveBeenCalledTimes(1);
    },
  );

  it('a subgraph that does not answer in time', async () => {
    const hasty = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      timeouts: { request: '1s' },
    });
    const known = async (request: Request): Promise<void> => {
      graph.accounts.answer = undefined;
      // On a busy machine its first plan may take longer than it may.
      while ((await answerTo(request, hasty)).status !== 200);
      graph.accounts.answer = () => undefined;
      apollo.mockClear();
    };
    await known({ body: { query: '{ me { name } }' } });
    const request = { body: { query: '{ me { f: name } }' } };
    const first = await answerTo(request, hasty);
    expect(first.status).toBe(504);
    expect(apollo).toHaveBeenCalledTimes(1);
    // What failed as a whole was not kept.
    await known(request);
    expect(await answerTo(request, hasty)).toEqual(first);
    expect(apollo).not.toHaveBeenCalled();
    await hasty.stop();
  });
});

it.each(['documentId', 'extensions'])('runs an operation that is named in `%s`', async (member) => {
  const query = `{ me { named: name } } # ${member}`;
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  await gateway.post({ query, extensions });
  apollo.mockClear();
  const body = member === 'extensions' ? { extensions } : { documentId: `sha256:${sha256Hash}` };
  expect(await (await gateway.post(body)).json()).toEqual({ data: { me: { named: 'Ada' } } });
  expect(apollo).not.toHaveBeenCalled();
});

describe('leaves to Apollo Server', () => {
  const query = '{ me { name reviews { rating } } }';
  const required = 'query ($id: ID!) { user(id: $id) { name } }';
  it.each([
    ['an operation that is new', { query: '{ me { isNew: id } }' }, {}, 200],
    ['a client that accepts none of the media types', { query }, { accept: 'text/css' }, 406],
    ['extensions', { query, extensions: { persistedQuery: { version: 2, sha256Hash: 'x' } } }, {}, 400],
    ['a body that is compressed', { query }, { 'content-encoding': 'zstd' }, 415],
    ['variables that do not fit', { query: required, variables: {} }, {}, 400],
    ['variables that are no object', { query, variables: [] }, {}, 400],
    ['an operation name that is none', { query, operationName: 1 }, {}, 400],
    ['an operation that the document does not have', { query, operationName: 'Nobody' }, {}, 400],
    ['malformed JSON', '{"query":', {}, 400],
  ] as [string, unknown, Record<string, string>, number][])('%s', async (_, body, headers, status) => {
    await gateway.query(query);
    await gateway.query(required, { id: 'u1' });
    expect((await gateway.post(body, { headers })).status).toBe(status);
  });
});

it('reads a body that comes in pieces, and the request after it on the same connection', async () => {
  const body = JSON.stringify({ query: '{ me { pieces: name } }' });
  const head = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const answers = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.setNoDelay(true);
    const pieces = [head + body, head + body.slice(0, 10), body.slice(10), head + body + head + body];
    const next = () => socket.write(pieces.shift() ?? '');
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('data', (piece: Buffer) => {
      received += piece.toString();
      const count = received.split('"Ada"').length - 1;
      if (count === 4) socket.end(() => resolve(received));
      else if (pieces.length === 3 && count === 1) {
        next();
        setImmediate(next);
      } else if (pieces.length === 1 && count === 2) next();
    });
  });
  expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(4);
});

it('ends the subgraph calls of a client that leaves', async () => {
  await gateway.query('{ me { leaving: name } }');
  graph.accounts.answer = () => undefined;
  graph.accounts.requests.length = 0;
  const leaving = new AbortController();
  const answer = gateway.post({ query: '{ me { leaving: name } }' }, { signal: leaving.signal });
  while (graph.accounts.requests.length === 0) await new Promise((turn) => setImmediate(turn));
  leaving.abort();
  await expect(answer).rejects.toThrow();
  while (!graph.accounts.requests[0]!.aborted) await new Promise((turn) => setImmediate(turn));
});

it('forgets what it knows with a new supergraph', async () => {
  const source = sourceOf(graph.supergraphSdl);
  const other = await startTestGateway({ supergraph: source });
  const query = '{ me { name } }';
  await other.query(query);
  source.report(`${graph.supergraphSdl}\n# again`);
  while (other.log.filter(({ msg }) => msg === 'a supergraph is live').length < 2)
    await new Promise((turn) => setImmediate(turn));
  apollo.mockClear();
  expect(await other.query(query)).toEqual({ data: { me: { name: 'Ada' } } });
  expect(apollo).toHaveBeenCalledTimes(1);
  await other.stop();
});
