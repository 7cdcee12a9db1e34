/**
 * Anything at all, sent to a live gateway or answered by a subgraph of it: no crash, no rejection that nobody handles,
 * no status from 500 on without an error of the table, no memory that is kept.
 * Over 300 lines: each kind of input has a generator of its own.
 *
 * `WEIR_FUZZ` is how many inputs of each kind there are (a tenth where each needs a connection or a file of its own),
 * `WEIR_SEED` draws others: `WEIR_FUZZ=1000000` takes an hour and more.
 */
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OptionsError, parseOptions } from '../../gateway/options';
import { readOptionsFile } from '../../gateway/options/file';
import { anyCharacter } from '../support/any-character';
import { amountOf } from '../support/amounts';
import { heapUsed } from '../support/heap';
import { damaged, document, json, odd } from '../support/odd-inputs';
import { askPipelined, requestBytes } from '../support/pipelined';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

const wanted = amountOf('WEIR_FUZZ', 200, 500);
const seed = Number(process.env['WEIR_SEED'] ?? 1);
/** Milliseconds. */
const patience = 60_000 + wanted * 10;

let graph: SmallGraph;
let gateway: TestGateway;
let inputs = 0;
let heap: number;
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);

const { stackTraceLimit } = Error;

beforeAll(async () => {
  // Jest finds the place in the sources for each: that would take most of the time.
  Error.stackTraceLimit = 0;
  process.on('unhandledRejection', onRejection);
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    introspection: true,
    limits: { batch: 5 },
    breaker: { enabled: false },
    retries: { max: 0 },
    // Nothing is to be refused unseen.
    overload: { delay: '60s' },
    timeouts: { request: '20s', subgraph: '10s' },
    // Full before the heap is looked at.
    cache: { memory: '4MiB' },
    logging: { level: 'error' },
  });
});

beforeEach(async () => {
  inputs = 0;
  heap = await heapUsed();
});

afterEach(async () => {
  graph.accounts.answer = undefined;
  expect(rejections).toEqual([]);
  expect([...graph.accounts.unreadable, ...graph.reviews.unreadable]).toEqual([]);
  expect(await gateway.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
  expect(inputs).toBeGreaterThanOrEqual(wanted / 10);
  graph.accounts.requests.length = graph.reviews.requests.length = gateway.log.length = 0;
  const grown = ((await heapUsed()) - heap) / 2 ** 20;
  // Caches of documents, plans and known operations fill up to their bounds.
  expect(grown).toBeLessThan(200);
  if (process.env['WEIR_FUZZ'] !== undefined)
    process.stdout.write(
      `${expect.getState().currentTestName}: ${inputs} inputs, heap ${grown.toFixed(1)} MiB more\n`,
    );
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
  process.off('unhandledRejection', onRejection);
  Error.stackTraceLimit = stackTraceLimit;
});

const typical = 30;

/** Holds whatever is sent, many at a time; `send` says how many inputs it has tried. */
async function forAny<T>(
  inputsOf: fc.Arbitrary<T>,
  send: (batch: readonly T[]) => Promise<number>,
  count = wanted,
): Promise<void> {
  const batches = fc.array(inputsOf, { minLength: typical, maxLength: 2 * typical, size: 'max' });
  await fc.assert(
    fc.asyncProperty(batches, async (batch) => {
      inputs += await send(batch);
      graph.accounts.requests.length = graph.reviews.requests.length = gateway.log.length = 0;
    }),
    { seed, numRuns: Math.ceil(count / typical) },
  );
}

/** An answer as the gateway may give: JSON with `data` or `errors`, and no failure that has no name. */
function expectNamed(status: number, text: string): void {
  if (status === 304 || status === 204) return;
  const body: Json = JSON.parse(text);
  for (const answer of Array.isArray(body) ? body : [body]) {
    if (!('data' in answer) && !(answer.errors?.length > 0)) throw new Error(`Neither: ${text}`);
    for (const { extensions } of answer.errors ?? []) {
      const code: unknown = extensions?.code;
      if (typeof code !== 'string' || code === 'INTERNAL_SERVER_ERROR' || code === 'OVERLOADED')
        throw new Error(`No name: ${status} ${text}`);
    }
  }
  if (status >= 500 && !Array.isArray(body) && body.errors === undefined)
    throw new Error(`${status} ${text}`);
}

const jsonType = ['content-type', 'application/json'] as const;

async function sendBodies(bodies: readonly (string | Uint8Array)[]): Promise<number> {
  const answers = await askPipelined(
    gateway.url,
    bodies.map((body) => requestBytes('POST /graphql', [jsonType], Buffer.from(body as string))),
  );
  expect(answers.length).toBe(bodies.length);
  for (const { status, body } of answers) expectNamed(status, body);
  return answers.length;
}

it(
  'JSON bodies',
  () =>
    forAny(
      fc.oneof(
        { arbitrary: fc.oneof(json, damaged(json)), weight: 4 },
        { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 },
      ),
      sendBodies,
    ),
  patience,
);

it(
  'GraphQL documents',
  () => {
    const variables = fc.oneof(fc.constant({ id: 'u1' }), fc.dictionary(fc.string(), odd));
    return forAny(fc.tuple(document, variables), (batch) =>
      sendBodies(batch.map(([query, given]) => JSON.stringify({ query, variables: given }))),
    );
  },
  patience,
);

describe('headers', () => {
  const body = '{"query":"{ me { name } }"}';
  const framing = [
    'content-length',
    'transfer-encoding',
    'connection',
    'expect',
    'upgrade',
    'host',
    'keep-alive',
  ];
  const names = [
    'accept',
    'content-type',
    'content-encoding',
    'origin',
    'authorization',
    'x-api-key',
    'x-forwarded-for',
    'x-request-id',
    'traceparent',
    'tracestate',
    'if-none-match',
    'cache-control',
    'cookie',
    '__proto__',
    'accept-encoding',
    'access-control-request-method',
    'apollo-query-plan-experimental',
    'apollo-require-preflight',
    'apollographql-client-name',
  ];
  const values = [
    'application/json',
    '*/*;q=0',
    'application/graphql-response+json',
    'gzip, br',
    'chunked',
    '0',
    '-1',
    'close',
    '100-continue',
    'h2c',
    'null',
    'max-age=0, no-store',
    'Bearer x',
    'W/"x", *',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0-0-00',
    'application/json; charset=utf-7',
    'multipart/form-data; boundary=x',
  ];
  /** What HTTP/1.1 lets a header hold, and characters that a request is not cut by. */
  const fitting = (text: string): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
  const value = fc.oneof(
    fc.constantFrom(...values),
    fc.string({ maxLength: 60, unit: anyCharacter }).map(fitting),
  );
  const line = fc.constantFrom(
    'POST /graphql',
    'GET /graphql?query={me{name}}',
    'GET /graphql?query={me{name}}&extensions={}&variables=[',
    'PUT /graphql',
    'OPTIONS /graphql',
    'DELETE /nope',
    'POST /%00',
    'GET /%',
    'GET /health/ready',
  );

  it(
    'of requests that end where they say',
    () => {
      const name = fc.oneof(
        { arbitrary: fc.constantFrom(...names), weight: 4 },
        { arbitrary: fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/), weight: 1 },
      );
      const own = fc.array(fc.tuple(name, value), { maxLength: 6 });
      return forAny(fc.tuple(line, own), async (batch) => {
        const requests = batch.map(([each, headers]) =>
          requestBytes(
            each,
            headers.filter(([one]) => !framing.includes(one.toLowerCase())),
            body,
          ),
        );
        const answers = await askPipelined(gateway.url, requests);
        expect(answers.length).toBe(batch.length);
        for (const { status, head, body: text } of answers) {
          if (/\r\ncontent-type: application\/[a-z-+]*json/i.test(head) && !text.startsWith('{"status"'))
            expectNamed(status, text);
          else expect(status).toBeLessThan(500);
        }
        return answers.length;
      });
    },
    patience,
  );

  it(
    'that say otherwise, or are none',
    () => {
      const name = fc.oneof(fc.constantFrom(...framing, ...names), fc.string({ maxLength: 12 }));
      const any = fc.oneof(value, fc.string({ maxLength: 60 }));
      const own = fc.array(fc.tuple(name, any), { maxLength: 6 });
      const lines = fc.oneof(line, fc.constantFrom('OPTIONS *', 'HEAD /graphql', 'CONNECT x:1', 'PRI *'));
      return forAny(
        fc.tuple(lines, own),
        async (batch) => {
          const answers = await Promise.all(batch.map(([each, headers]) => askAlone(each, headers)));
          for (const answer of answers) {
            // Whoever says a length that is not so gets no answer: the request has not ended.
            const status = answer === '' ? 0 : Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
            expect(status).not.toBeNaN();
            if (status >= 500) expect(answer).toMatch(/"code":"(?!INTERNAL_SERVER_ERROR)[A-Z_]+"/);
          }
          return answers.length;
        },
        wanted / 10,
      );
    },
    patience,
  );

  /** On a connection of its own, which ends after it. */
  function askAlone(each: string, headers: readonly (readonly [string, string])[]): Promise<string> {
    const { hostname, port } = new URL(gateway.url);
    const bytes = requestBytes(each, [['connection', 'close'], jsonType, ...headers], body);
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(Number(port), hostname, () => socket.end(bytes));
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }
});

it(
  'responses of subgraphs',
  () => {
    const named = <T>(shape: Record<string, fc.Arbitrary<T>>) => fc.record(shape, { requiredKeys: [] });
    const path = fc.oneof(
      odd,
      fc.array(fc.oneof(fc.constantFrom<unknown>('me', 'name', 0, -1, '_entities'), odd)),
    );
    const extensions = fc.oneof(odd, named({ code: odd, http: odd }));
    const error = fc.oneof(odd, named<unknown>({ message: odd, path, extensions }));
    const user = fc.oneof(
      odd,
      named<unknown>({
        __typename: fc.oneof(fc.constant<unknown>('User'), odd),
        id: fc.oneof(fc.constant<unknown>('u1'), odd),
        name: odd,
      }),
    );
    const data = fc.oneof(
      odd,
      named<unknown>({ me: user, user, _entities: fc.array(user, { maxLength: 3 }), __typename: odd }),
    );
    const errors = fc.oneof(odd, fc.array(error, { maxLength: 4 }));
    const answer = named<unknown>({ data, errors, extensions: odd }).map((value) => JSON.stringify(value));
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
    const status = fc.constantFrom(200, 200, 204, 301, 400, 401, 429, 500);
    return forAny(fc.tuple(fc.oneof(answer, damaged(answer)), status, header), async (batch) => {
      let answered = 0;
      graph.accounts.answer = (_, response) => {
        const [text, code, headers] = batch[answered++ % batch.length]!;
        response.writeHead(code, headers).end(text);
      };
      // Different ones, or their calls would be one.
      const query =
        'query ($id: ID!) { user(id: $id) { __typename id name } latestReviews { author { name } } }';
      const bodies = batch.map((_, i) => JSON.stringify({ query, variables: { id: String(i) } }));
      const answers = await askPipelined(
        gateway.url,
        bodies.map((each) => requestBytes('POST /graphql', [jsonType], each)),
      );
      expect(answers.length).toBe(bodies.length);
      for (const each of answers) expectNamed(each.status, each.body);
      return answered;
    });
  },
  patience,
);

describe('configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-fuzz-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const key = fc.constantFrom(
    ...['limits', 'timeouts', 'cache', 'auth', 'subgraphs', 'headers', 'admin', 'tls', 'cors', 'audit'],
    ...['planning', 'breaker', 'retries', 'connections', 'calls', 'errors', 'logging', 'trustedProxies'],
    ...['mode', 'port', 'host', 'path', 'supergraph', 'url', 'file', 'max', 'pause', 'depth', 'body'],
    ...['classes', 'rates', 'persistedOperations', 'request', 'overload', 'name', 'limit', 'window', 'per'],
    ...['__proto__', 'constructor', 'nope'],
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
  const map = fc.dictionary(key, options, { maxKeys: 4 });

  function parse(input: unknown): void {
    try {
      parseOptions(input as never);
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
    }
  }

  it(
    'in code',
    () =>
      forAny(map, async (batch) => {
        for (const each of batch) parse(each);
        return batch.length;
      }),
    patience,
  );

  it(
    'in a file',
    () => {
      const file = join(folder, 'weir.yaml');
      const yaml = fc.oneof(
        map.map((each) => JSON.stringify(each)),
        damaged(map.map((each) => JSON.stringify(each, null, 1).replace(/[{}",]/g, ''))),
        damaged(
          fc.constant('limits:\n  depth: ${DEPTH:-5}\nrates: &r\n  - *r\n<<: *r\n!!x y: [1, "$${X}"]\n'),
        ),
      );
      return forAny(
        yaml,
        async (batch) => {
          for (const each of batch) {
            writeFileSync(file, each);
            const { read } = readOptionsFile(file, { X: '1', DEPTH: '[' });
            if ('problems' in read) expect(read.problems.length).toBeGreaterThan(0);
            else parse(read.value);
          }
          return batch.length;
        },
        wanted / 10,
      );
    },
    patience,
  );
});
