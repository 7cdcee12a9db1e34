/** What a URL can carry, and what of it a page of somebody else could have a browser send. */
import { createHash } from 'node:crypto';
import { startAttacked, stopAttacked } from '../support/attacked-gateway';
import type { Canary } from '../support/canary';
import { deepJson, writesDeepJson } from '../support/deep-json';
import type { Json, TestGateway } from '../support/running-gateway';
import type { SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;
let canary: Canary;

beforeAll(async () => {
  ({ graph, gateway, canary } = await startAttacked({
    limits: { batch: 5 },
    // So that answers are known by their URLs.
    cache: { responses: { operations: { Known: { maxAge: '1h', scope: 'public' } } } },
  }));
});

afterEach(() => canary.expectUnharmed(), 30_000);

afterAll(() => stopAttacked({ graph, gateway, canary }));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const persisted = (query: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(query) } });
const rename = 'mutation { rename(id: "u66", name: "x") { name } }';
const renamed = (): number =>
  graph.accounts.requests.filter(({ body }) => JSON.stringify(body).includes('rename')).length;

const preflighted = { 'apollo-require-preflight': '1' };

const get = (search: Record<string, string>, headers: Record<string, string> = preflighted) =>
  fetch(`${gateway.url}?${new URLSearchParams(search).toString()}`, { headers });

async function codeOf(response: Response): Promise<[number, string, string | null]> {
  const body: Json = await response.json();
  expect(body).not.toHaveProperty('data');
  return [response.status, body.errors[0].extensions.code, response.headers.get('allow')];
}

it('extensions that are nested as deep as a URL can hold them, with an unknown hash, are refused', async () => {
  const { persistedQuery } = persisted('{ unknown }');
  const extensions = `{"persistedQuery":${JSON.stringify(persistedQuery)},"x":${deepJson(7_000)}}`;
  const response = await fetch(`${gateway.url}?extensions=${extensions}`, { headers: preflighted });
  expect(await codeOf(response)).toEqual(
    writesDeepJson ? [200, 'PERSISTED_QUERY_NOT_FOUND', null] : [400, 'BAD_REQUEST', null],
  );
});

describe('a mutation', () => {
  it.each<[string, Record<string, string>]>([
    ['as it is', { query: rename }],
    ['behind a query', { query: `query Q { me { id } } ${rename.replace('{', 'M {')}`, operationName: 'M' }],
    [
      'in a fragment',
      { query: 'mutation { ...F } fragment F on Mutation { rename(id: "u66", name: "x") { name } }' },
    ],
    ['by its hash', { extensions: JSON.stringify(persisted(rename)) }],
    ['with its hash', { query: rename, extensions: JSON.stringify(persisted(rename)) }],
  ])('%s is 405 over GET, also when the gateway knows it, and has no effect', async (_, search) => {
    const { query = rename, operationName } = search;
    // Known to the plan cache, and by its hash.
    for (const extensions of [undefined, persisted(query), persisted(query)])
      await (await gateway.post({ query, operationName, extensions })).text();
    const before = renamed();
    for (let i = 0; i < 2; i++)
      expect(await codeOf(await get(search))).toEqual([405, 'METHOD_NOT_ALLOWED', 'POST']);
    expect(renamed()).toBe(before);
  });

  it('is 405 by every other method, too', async () => {
    const before = renamed();
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(gateway.url, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: rename }),
      });
      expect(await codeOf(response)).toEqual([405, 'METHOD_NOT_ALLOWED', 'GET, POST']);
    }
    const head = await fetch(`${gateway.url}?query=${encodeURIComponent(rename)}`, {
      method: 'HEAD',
      headers: preflighted,
    });
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, POST']);
    expect(renamed()).toBe(before);
  });
});

describe('a query that the gateway knows', () => {
  const query = 'query Known { me { name } }';

  it.each<[string, Record<string, string>]>([
    ['by its URL', { query }],
    ['by its hash', { extensions: JSON.stringify(persisted(query)) }],
  ])('%s is not answered to a page of somebody else', async (_, search) => {
    await (await gateway.post({ query, extensions: persisted(query) })).text();
    for (let i = 0; i < 3; i++)
      expect(await (await get(search)).json()).toEqual({ data: { me: { name: 'Ada' } } });
    for (const headers of [
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'message/http' },
      { 'content-type': 'application/x-www-form-urlencoded; x=application/json' },
      { 'content-type': 'multipart/form-data' },
      { 'apollo-require-preflight': '' },
      { 'x-apollo-operation-name': '' },
    ] as Record<string, string>[]) {
      const [status, code] = await codeOf(await get(search, headers));
      expect([
        headers,
        [400, 415].includes(status),
        ['BAD_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'].includes(code),
      ]).toEqual([headers, true, true]);
    }
  });
});

describe('a URL', () => {
  it.each<[string, string]>([
    ['without a query', ''],
    ['with an empty query', 'query='],
    ['with two queries', 'query={me{id}}&query={me{name}}'],
    ['with variables that are no JSON', 'query={me{id}}&variables=['],
    ['with variables that are a list', 'query={me{id}}&variables=[]'],
    ['with variables that are text', 'query={me{id}}&variables="x"'],
    ['with two sets of variables', 'query={me{id}}&variables={}&variables={}'],
    ['with extensions that are no JSON', 'query={me{id}}&extensions={'],
    ['with extensions that are a list', 'query={me{id}}&extensions=[]'],
    [
      'with a hash that is none',
      'extensions={"persistedQuery":{"version":1,"sha256Hash":"x"}}&query={me{id}}',
    ],
    ['with a hash of another version', 'extensions={"persistedQuery":{"version":2,"sha256Hash":"x"}}'],
  ])('%s is 400', async (_, search) => {
    const response = await fetch(`${gateway.url}?${encodeURI(search)}`, { headers: preflighted });
    expect((await codeOf(response))[0]).toBe(400);
  });

  it('with a list of operations is 400, and with a body of them nothing of that is executed', async () => {
    const response = await get({ query: JSON.stringify([{ query: '{ me { id } }' }]) });
    expect((await codeOf(response))[0]).toBe(400);
  });
});

describe('a batch', () => {
  it.each<[string, unknown]>([
    ['of none', []],
    ['of what is no operation', [null]],
    ['of numbers', [1, 2]],
    ['of batches', [[{ query: '{ me { id } }' }]]],
    ['of an operation and nothing', [{ query: rename }, null]],
  ])('%s is refused or answered one by one, never 500', async (_, batch) => {
    const response = await gateway.post(batch);
    expect([200, 400]).toContain(response.status);
    const body: Json = await response.json();
    for (const each of [body].flat().filter((answer: Json) => answer.data === undefined))
      expect(each.errors[0].extensions.code).toBe('BAD_REQUEST');
  });
});
