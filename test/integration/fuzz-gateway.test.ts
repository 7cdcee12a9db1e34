/**
 * Anything at all, sent to a live gateway or answered by a subgraph of it: no crash, no rejection that nobody handles,
 * no status from 500 on without an error of the table. `WEIR_FUZZ_RUNS` is how many inputs each kind gets, and
 * `WEIR_FUZZ_SECONDS` for how long at most.
 */
import fc from 'fast-check';
import { connect } from 'node:net';
import { OptionsError, parseOptions } from '../../gateway/options';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

const runs = Number(process.env['WEIR_FUZZ_RUNS'] ?? 200);
const seconds = Number(process.env['WEIR_FUZZ_SECONDS'] ?? 5);
const settings = {
  numRuns: runs,
  interruptAfterTimeLimit: seconds * 1000,
  markInterruptAsFailure: false,
};

let graph: SmallGraph;
let gateway: TestGateway;
let inputs = 0;
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    introspection: true,
    limits: { batch: 5 },
    breaker: { enabled: false },
    retries: { max: 0 },
    timeouts: { request: '5s', subgraph: '2s' },
    logging: { level: 'error' },
  });
});

afterEach(async () => {
  graph.accounts.answer = undefined;
  expect(rejections).toEqual([]);
  expect(await gateway.query('{ me { name } }')).toEqual({
    data: { me: { name: 'Ada' } },
  });
  expect(inputs).toBeGreaterThan(0);
  if (process.env['WEIR_FUZZ_RUNS'] !== undefined)
    process.stdout.write(`${expect.getState().currentTestName}: ${inputs} inputs\n`);
  inputs = 0;
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
  process.off('unhandledRejection', onRejection);
});

/** An answer as the gateway may give: JSON with `data` or `errors`, and no failure that has no name. */
function expectNamed(status: number, text: string): void {
  inputs++;
  const body: Json = JSON.parse(text);
  for (const answer of Array.isArray(body) ? body : [body]) {
    expect('data' in answer || answer.errors.length > 0).toBe(true);
    for (const { extensions } of answer.errors ?? []) {
      expect(extensions.code).toEqual(expect.any(String));
      expect(extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
    }
  }
  if (status >= 500) expect(body.errors[0].extensions.code).toEqual(expect.any(String));
}

async function send(body: string | Buffer, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: new Uint8Array(Buffer.from(body)),
  });
  expectNamed(response.status, await response.text());
}

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>('__proto__', 'constructor', null, -0, 1e308, '', '\u0000', '\ud800', [], {}),
);
const json = fc.oneof(
  odd.map((value) => JSON.stringify(value)),
  fc
    .record(
      {
        query: fc.oneof(
          odd,
          fc.constantFrom('{ me { name } }', 'query ($id: ID!) { user(id: $id) { name } }'),
        ),
        variables: fc.oneof(odd, fc.record({ id: odd })),
        operationName: odd,
        extensions: fc.oneof(
          odd,
          fc.record({
            persistedQuery: fc.oneof(odd, fc.record({ version: odd, sha256Hash: odd })),
          }),
        ),
        __proto__: odd,
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
);
/** JSON with a few characters changed, taken out or repeated. */
const damaged = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom('', '"', '{', '}', '[', ']', ',', '\\', '\\u', '\u0000', '1e', '…'),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([text, changes]) =>
      changes.reduce((changed, [at, piece]) => {
        const i = at % (changed.length + 1);
        return changed.slice(0, i) + piece + changed.slice(i + 1);
      }, text),
    );

const names = [
  'me',
  'user',
  'name',
  'id',
  'reviews',
  'rating',
  'author',
  'latestReviews',
  '__typename',
  '__schema',
  '__type',
  'nope',
];
const token = fc.constantFrom(
  ...names,
  ...'{{{}}}()[]!:$@=|&'.split(''),
  '...',
  'query',
  'mutation',
  'subscription',
  'fragment',
  'on',
  'User',
  'Query',
  '@include(if: true)',
  '@skip(if: $a)',
  '@defer',
  '(id: "u1")',
  '($a: ID!)',
  '"',
  '"""',
  '#',
  '\n',
  '1',
  '-1.5e9',
  'null',
  'true',
  '\ufeff',
  '\u0000',
);
const { selection } = fc.letrec<{ selection: string }>((tie) => ({
  selection: fc
    .array(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(...names),
        fc.constantFrom('...F', '... on User { id }', 'a: name', '__proto__: id', 'user(id: "u1") { name }'),
        fc
          .tuple(
            fc.constantFrom(
              'me',
              'reviews',
              'author',
              'latestReviews',
              '...',
              '... on User',
              'user(id: "u2")',
            ),
            tie('selection'),
          )
          .map((parts) => parts.join(' ')),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => `{ ${parts.join(' ')} }`),
}));
const document = fc.oneof(
  fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(' ')),
  selection,
  fc.tuple(selection, selection).map(([one, other]) => `${one} fragment F on User ${other}`),
  damaged(selection),
);

it(
  'JSON bodies',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, damaged(json)), (body) => send(body)),
      settings,
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => send(Buffer.from(bytes))),
      { ...settings, numRuns: Math.ceil(runs / 4) },
    );
  },
  2000 * seconds + 60_000,
);

it(
  'GraphQL documents',
  async () => {
    const sent = fc.asyncProperty(
      document,
      fc.oneof(fc.constant({ id: 'u1' }), fc.dictionary(fc.string(), odd)),
      (query, variables) => send(JSON.stringify({ query, variables })),
    );
    await fc.assert(sent, settings);
  },
  1000 * seconds + 60_000,
);

it(
  'headers',
  async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'accept',
        'content-type',
        'content-encoding',
        'content-length',
        'transfer-encoding',
        'connection',
        'expect',
        'upgrade',
        'origin',
        'authorization',
        'x-forwarded-for',
        'x-request-id',
        'traceparent',
        'tracestate',
        'if-none-match',
        'cache-control',
        'cookie',
        'host',
        '__proto__',
        'accept-encoding',
        'apollo-query-plan',
      ),
      fc.string({ maxLength: 12 }),
    );
    const value = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(
        'application/json',
        '*/*;q=0',
        'gzip, br',
        'chunked',
        '0',
        '-1',
        'close',
        '100-continue',
        'h2c',
        'null',
        'Bearer x',
        '00-0-0-00',
        'application/json; charset=utf-7',
      ),
    );
    const body = '{"query":"{ me { name } }"}';
    const { hostname, port } = new URL(gateway.url);
    const raw = (bytes: string): Promise<string> =>
      new Promise((resolve) => {
        let answer = '';
        const socket = connect(Number(port), hostname, () => socket.end(bytes, 'latin1'));
        socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(answer));
      });
    const sent = fc.asyncProperty(
      fc.constantFrom(
        'POST /graphql',
        'GET /graphql?query={me{name}}',
        'PUT /graphql',
        'POST /%00',
        'OPTIONS *',
        'HEAD /graphql',
      ),
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      async (line, headers) => {
        const head = headers.map((pair) => `${pair.join(': ')}\r\n`).join('');
        const answer = await raw(
          `${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${head}content-length: ${body.length}\r\n\r\n${body}`,
        );
        inputs++;
        // Whoever says a length that is not so gets no answer: the request has not ended.
        const status = answer === '' ? 0 : Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
        expect(status).not.toBeNaN();
        if (status >= 500) expect(answer).toMatch(/"code":"(?!INTERNAL_SERVER_ERROR)[A-Z_]+"/);
      },
    );
    await fc.assert(sent, settings);
  },
  1000 * seconds + 60_000,
);

it(
  'responses of subgraphs',
  async () => {
    const error = fc.oneof(
      odd,
      fc.record(
        {
          message: odd,
          path: fc.oneof(
            odd,
            fc.array(fc.oneof(fc.constantFrom<unknown>('me', 'name', 0, -1, '_entities'), odd)),
          ),
          extensions: fc.oneof(odd, fc.record({ code: odd, http: odd })),
        },
        { requiredKeys: [] },
      ),
    );
    const user = fc.oneof(
      odd,
      fc.record(
        {
          __typename: fc.oneof(fc.constant<unknown>('User'), odd),
          id: fc.oneof(fc.constant<unknown>('u1'), odd),
          name: odd,
        },
        { requiredKeys: [] },
      ),
    );
    const answer = fc
      .record(
        {
          data: fc.oneof(
            odd,
            fc.record(
              {
                me: user,
                user,
                _entities: fc.array(user, { maxLength: 3 }),
                __typename: odd,
              },
              { requiredKeys: [] },
            ),
          ),
          errors: fc.oneof(odd, fc.array(error, { maxLength: 4 })),
          extensions: odd,
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value));
    const header = fc.dictionary(
      fc.constantFrom('content-type', 'cache-control', 'retry-after', 'content-encoding', 'location'),
      fc.constantFrom(
        'application/json',
        'gzip',
        'max-age=1e9, =,,',
        '-1',
        'text/html',
        'http://127.0.0.1:1/',
      ),
    );
    const sent = fc.asyncProperty(
      fc.oneof(answer, damaged(answer)),
      fc.constantFrom(200, 200, 204, 301, 400, 401, 429, 500),
      header,
      async (body, status, headers) => {
        graph.accounts.answer = (_, response) => void response.writeHead(status, headers).end(body);
        await send('{"query":"{ me { __typename id name } latestReviews { author { name } } }"}');
      },
    );
    await fc.assert(sent, settings);
  },
  1000 * seconds + 60_000,
);

it(
  'configuration',
  () => {
    const key = fc.constantFrom(
      'limits',
      'timeouts',
      'cache',
      'auth',
      'subgraphs',
      'headers',
      'admin',
      'tls',
      'cors',
      'audit',
      'planning',
      'breaker',
      'retries',
      'connections',
      'calls',
      'errors',
      'logging',
      'trustedProxies',
      'mode',
      'port',
      'host',
      'path',
      'supergraph',
      'url',
      'file',
      'max',
      'pause',
      'depth',
      'body',
      'classes',
      'request',
      '__proto__',
      'constructor',
      'nope',
    );
    const leaf = fc.oneof(
      odd,
      fc.constantFrom<unknown>('1s', '1MiB', '-1s', '1e9s', true, 0, 4000, 'production', 'http://[', '${X}'),
    );
    const { options } = fc.letrec<{ options: unknown }>((tie) => ({
      options: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.dictionary(key, tie('options'), { maxKeys: 4 }),
        fc.array(tie('options'), { maxLength: 2 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, options, { maxKeys: 4 }), (input) => {
        inputs++;
        try {
          parseOptions(input);
        } catch (error) {
          expect(error).toBeInstanceOf(OptionsError);
        }
      }),
      settings,
    );
  },
  1000 * seconds + 60_000,
);
