import { createHash } from 'node:crypto';
import { watchIdentities } from '../support/identities';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const query = { query: '{ me { name } }' };

let graph: SmallGraph;
let gateway: TestGateway;
const identities = watchIdentities();

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    cors: { origins: ['https://shop.example'] },
    auth: {
      apiKeys: [
        { client: 'web', sha256: sha256('web-1'), groups: ['apps'], scopes: ['catalogue'] },
        { client: 'web', sha256: sha256('web-2'), expires: '2999-01-01' },
        { client: 'old', sha256: sha256('old-1').toUpperCase(), expires: '2020-01-01T00:00:00Z' },
      ],
    },
  });
});

beforeEach(() => {
  graph.accounts.requests.length = 0;
  identities.length = 0;
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

describe('an API key', () => {
  it.each([
    ['is wrong', { 'x-api-key': 'web-3' }, 'The API key is not known.'],
    ['is the digest of one', { 'x-api-key': sha256('web-1') }, 'The API key is not known.'],
    ['is empty', { 'x-api-key': '' }, 'The API key is not known.'],
    ['is sent twice', { 'x-api-key': 'web-1, web-2' }, 'The API key is not known.'],
    ['has expired', { 'x-api-key': 'old-1' }, 'The API key has expired.'],
    ['is missing', {}, 'The request has no credentials.'],
  ])('that %s is refused, however the operation comes', async (_, headers, message) => {
    await gateway.post(query, { headers: { 'x-api-key': 'web-1' } });
    graph.accounts.requests.length = 0;
    const bodies = [
      query,
      { query: '{ unknown }' },
      { extensions: { persistedQuery: {} } },
      { ...query, extensions: {} },
    ];
    for (const body of bodies) {
      const answer = await gateway.post(body, { headers });
      expect({ body, status: answer.status }).toEqual({ body, status: 401 });
      expect(answer.headers.get('www-authenticate')).toBe('ApiKey');
      expect(await answer.json()).toEqual({ errors: [{ message, extensions: { code: 'UNAUTHENTICATED' } }] });
    }
    expect(graph.accounts.requests).toEqual([]);
  });
});

it.each([
  [
    'application/graphql-response+json,application/json;q=0.9',
    'application/graphql-response+json; charset=utf-8',
  ],
  ['*/*', 'application/graphql-response+json; charset=utf-8'],
  ['application/json', 'application/json; charset=utf-8'],
])('a refusal comes in a media type of the client: %s', async (accept, type) => {
  const answer = await gateway.post(query, { headers: { accept } });
  expect(answer.headers.get('content-type')).toBe(type);
});

it('a refusal can be read by a page that may call', async () => {
  const answer = await gateway.post(query, { headers: { origin: 'https://shop.example' } });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example');
});

it('a page may send what the clients of AppSync send', async () => {
  const asked = 'authorization,content-type,x-api-key,x-amz-date,x-amz-security-token,x-amz-user-agent';
  const answer = await fetch(gateway.url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
    },
  });
  expect(answer.status).toBe(204);
  const allowed = answer.headers.get('access-control-allow-headers')!.split(/,\s*/);
  expect(allowed).toEqual(expect.arrayContaining(asked.split(',')));
});

it('health is asked by anybody', async () => {
  expect((await fetch(new URL('/health/ready', gateway.url))).status).toBe(200);
});
