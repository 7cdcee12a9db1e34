/**
 * What a subgraph answers is an attack here; the canary asks the two others. Over 300 lines: a case for each attack.
 */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import type { Canary } from '../support/canary';
import type { Json, TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { waysIn } from '../support/ways-in';

let graph: SmallGraph;
let hostile: TestSubgraph;
let gateway: TestGateway;
let canary: Canary;

beforeAll(async () => {
  hostile = await startSubgraph({
    name: 'hostile',
    typeDefs: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
      scalar JSON
      type Query { thing: Thing  things: [Thing]  anything: JSON }
      interface Thing { id: ID! }
      type Book implements Thing { id: ID! }
      type Film implements Thing { id: ID! }
      type User @key(fields: "id") { id: ID!  nick: String  favourite: Thing  notes: JSON }
    `,
    resolvers: {
      Thing: { __resolveType: () => 'Book' },
      User: {
        __resolveReference: ({ id }: Json) => ({ id }),
        nick: ({ id }: Json) => `nick of ${id}`,
      },
    },
  });
  ({ graph, gateway, canary } = await startAttacked(
    {
      limits: { batch: 5 },
      // What the subgraph does over and over again here would have it left alone.
      breaker: { enabled: false },
      connections: { response: '4MiB' },
      timeouts: { subgraph: '3s' },
      errors: { maskSubgraphs: 'unexpected' },
    },
    [hostile],
  ));
});

afterEach(async () => {
  hostile.answer = undefined;
  await canary.expectUnharmed();
});

afterAll(() => stopAttacked({ graph, gateway, canary }, [hostile]));

const entity = '{ user(id: "u1") { id name nick favourite { __typename id } } }';
const root = '{ me { name } thing { __typename id } }';

async function ask(query: string): Promise<{ status: number; text: string; body: Json }> {
  const response = await gateway.post({ query });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

const answerWith =
  (body: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  (_: unknown, response: ServerResponse): void =>
    void response.writeHead(200, headers).end(body);

describe('names that objects of JavaScript have', () => {
  const query = `{
    user(id: "u1") {
      __proto__: name  constructor: nick  toString: reviews { __proto__: rating  hasOwnProperty: id }  valueOf: id
      __defineGetter__: favourite { constructor: id }
    }
    __proto__: me { prototype: name  __proto__: nick }
    constructor: latestReviews { __proto__: author { __proto__: name toString: nick } }
  }`;

  it.each(waysIn)('are names like others as aliases of entities, by $name', async ({ request }) => {
    const response = await fetch(request(gateway.url, { query }));
    const answer: Json = await response.json();
    const body = Array.isArray(answer) ? answer[1] : answer;
    const author = (name: string, nick: string) => ({
      ['__proto__']: { ['__proto__']: name, toString: nick },
    });
    const expected = {
      data: {
        user: {
          ['__proto__']: 'Ada',
          constructor: 'nick of u1',
          toString: [
            { ['__proto__']: 5, hasOwnProperty: 'u1-r1' },
            { ['__proto__']: 3, hasOwnProperty: 'u1-r2' },
          ],
          valueOf: 'u1',
          __defineGetter__: null,
        },
        ['__proto__']: { prototype: 'Ada', ['__proto__']: 'nick of u1' },
        constructor: [author('Ada', 'nick of u1'), author('Grace', 'nick of u2')],
      },
    };
    // As text: own keys in order, not what a matcher makes of a prototype.
    expect([response.status, JSON.stringify(body)]).toEqual([200, JSON.stringify(expected)]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('change nothing in the answer of a subgraph that nobody asked for them', async () => {
    const poison = '"__proto__":{"polluted":1,"nick":"p"},"constructor":{"prototype":{"polluted":1}}';
    hostile.answer = answerWith(
      `{${poison},"data":{${poison},"_entities":[{${poison},"__typename":"User","nick":"n","favourite":{${poison},"__typename":"Book","id":"b"}}]}}`,
    );
    const { status, text } = await ask(entity);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { data: { user: { id: 'u1', name: 'Ada', nick: 'n', favourite: { __typename: 'Book', id: 'b' } } } },
    ]);
    expect(text).not.toContain('polluted');
    expect(({} as Json).polluted).toBeUndefined();
  });

  it('stay as they are in variables and in JSON scalars', async () => {
    const notes = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    hostile.answer = answerWith(`{"data":{"_entities":[{"__typename":"User","notes":${notes}}]}}`);
    const response = await gateway.post(
      `{"query":"query ($id: ID!) { user(id: $id) { notes } }","variables":{"id":"u1","__proto__":{"polluted":1}}}`,
    );
    expect(await response.text()).toBe(`{"data":{"user":{"notes":${notes}}}}`);
    expect(({} as Json).polluted).toBeUndefined();
  });
});

const malformed: [string, string | Buffer][] = [
  ['data: null', '{"data":null}'],
  ['a string', '"data"'],
  ['null', 'null'],
  ['a number', '4711'],
  ['an array', '[{"data":{}}]'],
  ['nothing', ''],
  ['an object without data', '{}'],
  ['data that is a string', '{"data":"x"}'],
  ['data that is a list', '{"data":[]}'],
  ['HTML', '<!doctype html><h1>502 from 10.0.0.1</h1>'],
  ['half of its JSON', '{"data":{"thing":{"__typename":"Book","id'],
  ['JSON with more behind it', '{"data":{"thing":null,"_entities":[null]}} trailing'],
  ['JSON with a trailing comma', '{"data":{"thing":null,"_entities":[null],}}'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d])],
  ['100,000 open brackets', '['.repeat(100_000)],
  ['100,000 open objects', '{"data":'.repeat(100_000)],
];

describe.each([
  ['of entities', entity, ['user'], { user: { id: 'u1', name: 'Ada', nick: null, favourite: null } }],
  ['of a root field', root, ['thing'], { me: { name: 'Ada' }, thing: null }],
])('an answer %s', (_, query, path, data) => {
  it.each(malformed)(
    'that is %s leaves null, SUBREQUEST_MALFORMED_RESPONSE with the path, and the siblings',
    async (_name, bytes) => {
      hostile.answer = answerWith(bytes);
      const { status, text, body } = await ask(query);
      expect([status, body.data]).toEqual([200, data]);
      expect(body.errors[0].extensions).toEqual({
        code: 'SUBREQUEST_MALFORMED_RESPONSE',
        service: 'hostile',
      });
      expect(body.errors[0].path.slice(0, path.length)).toEqual(path);
      expect(text).not.toMatch(/10\.0\.0\.1|127\.0\.0\.1|\bat .*:\d+:\d+/);
      expect(text.length).toBeLessThan(2_000);
    },
  );
});

describe('a __typename that is wrong', () => {
  it.each([
    ['that no type has', '"Nope"'],
    ['of a type that is none of them', '"User"'],
    ['of the interface itself', '"Thing"'],
    ['of JavaScript', '"__proto__"'],
    ['that is no string', '{"a":1}'],
    ['that is null', 'null'],
  ])('%s leaves null, SUBREQUEST_MALFORMED_RESPONSE with the path, and the siblings', async (_, name) => {
    const wrong = `{"__typename":${name},"id":"x"}`;
    hostile.answer = answerWith(
      `{"data":{"thing":${wrong},"things":[${wrong},{"__typename":"Film","id":"f"}],"_entities":[{"__typename":"User","nick":"n","favourite":${wrong}}]}}`,
    );
    const single = await ask(root);
    expect([single.status, single.body.data]).toEqual([200, { me: { name: 'Ada' }, thing: null }]);
    expect(single.body.errors).toMatchObject([
      { path: ['thing'], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
    const list = await ask('{ things { __typename id } }');
    expect(list.body.data).toEqual({ things: [null, { __typename: 'Film', id: 'f' }] });
    expect(list.body.errors).toMatchObject([
      { path: ['things', 0], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
    const nested = await ask(entity);
    expect(nested.body.data).toEqual({ user: { id: 'u1', name: 'Ada', nick: 'n', favourite: null } });
    expect(nested.body.errors).toMatchObject([
      { path: ['user', 'favourite'], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
  });
});

describe('an answer that is too large', () => {
  /** How much a subgraph was let send. */
  let sent = 0;

  /** Writes as long as somebody takes it, up to a number of bytes. */
  const flood = (start: string, most: number) => (_: unknown, response: ServerResponse) => {
    const chunk = Buffer.alloc(65_536, 'x');
    sent = 0;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(start);
    const write = (): void => {
      while (!response.destroyed && sent < most) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', write);
      }
      if (!response.destroyed) response.end('"}}');
    };
    write();
  };

  it.each([
    ['without end', flood('{"data":{"thing":null,"_entities":"', Infinity)],
    ['of 100 MB', flood('{"data":{"thing":null,"_entities":"', 100_000_000)],
    ['of white space without end', flood(' ', Infinity)],
    [
      'of 100 MB that says its length',
      (_: unknown, response: ServerResponse) => {
        sent = 0;
        response.writeHead(200, { 'content-length': '100000000' });
        response.write('{"data":');
      },
    ],
    [
      'of 100 MB that is packed',
      (_: unknown, response: ServerResponse) => {
        sent = 0;
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
      },
    ],
  ])('%s is cut, and the rest of the operation is answered', async (_, answer) => {
    hostile.answer = answer;
    for (const [query, data] of [
      [entity, { user: { id: 'u1', name: 'Ada', nick: null, favourite: null } }],
      [root, { me: { name: 'Ada' }, thing: null }],
    ] as const) {
      const { status, text, body } = await ask(query);
      expect([status, body.data]).toEqual([200, data]);
      expect(body.errors[0]).toMatchObject({
        message: expect.stringContaining('over the size limit'),
        extensions: { code: 'SUBREQUEST_HTTP_ERROR', service: 'hostile' },
      });
      expect(text.length).toBeLessThan(2_000);
      // The limit, and what the system keeps on the way.
      expect(sent).toBeLessThan(64 * 2 ** 20);
    }
  });

  const bomb = gzipSync(Buffer.alloc(100_000_000, ' '));

  it('and comes a byte at a time is cut when its time is over', async () => {
    let timer: NodeJS.Timeout | undefined;
    hostile.answer = (_, response) => {
      response.writeHead(200);
      timer = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(timer));
    };
    const { status, body } = await ask(root);
    expect([status, body.data]).toEqual([200, { me: { name: 'Ada' }, thing: null }]);
    expect(body.errors[0].extensions).toEqual({ code: 'GATEWAY_TIMEOUT', service: 'hostile' });
  });
});

describe('errors of a subgraph', () => {
  const leak = {
    message: `connect ECONNREFUSED db.internal:5432: SELECT * FROM users WHERE token = 'planted'`,
    extensions: {
      code: 'INTERNAL_SERVER_ERROR',
      stacktrace: ['Error: x', '    at query (/srv/app/db.js:12:7)'],
      exception: { sql: 'SELECT * FROM users', host: 'db.internal' },
    },
  };

  it.each([
    ['10,000 of one text', 10_000, () => leak, 1],
    ['10,000 with a path into the entity', 10_000, () => ({ ...leak, path: ['_entities', 0, 'nick'] }), 1],
    ['10,000 with a path to nowhere', 10_000, (i: number) => ({ ...leak, path: ['_entities', i, 'no'] }), 1],
    [
      '10,000 of as many fields',
      10_000,
      (i: number) => ({ message: 'm', path: ['thing', `f${i}`], extensions: { code: 'NOT_FOUND' } }),
      1,
    ],
    [
      '1,000 with long texts of as many fields',
      1_000,
      (i: number) => ({
        message: 'long '.repeat(500),
        path: ['thing', `f${i}`],
        extensions: { code: 'NOT_FOUND' },
      }),
      1,
    ],
    [
      '5 with paths of 50,000 keys',
      5,
      (i: number) => ({ message: 'm', path: ['thing', i, ...Array.from({ length: 50_000 }, () => 'key')] }),
      1,
    ],
    [
      '5 with paths of 50,000 keys into an entity',
      5,
      (i: number) => ({
        message: 'm',
        path: ['_entities', 0, i, ...Array.from({ length: 50_000 }, () => 'k')],
      }),
      1,
    ],
    ['one', 1, () => leak, 1],
  ])('that are %s are capped and masked', async (_, count, errorOf, least) => {
    const errors = Array.from({ length: count }, (__, i) => errorOf(i));
    hostile.answer = answerWith(JSON.stringify({ data: { thing: null, _entities: [null] }, errors }));
    for (const query of [entity, root]) {
      const { status, text, body } = await ask(query);
      expect([status, text.length]).toEqual([200, expect.any(Number)]);
      expect(text.length).toBeLessThan(65_536);
      expect(body.errors.length).toBeGreaterThanOrEqual(least);
      expect(body.errors.length).toBeLessThanOrEqual(100);
      expect(text).not.toMatch(/planted|SELECT|db\.internal|5432|stacktrace|\/srv\/|\bat .*:\d+:\d+/);
    }
  });

  it.each([
    ['a string', '"failed"'],
    ['an object', '{"message":"failed"}'],
    [
      'a list of odd things',
      '[null,1,"x",[],{},{"message":1},{"message":"m","path":"x","locations":7,"extensions":[]}]',
    ],
    ['a list 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    [
      'one with extensions 10,000 deep',
      `[{"message":"m","extensions":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}]`,
    ],
    [
      'one with a text of 500 KB',
      `[{"message":"${'m'.repeat(500_000)}","extensions":{"code":"${'C'.repeat(100_000)}"}}]`,
    ],
  ])('that are %s never make the answer a 500', async (_, errors) => {
    hostile.answer = answerWith(`{"data":{"thing":null,"_entities":[null]},"errors":${errors}}`);
    for (const [query, sibling] of [
      [entity, 'user'],
      [root, 'me'],
    ] as const) {
      const { status, text, body } = await ask(query);
      expect([status, body.data[sibling].name, text.length < 65_536]).toEqual([200, 'Ada', true]);
      expect(body.errors.length).toBeGreaterThan(0);
    }
  });
});

describe('a JSON scalar', () => {
  it.each([
    ['of lists', '['.repeat(10_000), ']'.repeat(10_000)],
    ['of objects', '{"a":'.repeat(10_000), '}'.repeat(10_000)],
  ])('%s 10,000 deep is handed through or refused, never a 500', async (_, open, close) => {
    hostile.answer = answerWith(
      `{"data":{"anything":${open}1${close},"_entities":[{"__typename":"User","notes":${open}1${close}}]}}`,
    );
    for (const query of ['{ me { name } anything }', '{ me { name notes } }']) {
      const { status, text } = await ask(query).catch((error: unknown) => {
        throw new Error(`the answer is no JSON: ${String(error).slice(0, 200)}`);
      });
      expect(status).toBe(200);
      expect(text).toContain('"name":"Ada"');
    }
  });
});
