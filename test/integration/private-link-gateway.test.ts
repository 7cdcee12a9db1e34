/** Gateway and subgraphs that share a secret: what a client cannot forge, and who the subgraphs are told that it is. */
import { createHash } from 'node:crypto';
import { defineSubgraph, startSubgraph, type RequestScope, type RunningSubgraph } from '../../kit';
import { signRequest } from '../../kit/identity/private-link';
import { startCli } from '../support/run-cli';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { temporaryFolder } from '../support/subgraph-kit';

const secret = 'the-secret-of-gateway-and-subgraphs';
const folder = temporaryFolder();
const keysFile = folder.write('gateway-keys', `${secret}\n`);
const subgraphKeys = folder.write('subgraph-keys', `${secret}\n`);

type Context = Pick<RequestScope, 'caller' | 'sign'>;
const context = ({ caller, sign }: RequestScope): Context => ({ caller, sign });

const back = defineSubgraph({
  name: 'back',
  schema: folder.write(
    'back.graphql',
    'type Query { seenBehind: String } type Thing @key(fields: "id") { id: ID! seen: String }',
  ),
  resolvers: {
    Query: { seenBehind: (_: unknown, __: unknown, { caller }: Context) => JSON.stringify(caller) },
    Thing: {
      __resolveReference: (reference: object) => reference,
      seen: (_: unknown, __: unknown, { caller }: Context) => JSON.stringify(caller),
    },
  },
  context,
});
const front = defineSubgraph({
  name: 'front',
  schema: folder.write(
    'front.graphql',
    'type Query { thing: Thing throughAnother: String } type Thing @key(fields: "id") { id: ID! }',
  ),
  resolvers: {
    Query: {
      thing: () => ({ id: 't1' }),
      throughAnother: async (_: unknown, __: unknown, { sign }: Context) => {
        const body = JSON.stringify({ query: '{ seenBehind }' });
        const headers = { 'content-type': 'application/json', ...sign('back', body) };
        const response = await fetch(subgraphs[0]!.url, { method: 'POST', headers, body });
        return ((await response.json()) as { data: { seenBehind: string } }).data.seenBehind;
      },
    },
  },
  context,
});

let subgraphs: RunningSubgraph[];
let supergraph: string;
let gateway: TestGateway;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

beforeAll(async () => {
  const settings = { port: 0, logLevel: 'silent', link: { file: subgraphKeys } };
  subgraphs = [await startSubgraph(back, settings), await startSubgraph(front, settings)];
  const config = folder.write(
    'supergraph.yaml',
    JSON.stringify({
      subgraphs: {
        back: { schema: { subgraph_url: subgraphs[0]!.url } },
        front: { schema: { subgraph_url: subgraphs[1]!.url } },
      },
    }),
  );
  supergraph = `${folder.path}/supergraph.graphql`;
  const args = ['compose', config, '--out', supergraph];
  const refused = await startCli(args).result;
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('This subgraph answers its gateway only, and the request is not signed.');
  expect(await startCli(args, { WEIR_LINK_KEYS_FILE: subgraphKeys }).result).toMatchObject({ exitCode: 0 });
  gateway = await startTestGateway({
    supergraph,
    privateLinks: { keysFile },
    auth: {
      anonymous: true,
      apiKeys: [
        { client: 'web', sha256: sha256('web-key'), groups: ['shop'] },
        { client: 'desk', sha256: sha256('desk-key'), scopes: ['orders:read'] },
      ],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all(subgraphs.map((subgraph) => subgraph.stop()));
  folder.remove();
});

const seen = async (query: string, headers: Record<string, string> = {}) =>
  (await (await gateway.post({ query }, { headers })).json()) as {
    data: Record<string, string>;
    errors?: unknown;
  };

describe('a gateway with private links', () => {
  it('reaches subgraphs that answer it only, for root fields and entities', async () => {
    const answer = await seen('{ thing { id seen } }');
    expect(answer).toEqual({ data: { thing: { id: 't1', seen: 'null' } } });
  });

  it('tells subgraphs who calls', async () => {
    const { data } = await seen('{ seenBehind }', { 'x-api-key': 'web-key' });
    expect(JSON.parse(data['seenBehind']!)).toEqual({ mode: 'api-key', client: 'web', groups: ['shop'] });
  });

  it('lets a subgraph tell another one, which answers signed requests only', async () => {
    const { data } = await seen('{ throughAnother }', { 'x-api-key': 'desk-key' });
    expect(JSON.parse(data['throughAnother']!)).toEqual({
      mode: 'api-key',
      client: 'desk',
      scopes: ['orders:read'],
    });
  });

  it('passes on nothing that a client says of itself', async () => {
    const forged = Buffer.from('{"mode":"oidc","sub":"u1"}').toString('base64url');
    const { data } = await seen('{ seenBehind }', { 'weir-identity': forged, signature: 'weir=:AAAA:' });
    expect(data['seenBehind']).toBe('null');
    await expect(startTestGateway({ supergraph, headers: { forward: ['Weir-Identity'] } })).rejects.toThrow(
      'must not be a header that the gateway itself writes',
    );
  });

  it('shares no call between callers of whom subgraphs are told different things', async () => {
    const clients = ['web', 'desk', 'web', 'desk', undefined];
    const answers = await Promise.all(
      clients.map((client) => seen('{ thing { seen } }', client ? { 'x-api-key': `${client}-key` } : {})),
    );
    const told = answers.map(({ data }) => JSON.parse((data as any).thing.seen)?.client); // oxlint-disable-line typescript/no-explicit-any
    expect(told).toEqual(clients);
  });

  it.each(['{ _service { sdl } }', '{ _entities(representations: []) { __typename } }'])(
    'does not show clients the federation fields: %s',
    async (query) => {
      const response = await gateway.post({ query });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('GRAPHQL_VALIDATION_FAILED');
    },
  );

  it('changes its key without a restart and without a failed request', async () => {
    const newer = 'the-next-secret-of-gateway-and-subgraphs';
    const log = () => gateway.log.filter(({ msg }) => msg === 'the link key was replaced').length;
    const change = { isOver: false };
    const answers: unknown[] = [];
    const traffic = (async () => {
      while (!change.isOver) answers.push(await seen('{ thing { seen } seenBehind }'));
    })();
    const moreAnswers = () => {
      const enough = answers.length + 3;
      return until(() => Promise.resolve(answers.length >= enough));
    };
    await moreAnswers();
    folder.write('subgraph-keys', `${secret}\n${newer}\n`);
    await until(async () => (await statusesWith(newer)).every((status) => status === 200));
    await moreAnswers();
    folder.write('gateway-keys', `${newer}\n`);
    await until(async () => log() > 0);
    await moreAnswers();
    folder.write('subgraph-keys', `${newer}\n`);
    await until(async () => (await statusesWith(secret)).every((status) => status === 401));
    await moreAnswers();
    change.isOver = true;
    await traffic;
    for (const answer of answers)
      expect(answer).toEqual({ data: { thing: { seen: 'null' }, seenBehind: 'null' } });
  });
});

/** What each subgraph answers to one who has this secret. */
function statusesWith(key: string): Promise<number[]> {
  const body = '{"query":"{ __typename }"}';
  const calls = subgraphs.map(async ({ url }, i) => {
    const signed = signRequest({
      key: { id: sha256(key).slice(0, 8), secret: key },
      subgraph: [back, front][i]!.name,
      body,
      caller: null,
    });
    const headers = { 'content-type': 'application/json', ...signed };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  });
  return Promise.all(calls);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
