/**
 * Over 1,000 planted secrets go through `weir replay`, a shadow and `weir dev --over`, and are in no output and no file of
 * them. Over 300 lines: each way in which a secret comes in.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runningGraphFile } from '../../cli/gateway/running-graph';
import type { ShadowReport } from '../../gateway/shadow/record';
import { startOtlpReceiver } from '../support/otlp-receiver';
import { planted, secret, secretsSoFar } from '../support/planted-secrets';
import { eventually } from '../support/process';
import { startCli } from '../support/run-cli';
import { type Json, sourceOf, startTestGateway } from '../support/running-gateway';
import { compose, type SmallGraph, startSmallGraph } from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-secrets-'));
const [input, output] = [join(folder, 'in'), join(folder, 'out')];
const servers: Server[] = [];
let graph: SmallGraph;

beforeAll(async () => {
  for (const each of [input, output]) mkdirSync(each);
  graph = await startSmallGraph();
});
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  await graph.close();
  rmSync(folder, { recursive: true });
});

const times = <Item>(count: number, item: (i: number) => Item): Item[] =>
  Array.from({ length: count }, (_, i) => item(i));
const secretHeaders = (count: number, prefix = 'x-secret'): Record<string, string> =>
  Object.fromEntries(times(count, (i) => [`${prefix}-${i}`, secret()]));

/** An endpoint that answers with secrets of its own, and repeats the headers and the body that it got. */
async function endpoint(answer: (headers: IncomingHttpHeaders, body: string) => object): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.setHeader('x-secret', secret());
      response.end(JSON.stringify(answer(request.headers, body)));
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

const written = (): string =>
  readdirSync(output, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => readFileSync(join(output, name), 'utf8'))
    .join('\n');

const leaked = (texts: string): string[] => [
  ...new Set(texts.match(new RegExp(`.{0,80}${planted}.{0,60}`, 'g')) ?? []),
];

describe('weir replay', () => {
  const env: Record<string, string> = {};
  const variables = (count: number, side: string): string[] =>
    times(count, (i) => {
      const variable = `V_${side}_${i}`;
      env[variable] = i % 2 === 0 ? secret() : `Bearer ${secret()}`;
      return `x-${side}-${i}=${variable}`;
    });
  const flags = [
    ...['--header', 'authorization=TOKEN', ...variables(60, 'both')],
    ...['--header-a', ...variables(40, 'a'), '--header-b', ...variables(40, 'b')],
    ...['--keep-header', 'X-Kept', 'Cookie'],
  ];
  env['TOKEN'] = `Bearer ${secret()}`;
  const ownHeaders = (): string[] => Object.values(env).map((value) => value.replace('Bearer ', ''));

  const operation = (i: number): object => ({
    query: `query Q${i % 7}($p: P) { a(token: "${secret()}", b: { c: ["${secret()}"] }, p: $p) # ${secret()}\n }`,
    variables: { p: { password: secret(), [secret()]: 1 } },
    extensions: { trace: secret() },
  });
  const har = {
    log: {
      entries: times(120, (i) => ({
        request: {
          method: i % 5 === 0 ? 'GET' : 'POST',
          url: `https://user:${secret()}@shop.test/graphql?api_key=${secret()}&query=${encodeURIComponent((operation(i) as { query: string }).query)}`,
          headers: [
            { name: 'aUTHORIZATION', value: `Bearer ${secret()}` },
            { name: 'Cookie', value: `session=${secret()}` },
            { name: 'X-API-KEY', value: secret() },
            { name: 'x-kept', value: secret() },
          ],
          cookies: [{ name: 'session', value: secret() }],
          postData: { mimeType: 'application/json', text: JSON.stringify(operation(i)) },
        },
        response: { content: { text: secret() } },
      })),
    },
  };
  let sides: string[];
  let from: string[];

  beforeAll(async () => {
    const answer = (headers: IncomingHttpHeaders, body: string): object => {
      const [some = ''] = [headers['x-a-1'] ?? headers['x-b-1'] ?? headers['x-kept']].flat();
      const name = some.replace('Bearer ', '');
      return {
        data: { a: { [secret()]: secret(), body }, [name]: 1 },
        errors: [
          { message: `${secret()} ${body}`, path: ['a', secret()], extensions: { code: name } },
          {
            message: JSON.stringify(headers),
            extensions: { code: headers.authorization?.slice(7), headers },
          },
        ],
      };
    };
    sides = [await endpoint(answer), await endpoint(answer)];
    writeFileSync(join(input, 'shop.har'), JSON.stringify(har));
    writeFileSync(
      join(input, 'queries.jsonl'),
      [...times(40, operation), ...times(10, (i) => ({ hash: `h${i}`, variables: { p: secret() } }))]
        .map((each) => JSON.stringify(each))
        .join('\n'),
    );
    from = ['--from', join(input, 'shop.har'), join(input, 'queries.jsonl'), '--rate'];
  });

  const replay = (...more: string[]) =>
    startCli(
      ['replay', `${sides[0]}?key=${(env['URL_KEY'] ??= secret())}`, sides[1]!, ...from, ...more, ...flags],
      env,
    );

  it('has none in its reports, its progress, its errors and its state, also when it is stopped', async () => {
    const state = ['--state', join(output, 'state.json')];
    // It would take over a minute, so it is under way when it is stopped.
    const stopped = replay('2', ...state);
    await eventually(() => /"different":[1-9]/.test(written()));
    const outputs = [await stopped.stop(), await replay('10000', ...state).result];
    for (const format of ['text', 'json']) outputs.push(await replay('10000', '--format', format).result);
    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([2, 1, 1, 1]);
    expect(outputs[2]!.stdout).toContain('170 requests of ');
    expect(leaked(JSON.stringify(outputs) + written())).toEqual([]);
    // Also with values, for which the user has asked, none of its headers.
    const { stdout } = await replay('10000', '--values', '--format', 'json').result;
    expect(stdout).toContain(planted);
    expect(ownHeaders().filter((each) => stdout.includes(each))).toEqual([]);
  });
});

it('a shadow has none in its report, the console, the log, metrics and traces', async () => {
  const collector = await startOtlpReceiver();
  const got: string[] = [];
  const url = await endpoint((headers, body) => {
    got.push(JSON.stringify(headers));
    const error = {
      message: `${secret()} ${body}`,
      path: ['me', secret()],
      extensions: { code: `${secret()} !` },
    };
    return { data: { me: { name: secret(), [`a_${secret()}`]: secret() } }, errors: [error] };
  });
  const set = secretHeaders(60, 'x-set');
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    shadow: {
      ...{ url: `${url}?key=${secret()}`, share: 1, perSecond: 1000 },
      headers: { set, forward: ['x-secret-0'] },
    },
    admin: { port: 0, console: { sampling: 1 } },
    telemetry: { traces: { otlp: { url: collector.url } } },
  });
  const shown = async (): Promise<string> => {
    const { length } = await requests();
    expect(length).toBeGreaterThan(0);
    const ids = (await requests()).slice(0, 20).map(({ id }) => `requests/${id}`);
    const paths = [
      'about',
      'requests',
      'refusals',
      'live',
      'operations',
      'errors',
      'report',
      'graph',
      'schema',
    ];
    const pages = [...paths, 'options', 'versions', 'shadow', 'caches', 'streams', ...ids].map(async (path) =>
      (await fetch(`${gateway.adminUrl}/console/api/${path}`)).text(),
    );
    return (await Promise.all(pages)).join('\n');
  };
  const requests = async (): Promise<Json[]> =>
    (await fetch(`${gateway.adminUrl}/console/api/requests`)).json() as Promise<Json[]>;
  try {
    await eventually(async () => {
      await gateway.post(
        {
          query: `query ($id: ID!) { me { name } user(id: $id) { name } other: user(id: "${secret()}") { name } } # ${secret()}`,
          variables: { id: secret() },
          extensions: { token: secret() },
        },
        { headers: { ...secretHeaders(10), authorization: `Bearer ${secret()}`, cookie: `a=${secret()}` } },
      );
      const report = (await (await fetch(`${gateway.adminUrl}/console/api/shadow`)).json()) as ShadowReport;
      return report.compared >= 40;
    });
    const replays = await Promise.all(
      ['text', 'json'].map(
        (format) => startCli(['replay', 'report', '--admin', gateway.adminUrl!, '--format', format]).result,
      ),
    );
    expect(replays.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    // What the options name is sent, and no more of the client.
    expect(got[0]).toContain(set['x-set-59']);
    expect(got[0]).toContain('"x-secret-0"');
    expect(got.join('')).not.toMatch(/x-secret-1|authorization|cookie/);
    const seen = [
      JSON.stringify(replays),
      await shown(),
      JSON.stringify(gateway.log),
      await gateway.metrics(),
    ];
    await gateway.stop();
    expect(collector.requests.length).toBeGreaterThan(0);
    seen.push(...collector.requests.map(({ body }) => body.toString('latin1')));
    expect(leaked(seen.join('\n'))).toEqual([]);
  } finally {
    await gateway.stop();
    await collector.close();
  }
});

it('weir dev --over has none in what it prints, records and shows', async () => {
  const env = Object.fromEntries(times(80, (i) => [`S${i}`, i % 2 === 0 ? secret() : `Bearer ${secret()}`]));
  const supergraph = join(input, 'supergraph.graphql');
  writeFileSync(supergraph, compose([graph.accounts, graph.reviews]));
  const config = join(input, 'weir.yaml');
  writeFileSync(
    config,
    `admin: { port: 0, console: { sampling: 1, values: false } }
headers: { set: { ${times(20, (i) => `x-all-${i}: '\${S${i}}'`).join(', ')} } }
subgraphs: { accounts: { auth: { type: BEARER, token: '\${S20}' } } }
`,
  );
  const seen: string[] = [];
  graph.accounts.answer = ({ headers }, response) => {
    const { query, variables } = graph.accounts.requests.at(-1)!.body;
    const user = { __typename: 'User', id: 'u1', name: JSON.stringify([headers, variables]) };
    const data = query.includes('_entities') ? { _entities: [user] } : { user, me: user };
    const refusal = {
      errors: [{ message: JSON.stringify([headers, secret()]), extensions: { code: 'NO', headers } }],
    };
    const isRefused = graph.accounts.requests.length % 5 === 0;
    response.writeHead(isRefused ? 401 : 200).end(JSON.stringify(isRefused ? refusal : { data }));
  };
  const weir = startCli(
    [
      ...['dev', '--over', supergraph, '--config', config, '--port', '0', '--mock', 'reviews'],
      ...['--record', join(output, 'keys.json'), '--verbose'],
      ...['--header', ...times(59, (i) => `x-header-${i}=S${i + 21}`)],
    ],
    env,
  );
  try {
    await weir.printed(/curl/);
    const [, url] = /Endpoint +(\S+)/.exec(weir.stdout)!;
    for (let i = 0; i < 30; i++)
      await fetch(url!, {
        method: 'POST',
        headers: {
          ...secretHeaders(10),
          'content-type': 'application/json',
          authorization: `Bearer ${secret()}`,
          cookie: `a=${secret()}`,
        },
        body: JSON.stringify({
          query: `query ($id: ID!) { user(id: $id) { id name reviews { id } } other: user(id: "${secret()}") { id } }`,
          variables: { id: secret() },
        }),
      }).then((response) => response.text());
    await eventually(() => readdirSync(output).includes('keys.json'));
    const { admin } = JSON.parse(readFileSync(runningGraphFile, 'utf8'));
    const headers = { authorization: `Bearer ${admin.token}` };
    const read = async (path: string): Promise<string> =>
      (await fetch(new URL(path, admin.url), { headers })).text();
    const ids = (JSON.parse(await read('/console/api/requests')) as Json[]).map(({ id }) => `requests/${id}`);
    const paths = [
      'about',
      'requests',
      'live',
      'operations',
      'errors',
      'report',
      'graph',
      'schema',
      'options',
    ];
    for (const path of [...paths, 'refusals', 'versions', 'caches', 'streams', ...ids.slice(0, 30)])
      seen.push(await read(`/console/api/${path}`));
    seen.push(await read('/metrics'), readFileSync(runningGraphFile, 'utf8'));
  } finally {
    const { stdout, stderr } = await weir.stop();
    seen.push(stdout, stderr, written());
    graph.accounts.answer = undefined;
  }
  expect(written()).toContain('"u1"');
  expect(leaked(seen.join('\n'))).toEqual([]);
});

afterAll(() => expect(secretsSoFar()).toBeGreaterThan(1_000));
