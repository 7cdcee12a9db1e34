import { createHash } from 'node:crypto';
import { byHash, waysIn } from '../support/ways-in';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: {
      anonymous: true,
      apiKeys: [
        { client: 'mobile', sha256: sha256('mobile-key') },
        { client: 'tools', sha256: sha256('tools-key'), groups: ['staff'] },
      ],
    },
    limits: {
      batch: 5,
      aliases: 2,
      classes: [
        { client: 'mobile', aliases: 4, batch: 1 },
        { group: 'staff', aliases: 8, introspection: true },
        { mode: 'api-key', aliases: 1 },
      ],
    },
  });
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const aliases = (count: number): string =>
  `{ ${Array.from({ length: count }, (_, i) => `a${i}: me { id }`).join(' ')} }`;

async function codeFor(request: Request, key: string | undefined): Promise<string> {
  if (key !== undefined) request.headers.set('x-api-key', key);
  const body: Json = await (await fetch(request)).json();
  const answer: Json = Array.isArray(body) ? body[1] : body;
  return answer.errors?.[0].extensions.code ?? 'data';
}

it.each(waysIn.map((way) => [way.name, way] as const))(
  'holds each client to the limits of its class, by %s, whoever sent the same before',
  async (name, way) => {
    const query = `${aliases(6)} # ${name}`;
    const post = (key?: string) => codeFor(way.request(gateway.url, { query }), key);
    const mobile = name === 'a batch' ? 'BAD_REQUEST' : 'MAX_ALIASES_LIMIT';
    // Refused while nobody knows it, answered to who may, refused again when it is known.
    for (let i = 0; i < 3; i++) {
      expect(await post()).toBe('MAX_ALIASES_LIMIT');
      expect(await post('mobile-key')).toBe(mobile);
      expect(await post('tools-key')).toBe('data');
    }
  },
);

it('holds them to it when they send no more than the hash of a query', async () => {
  const query = `${aliases(5)} # by hash`;
  const register = waysIn.find(({ name }) => name.startsWith('a persisted query'))!;
  expect(await codeFor(register.request(gateway.url, { query }), 'tools-key')).toBe('data');
  expect(await codeFor(byHash(gateway.url, { query }), 'tools-key')).toBe('data');
  expect(await codeFor(byHash(gateway.url, { query }), 'mobile-key')).toBe('MAX_ALIASES_LIMIT');
  expect(await codeFor(byHash(gateway.url, { query }), undefined)).toBe('MAX_ALIASES_LIMIT');
});

it('lets some ask for the schema', async () => {
  const query = '{ __type(name: "User") { name } }';
  const post = waysIn[0]!;
  for (let i = 0; i < 3; i++) {
    expect(await codeFor(post.request(gateway.url, { query }), 'tools-key')).toBe('data');
    expect(await codeFor(post.request(gateway.url, { query }), 'mobile-key')).toBe('INTROSPECTION_DISABLED');
    expect(await codeFor(post.request(gateway.url, { query }), undefined)).toBe('INTROSPECTION_DISABLED');
  }
});
