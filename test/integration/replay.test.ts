/** `weir replay` between two endpoints of HTTP that answer what a test wants. Over 300 lines: each kind of input and fault. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FinishedReplay } from '../../cli/replay/describe-replay';
import { startCli } from '../support/run-cli';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
type Answer = (request: Received, response: ServerResponse) => void;

const folder = mkdtempSync(join(tmpdir(), 'weir-replay-'));
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** An endpoint, and what it has received but for the probe. */
async function endpoint(answer: Answer): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const one = { method: request.method!, url: request.url!, headers: request.headers, body };
      if (body.includes('"{ __typename }"')) return void response.end('{"data":{"__typename":"Query"}}');
      received.push(one);
      answer(one, response);
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, received };
}

const answering =
  (body: unknown, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const echo: Answer = ({ body }, response) => response.end(JSON.stringify({ data: { echo: body } }));

const lines = (count: number): string =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      query: 'query A($i: Int) { products(i: $i) { price reviews { id } } }',
      variables: { i },
    }),
  ).join('\n');

const fast = ['--rate', '10000'];
async function replay(a: Answer, b: Answer, from: string, ...more: string[]) {
  const [one, other] = [await endpoint(a), await endpoint(b)];
  const result = await startCli(['replay', one.url, other.url, '--from', from, ...fast, ...more]).result;
  return { ...result, a: one.received, b: other.received };
}

async function reportOf(
  a: Answer,
  b: Answer,
  ...more: string[]
): Promise<FinishedReplay & { exitCode: number }> {
  const from = file('one.jsonl', lines(1));
  const { exitCode, stdout, stderr } = await replay(a, b, from, '--format', 'json', ...more);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as FinishedReplay), exitCode };
}

const right = {
  data: {
    products: [
      {
        __typename: 'Book',
        id: '1',
        price: 10.5,
        tags: ['a', 'b'],
        reviews: [{ id: 1 }, { id: 2 }],
        stock: 3,
      },
      { __typename: 'Book', id: '2', price: 1, tags: [], reviews: [], stock: null },
    ],
  },
  errors: [{ message: 'm', path: ['products', 1, 'stock'], extensions: { code: 'DOWN' } }],
};
const wrong = (edit: (text: string) => string): Answer => answering(edit(JSON.stringify(right)));

describe('a fault of one side is found and named by its path:', () => {
  it.each<[string, Answer, path: string, kind: string]>([
    ['a value', wrong((text) => text.replace('10.5', '10.6')), 'products[].price', 'value'],
    [
      'the form of a number',
      wrong((text) => text.replace('"price":1,', '"price":1.0,')),
      'products[].price',
      'number',
    ],
    ['an order', wrong((text) => text.replace('["a","b"]', '["b","a"]')), 'products[].tags', 'order'],
    ['a null', wrong((text) => text.replace('"stock":3', '"stock":null')), 'products[].stock', 'null'],
    ['a missing field', wrong((text) => text.replace('"price":1,', '')), 'products[].price', 'missing'],
    [
      'a field too many',
      wrong((text) => text.replace('"price":1,', '"price":1,"cost":1,')),
      'products[].cost',
      'extra',
    ],
    ['a type name', wrong((text) => text.replace('Book', 'Film')), 'products[].__typename', 'value'],
    ['a type', wrong((text) => text.replace('"id":"1"', '"id":1')), 'products[].id', 'type'],
    ['a hidden row', wrong((text) => text.replace(',{"id":2}', '')), 'products[].reviews', 'length'],
    [
      'a row too many',
      wrong((text) => text.replace('"reviews":[]', '"reviews":[{}]')),
      'products[].reviews',
      'length',
    ],
    [
      'the path of an error',
      wrong((text) => text.replace('1,"stock"]', '0,"stock"]')),
      'products[].stock',
      'error-path',
    ],
    ['the code of an error', wrong((text) => text.replace('DOWN', 'LOST')), 'products[].stock', 'error-code'],
    ['an error that is not there', answering({ data: right.data }), 'products[].stock', 'error-missing'],
    ['an error of HTTP', answering(right, 500), '', 'status'],
    ['no JSON', answering('<html>'), '', 'not-json'],
    ['no data', answering({ errors: right.errors }), '', 'missing'],
    ['no answer', (_request, response) => response.destroy(), '', 'no-answer'],
    [
      'a redirect',
      (_request, response) => response.writeHead(302, { location: '/other' }).end('{}'),
      '',
      'status',
    ],
  ])('%s', async (_name, answer, path, kind) => {
    const { operations, different, exitCode } = await reportOf(answering(right), answer);
    expect({ different, exitCode }).toEqual({ different: 1, exitCode: 1 });
    expect(operations[0]!.paths).toContainEqual(expect.objectContaining({ path, kind, count: 1 }));
  });

  it('no fault is none: 0', async () => {
    expect(await reportOf(answering(right), answering(right))).toMatchObject({
      equal: 1,
      different: 0,
      exitCode: 0,
    });
  });

  it('an order and a path that do not matter are none', async () => {
    const other = wrong((text) => text.replace('["a","b"]', '["b","a"]').replace('"stock":3', '"stock":4'));
    const rules = ['--unordered', 'products[].tags', '--ignore', '**.stock'];
    expect(await reportOf(answering(right), other, ...rules)).toMatchObject({ different: 0, exitCode: 0 });
  });
});

it('reports for people, with the first three of each difference and where they are from', async () => {
  const from = file('four.jsonl', lines(4));
  const b = wrong((text) => text.replace('10.5', '10.6'));
  const { exitCode, stdout, stderr } = await replay(answering(right), b, from);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(stdout).toContain('4 requests of 1 operation: 0 equal, 4 different.');
  expect(stdout).toContain('  products[].price: another value, 4 times\n');
  expect(stdout.match(/products\[0\]\.price: A a number, B a number \(.*four\.jsonl:\d\)/g)).toHaveLength(3);
  const shown = await replay(answering(right), b, from, '--values');
  expect(shown.stdout).toContain('products[0].price: A a number 10.5, B a number 10.6');
});

it('reports times, and calls where an endpoint has them', async () => {
  const report = await reportOf(
    answering({ data: {}, extensions: { weir: { calls: { planned: 3, sent: 2 } } } }),
    answering({ data: {}, extensions: { other: 1 } }),
  );
  expect(report).toMatchObject({
    different: 0,
    a: { calls: 2, p50: expect.any(Number) },
    b: { calls: null },
  });
});

describe('a HAR', () => {
  const entry = (text: string, more: object = {}) => ({
    request: {
      ...{ method: 'POST', url: 'https://shop.test/graphql' },
      headers: [
        { name: 'Authorization', value: 'Bearer S3CRET-har' },
        { name: 'Cookie', value: 'session=S3CRET-cookie' },
        { name: 'Accept-Language', value: 'de' },
      ],
      postData: { mimeType: 'application/json', text },
      ...more,
    },
    response: { content: { text: '{"query":"{ never }"}' } },
  });
  const query = JSON.stringify({ query: '{ a }', variables: { a: 'S3CRET-variable' } });
  const har = JSON.stringify({
    log: {
      entries: [
        entry(query),
        entry(`[${query},${query}]`),
        entry('{"query":"mutation { pay }"}'),
        entry('', { postData: { mimeType: 'multipart/form-data', text: 'name="operations"' } }),
        entry('not GraphQL'),
        {
          request: {
            method: 'GET',
            url: `https://shop.test/?query=${encodeURIComponent('{ b }')}`,
            headers: [],
          },
        },
      ],
    },
  });

  it('is sent but for mutations, uploads and other requests, without its headers', async () => {
    const { exitCode, stdout, a, b } = await replay(echo, echo, file('shop.har', har), '--concurrency', '1');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Left out: mutations (1), uploads (1), requests that are no GraphQL (1).');
    expect(a.map(({ body }) => body)).toEqual([query, query, query, '{"query":"{ b }"}']);
    expect(b.map(({ body }) => body)).toEqual(a.map(({ body }) => body));
    for (const { headers } of a)
      expect(Object.keys(headers).sort()).toEqual([
        'accept',
        'connection',
        'content-length',
        'content-type',
        'host',
      ]);
  });

  it('has the headers that are named', async () => {
    const { a } = await replay(
      echo,
      echo,
      file('shop.har', har),
      '--keep-header',
      'accept-language',
      'Cookie',
    );
    expect(a[0]!.headers).toMatchObject({ 'accept-language': 'de', cookie: 'session=S3CRET-cookie' });
    expect(a[0]!.headers.authorization).toBeUndefined();
  });

  it('leaves no secret anywhere', async () => {
    const state = join(folder, 'secrets.json');
    const [one, other] = [
      await endpoint(({ headers, body }, response) =>
        response.end(JSON.stringify({ data: { headers, body, a: 1 } })),
      ),
      await endpoint(({ headers, body }, response) =>
        response.end(
          JSON.stringify({ data: { headers: [headers], body: `${body}x` }, errors: [{ message: body }] }),
        ),
      ),
    ];
    const args = [
      'replay',
      `${one.url}?key=S3CRET-url`,
      other.url,
      '--from',
      file('shop.har', har),
      ...fast,
      '--state',
      state,
    ];
    const headers = ['--header', 'authorization=TOKEN', '--header-b', 'x-key=KEY', '--keep-header', 'cookie'];
    const env = { TOKEN: 'Bearer S3CRET-token', KEY: 'S3CRET-key' };
    const outputs = await Promise.all(
      [['text'], ['json']].map(
        ([format]) => startCli([...args.slice(0, -2), ...headers, '--format', format!], env).result,
      ),
    );
    outputs.push(await startCli([...args, ...headers], env).result);
    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
    expect(other.received[0]!.headers).toMatchObject({
      authorization: env.TOKEN,
      'x-key': env.KEY,
      cookie: 'session=S3CRET-cookie',
    });
    expect(one.received[0]!.headers['x-key']).toBeUndefined();
    expect(`${JSON.stringify(outputs)}${readFileSync(state, 'utf8')}`).not.toContain('S3CRET');
  });

  it('that is broken is refused with its line, and nothing is sent', async () => {
    const broken = file(
      'broken.har',
      `{"log":{"entries":[\n{"request":${JSON.stringify(entry(query).request)}},\n{"request":}]}}`,
    );
    const { exitCode, stderr, a } = await replay(echo, echo, broken);
    expect({ exitCode, a }).toEqual({ exitCode: 2, a: [] });
    expect(stderr).toBe(
      `weir: ${broken}:3 is not JSON: a value is missing. --from takes JSON lines, a HAR, and requests of the console.\n`,
    );
  });
});

it('does not take requests that both refuse for a proof', async () => {
  const refusal = answering({ errors: [{ message: 'm', extensions: { code: 'UNAUTHENTICATED' } }] }, 401);
  const all = await replay(refusal, refusal, file('two.jsonl', lines(2)));
  expect(all).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('weir: no answer has data') });
  const sometimes: Answer = (request, response) =>
    (request.body.includes('"i":1') ? refusal : echo)(request, response);
  const some = await replay(sometimes, sometimes, file('two.jsonl', lines(2)));
  expect(some.exitCode).toBe(0);
  expect(some.stdout).toContain('Refused by both, without data: 1.');
});

it('sends an operation by its hash as GET, so that no mutation runs', async () => {
  const { a } = await replay(echo, echo, file('hash.jsonl', '{"hash":"abc","variables":{"i":1.0}}'));
  const { method, url, headers } = a[0]!;
  expect({ method, preflight: headers['apollo-require-preflight'] }).toEqual({
    method: 'GET',
    preflight: 'true',
  });
  expect(new URL(url, 'http://a.test').searchParams.get('variables')).toBe('{"i":1.0}');
});

describe('a replay that was stopped', () => {
  it('goes on where it was, and reports all', async () => {
    const [from, state] = [file('many.jsonl', lines(60)), join(folder, 'state.json')];
    const seen = new Map<string, number>();
    const counting: Answer = (request, response) => {
      seen.set(request.body, (seen.get(request.body) ?? 0) + 1);
      echo(request, response);
    };
    const [one, other] = [await endpoint(counting), await endpoint(echo)];
    const args = ['replay', one.url, other.url, '--from', from, '--state', state, '--rate', '50'];
    const first = startCli(args);
    while (seen.size < 20) await new Promise((turn) => setImmediate(turn));
    const stopped = await first.stop();
    expect(stopped.exitCode).toBe(2);
    expect(stopped.stderr).toMatch(
      /^weir: stopped after \d+ of 60 requests\. The same command goes on from here\.\n$/,
    );
    const second = await startCli([...args, '--format', 'json']).result;
    expect(JSON.parse(second.stdout)).toMatchObject({ requests: 60, compared: 60, equal: 60 });
    expect(seen.size).toBe(60);
    // Those that were under way are sent again.
    expect([...seen.values()].filter((count) => count > 1).length).toBeLessThanOrEqual(4);
    const sent = one.received.length;
    expect((await startCli(args).result).exitCode).toBe(0);
    expect(one.received).toHaveLength(sent);
  });

  it('does not go on with other input, rules or endpoints, or from another file', async () => {
    const state = join(folder, 'other.json');
    const [one, other] = [await endpoint(echo), await endpoint(echo)];
    const args = ['replay', one.url, other.url, ...fast, '--state', state];
    await startCli([...args, '--from', file('x.jsonl', lines(1))]).result;
    for (const more of [
      ['--from', file('y.jsonl', lines(2))],
      ['--from', join(folder, 'x.jsonl'), '--values'],
    ]) {
      const { exitCode, stderr } = await startCli([...args, ...more]).result;
      expect(exitCode).toBe(2);
      expect(stderr).toContain('is the state of another replay');
    }
    for (const text of ['{', '{"a":1}', '[]']) {
      writeFileSync(state, text);
      const { stderr } = await startCli([...args, '--from', join(folder, 'x.jsonl')]).result;
      expect(stderr).toContain('which no `weir replay` has written');
    }
  });
});

it('waits for an answer as long as it may, and then goes on', async () => {
  const silent: Answer = () => undefined;
  const { operations } = await reportOf(silent, echo, '--timeout', '50ms');
  expect(operations[0]!.paths[0]).toMatchObject({
    kind: 'no-answer',
    examples: [{ a: { shape: 'no answer within 0.05 s' } }],
  });
});

it('sends a query again whose connection was idle and is closed', async () => {
  const used = new WeakSet<object>();
  const closing: Answer = (request, response) => {
    const { socket } = response;
    if (used.has(socket!)) socket!.resetAndDestroy();
    else echo(request, response);
    used.add(socket!);
  };
  const from = file('three.jsonl', lines(3));
  expect(await replay(closing, echo, from, '--concurrency', '1')).toMatchObject({ exitCode: 0 });
});

it('sends no more in a second than it may', async () => {
  const times: number[] = [];
  const noting: Answer = (request, response) => {
    times.push(performance.now());
    echo(request, response);
  };
  await replay(noting, echo, file('rate.jsonl', lines(11)), '--rate', '50');
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(190);
});

describe('is refused, with exit code 2', () => {
  const sentence = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const { exitCode, stderr } = await startCli(['replay', ...args], env).result;
    expect(exitCode).toBe(2);
    expect(stderr).not.toContain('S3CRET');
    return stderr;
  };
  const [a, b] = ['http://127.0.0.1:9/graphql', 'http://127.0.0.1:9/other'];
  const from = () => ['--from', file('one.jsonl', lines(1))];

  it.each([
    [[a, 'nowhere'], 'B must be the URL of a GraphQL endpoint'],
    [['http://user:S3CRET@a.test', b], 'A must have no user name and password'],
    [[a, b, '--header', 'authorization: S3CRET'], 'must be a header and the variable'],
    [[a, b, '--header', 'authorization=Bearer S3CRET'], 'must be a header and the variable'],
    [
      [a, b, '--header', 'authorization=S3CRET'],
      '--header authorization names a variable of the environment that is not set',
    ],
    [[a, b, '--header', 'authorization=$LINES'], 'must be one line'],
    [[a, b, '--header-a', 'host=TOKEN'], 'must not name host'],
    [[a, b, '--keep-header', 'x y'], '--keep-header must begin with the name of a header'],
    [[a, b, '--ignore', 'a..b'], '--ignore or --unordered: "a..b" must be names of the answer'],
    [[a, b, '--state', join(folder, 'none', 'state.json')], 'cannot be written'],
    [[a, b], 'A does not answer at http://127.0.0.1:9/graphql: no answer (ECONNREFUSED). Nothing was sent.'],
  ])('%j', async (args, expected) => {
    expect(await sentence([...args, ...from()], { LINES: 'S3CRET\n2', TOKEN: 'S3CRET' })).toContain(expected);
  });

  it('without a file, or without a query in it', async () => {
    expect(await sentence([a, b, '--from', join(folder, 'none')])).toMatch(
      /--from names .*none, which does not exist/,
    );
    expect(await sentence([a, b, '--from', file('none.jsonl', '')])).toContain(
      '--from has no query to send. Nothing was left out.',
    );
    const mutation = file('mutation.jsonl', '{"query":"mutation { a }"}');
    expect(await sentence([a, b, '--from', mutation])).toContain('Left out: mutations (1).');
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
