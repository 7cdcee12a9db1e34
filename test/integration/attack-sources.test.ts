/** What sources send by mistake or on purpose, through a gateway: named, bounded, and nobody's matter but theirs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { composeFile } from '../../schema';
import { type PlainApi, startPlainApi } from '../support/plain-api';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type RunningServer, serveHttp1 } from '../support/subgraph-servers';

const document = `openapi: 3.0.3
paths:
  /things/{id}:
    get:
      operationId: thing
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
        - { name: x-note, in: header, schema: { type: string } }
      responses: { '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }
  /things:
    get:
      operationId: things
      responses:
        '200': { content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Thing' } } } } }
components:
  schemas:
    Thing:
      type: object
      properties:
        id: { type: string }
        name: { type: string, pattern: '^(a+)+$' }
        next: { type: string }
        size: { type: integer }
        status: { type: string, enum: [free, taken] }
        any: {}
`;
const overlay = `
extend type Query { thing(id: String! @is(field: "id")): Thing @lookup  things: [Thing] }
extend type Thing {
  id: ID!
  link: Thing @derive @is(field: "{ id: next }")
  call(id: String! @require(field: "id"), x_note: String): Thing @from(field: "thing")
}
`;

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const deep = '['.repeat(100_000) + ']'.repeat(100_000);
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 32));
const json = { 'content-type': 'application/json' };
let api: RunningServer;
let elsewhere: RunningServer;
let hello: PlainApi;
let gateway: TestGateway;
let requests: string[] = [];
let answer: (response: ServerResponse, id: string) => void;
const answerWith = (body: string | Buffer, headers = {}) => {
  answer = (response) => response.writeHead(200, { ...json, ...headers }).end(body);
};

beforeAll(async () => {
  api = await serveHttp1((request, response) => {
    requests.push(request.url!);
    answer(response as ServerResponse, decodeURIComponent(request.url!.split('/')[2] ?? ''));
  });
  elsewhere = await serveHttp1((request, response) => {
    requests.push(`elsewhere ${request.url}`);
    response.writeHead(200, json).end('{"id":"1","name":"of another host"}');
  });
  hello = await startPlainApi('type Query { hello: String }', { hello: 'world' });
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('things.yaml', document);
  write('things.join.graphql', overlay);
  write(
    'supergraph.yaml',
    `subgraphs:
  things: { routing_url: "${new URL(api.url).origin}", schema: { openapi: things.yaml }, overlay: things.join.graphql }
  hello: { routing_url: "${hello.url}", schema: { sdl: 'type Query { hello: String }' } }
`,
  );
  const { supergraphSdl, errors } = await composeFile({ file: join(folder, 'supergraph.yaml') });
  expect(errors).toBeUndefined();
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    timeouts: { subgraph: '2s' },
    retries: { max: 0 },
  });
});
beforeEach(() => {
  requests = [];
  answer = (response, id) =>
    response.writeHead(200, json).end(JSON.stringify({ id, name: `Thing ${id}`, next: `${id}n` }));
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([api.stop(), elsewhere.stop(), hello.stop()]);
  rmSync(folder, { recursive: true });
});

const query = '{ thing(id: "1") { id name size status any } hello }';
const nothing = { name: null, size: null, status: null, any: null };

describe('an answer', () => {
  it.each<[string, () => void, code: string]>([
    ['of HTML', () => answerWith('<html>', { 'content-type': 'text/html' }), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['that is no JSON', () => answerWith('{"id": bad'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['of 33 MiB', () => answerWith(Buffer.alloc(33 * 1024 * 1024, 32)), 'SUBREQUEST_HTTP_ERROR'],
    [
      'that unpacks to 64 MiB',
      () => answerWith(bomb, { 'content-encoding': 'gzip' }),
      'SUBREQUEST_HTTP_ERROR',
    ],
    [
      'that trickles',
      () => {
        answer = (response) => {
          response.writeHead(200, json);
          const timer = setInterval(() => response.write(' '), 50);
          response.on('close', () => clearInterval(timer));
        };
      },
      'GATEWAY_TIMEOUT',
    ],
    [
      'that leads to another host',
      () => {
        answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
      },
      'SUBREQUEST_HTTP_ERROR',
    ],
  ])('%s is an error of its field, beside what others answer', async (_, prepare, code) => {
    prepare();
    const { data, errors } = await gateway.query(query);
    expect(data).toEqual({ thing: null, hello: 'world' });
    expect(errors).toMatchObject([{ path: ['thing'], extensions: { code, service: 'things' } }]);
    expect(requests).toEqual(['/things/1']);
  });

  it.each<[string, body: string, thing: Json, errors: number]>([
    ['of 10 MB', `{"id":"1","name":"${'x'.repeat(10_000_000)}"}`, { name: 'x'.repeat(10_000_000) }, 0],
    ['that is nested 100,000 levels deep', `{"id":"1","name":${deep},"any":${deep}}`, {}, 2],
    ['with equal keys', '{"id":"2","id":"1","name":"a","name":"b"}', { name: 'b' }, 0],
    ['with an unknown value of an enum', '{"id":"1","status":"<b>"}', {}, 1],
    ['with names of prototypes', '{"id":"1","__proto__":{"name":"polluted"},"constructor":1}', {}, 0],
  ])('%s has what fits', async (_, body, thing, count) => {
    answerWith(body);
    const { data, errors = [] } = await gateway.query(query);
    expect(data).toEqual({ thing: { id: '1', ...nothing, ...thing }, hello: 'world' });
    expect(errors).toHaveLength(count);
    for (const { extensions, path } of errors) {
      expect(extensions.code).toBe('SUBREQUEST_MALFORMED_RESPONSE');
      expect(path).toHaveLength(2);
    }
  });

  it('has each digit of integers beyond 2^53', async () => {
    answerWith('{"id":"1","size":-9007199254740993,"any":[123456789012345678901234567890]}');
    const text = await (await gateway.post({ query })).text();
    expect(text).toContain('"size":-9007199254740993,"status":null,"any":[123456789012345678901234567890]');
  });
});

describe('an argument', () => {
  it.each(['..', '.', '%2e', '%2E.', '%252e', '../admin', 'a\\..\\b', '..;', '', '\ud800'])(
    'cannot lead out of its path, as %j would',
    async (id) => {
      const { data, errors } = await gateway.query('query ($id: String!) { thing(id: $id) { id } }', { id });
      expect(data).toEqual({ thing: null });
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      expect(requests).toEqual([]);
    },
  );

  it.each(['a/b', 'a\r\nx: y', 'a\0b', '?x=1#y', '//host', '@host'])(
    'is one segment of its path: %j',
    async (id) => {
      const { data } = await gateway.query('query ($id: String!) { thing(id: $id) { name } }', { id });
      expect(data).toEqual({ thing: { name: `Thing ${id}` } });
      expect(requests).toEqual([`/things/${encodeURIComponent(id)}`]);
    },
  );

  it.each(['a\r\nx: y', 'a\nb', '\0'])('cannot add headers, as %j would', async (note) => {
    const { errors } = await gateway.query('query ($n: String) { thing(id: "1", x_note: $n) { id } }', {
      n: note,
    });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(requests).toEqual([]);
  });
});

describe('an operation', () => {
  it('with 10,000 aliases of a call, or 50 links in links, is refused before a call', async () => {
    const aliases = Array.from({ length: 10_000 }, (_, i) => `a${i}: call(x_note: "${i}") { name }`).join(
      ' ',
    );
    const links = `${'link { '.repeat(50)}name${' }'.repeat(50)}`;
    const codes = [];
    for (const below of [aliases, links]) {
      const { errors } = await gateway.query(`{ thing(id: "1") { ${below} } }`);
      codes.push(errors[0].extensions.code);
    }
    expect(codes).toEqual(['GRAPHQL_PARSE_FAILED', 'MAX_DEPTH_LIMIT']);
    expect(requests).toEqual([]);
  });

  it('on a list makes 1,000 calls of a fetch at most, and has 100 errors at most', async () => {
    answer = (response, id) => {
      const all = Array.from({ length: 3_000 }, (_, i) => ({ id: `${i}` }));
      response.writeHead(200, json).end(JSON.stringify(id === '' ? all : { id, name: `Thing ${id}` }));
    };
    const { data, errors } = await gateway.query('{ things { call { name } } hello }');
    expect(data.hello).toBe('world');
    expect(data.things).toHaveLength(3_000);
    expect(requests.length).toBeLessThanOrEqual(1_001);
    expect(errors).toHaveLength(100);
    expect(errors[0]).toMatchObject({
      path: ['things', expect.any(Number), 'call'],
      extensions: { code: 'MAX_SUBGRAPH_CALLS_LIMIT' },
    });
  });
});
