/** Other options while the gateway runs, over real sockets. Over 300 lines: each kind of option that may change. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as aws4 from 'aws4';
import type { GatewayOptions, OptionsInput } from '../../gateway';
import { eventually } from '../support/process';
import { type RunningCli, startCli } from '../support/run-cli';
import { type Json, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { amountOf, timeFor } from '../support/amounts';

/** Of what is done again and again; `WEIR_ROUNDS=100` for a longer run. */
const rounds = amountOf('WEIR_ROUNDS', 4, 10);

jest.setTimeout(timeFor(rounds, 10));

const folder = mkdtempSync(join(tmpdir(), 'weir-reload-'));
const supergraph = join(folder, 'supergraph.graphql');
let graph: SmallGraph;
beforeAll(async () => {
  graph = await startSmallGraph();
  writeFileSync(supergraph, graph.supergraphSdl);
});
afterAll(async () => {
  await graph.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  graph.accounts.requests.length = 0;
  graph.accounts.answer = undefined;
});

let gateway: TestGateway;
const started: TestGateway[] = [];
const fixed: OptionsInput = { port: 0, admin: { port: 0 }, supergraph };
const start = async (options: OptionsInput & Pick<GatewayOptions, 'plugins'> = {}) =>
  started.push((gateway = await startTestGateway({ ...fixed, ...options })));
const reload = (options: OptionsInput) => gateway.reload(() => ({ ...fixed, ...options }));
afterEach(() => Promise.all(started.splice(0).map((each) => each.stop())));

const me = { data: { me: { name: 'Ada' } } };

it('takes limits, header rules, subgraph URLs and cross-origin rules into use', async () => {
  await start();
  const ask = (): Promise<Response> =>
    gateway.post(
      { query: '{ me { name } }' },
      { headers: { 'x-tenant': 't1', origin: 'https://shop.example' } },
    );
  const before = await ask();
  expect(await before.json()).toEqual(me);
  expect(before.headers.get('access-control-allow-origin')).toBeNull();

  await reload({
    headers: { forward: ['x-tenant'] },
    limits: { depth: 2 },
    cors: { origins: ['https://shop.example'] },
    subgraphs: { reviews: { url: graph.accounts.url } },
  });
  const after = await ask();
  expect(await after.json()).toEqual(me);
  expect(after.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(graph.accounts.requests.at(-1)!.headers['x-tenant']).toBe('t1');
  const deep = await gateway.query('{ me { reviews { author { name } } } }');
  expect(deep.errors[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
  expect(await gateway.metrics()).toContain('weir_configuration_reloads_total{result="live"} 1');
});

/** Resolves when the metrics hold a line. */
async function idle(): Promise<void> {
  while ((await gateway.inFlight()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function until(line: string): Promise<void> {
  while (!(await gateway.metrics()).includes(`${line}\n`))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Asks for `me`; the subgraph has the question, and answers when `answer` is called. */
async function askForMe(): Promise<{ inFlight: Promise<unknown>; answer: () => void }> {
  let inFlight!: Promise<unknown>;
  const answer = await new Promise<() => void>((resolve) => {
    graph.accounts.answer = (_, response) => resolve(() => response.end(JSON.stringify(me)));
    inFlight = gateway.query('{ me { name } }');
  });
  return { inFlight, answer };
}

it('serves those that wait for their turn while options are replaced', async () => {
  const overload = { requests: 1, wait: '1m' };
  // A busy machine takes seconds to begin so many requests.
  const timeouts = { subgraph: '2m' };
  await start({ overload, timeouts: { ...timeouts, request: '2m' } });
  const { inFlight, answer } = await askForMe();
  const waiting = Array.from({ length: 800 }, async () => {
    const response = await gateway.post({ query: '{ __typename }' });
    await response.text();
    return response.status;
  });
  await until('weir_requests_waiting 800');
  await reload({ overload, timeouts: { ...timeouts, request: '3m' } });
  answer();
  expect(await inFlight).toEqual(me);
  expect((await Promise.all(waiting)).filter((status) => status !== 200)).toEqual([]);
});

it('runs a signed mutation once, also when options are replaced', async () => {
  const keys = [{ accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' }];
  await start({ auth: { iam: { keys } } });
  const body = JSON.stringify({ query: 'mutation { rename(id: "u1", name: "Ada") { name } }' });
  const { host } = new URL(gateway.url);
  const toSign = { method: 'POST', path: '/graphql', service: 'appsync', region: 'eu-west-1', host, body };
  const signed = aws4.sign({ ...toSign, headers: { 'Content-Type': 'application/json' } }, keys[0]);
  const headers = new Headers(signed.headers as Record<string, string>);
  // `fetch` sends its own: undici refuses two, and serves the whole process once another test file has loaded it.
  headers.delete('content-length');
  const replay = async () => (await fetch(gateway.url, { method: 'POST', headers, body })).status;
  expect(await replay()).toBe(200);
  expect(await replay()).toBe(401);
  for (const auth of [
    { iam: { keys, clockSkew: '5m' } },
    { iam: { keys, clockSkew: '20m' } },
    undefined,
    { iam: { keys: [{ ...keys[0]!, client: 'other' }] } },
  ]) {
    await reload(auth === undefined ? {} : { auth });
    if (auth !== undefined) expect(await replay()).toBe(401);
  }
});

it('counts those that are refused and those that wait on when options are replaced', async () => {
  const full = { requests: 1, wait: '1m', queue: 0 };
  const ask = () => gateway.post({ query: '{ __typename }' }).then((response) => response.text());
  await start({ overload: { ...full, wait: '1ms' } });
  const first = await askForMe();
  await ask();
  await ask();
  expect(await gateway.metrics()).toContain('weir_requests_refused_total 2\n');
  await reload({ overload: full });
  expect(await gateway.metrics()).toContain('weir_requests_refused_total 2\n');
  first.answer();
  await first.inFlight;
  await idle();

  const second = await askForMe();
  const waiting = [ask(), ask()];
  await until('weir_requests_waiting 2');
  await reload({ overload: { ...full, wait: '2m' } });
  const third = await askForMe();
  waiting.push(ask());
  await until('weir_requests_waiting 3');
  second.answer();
  await second.inFlight;
  await until('weir_requests_waiting 1');
  third.answer();
  await Promise.all([third.inFlight, ...waiting]);
  await idle();
  expect(await gateway.metrics()).toContain('weir_requests_refused_total 2\n');
});

it('leaves no endpoint counted as left alone when options are replaced', async () => {
  const breaker = { atLeast: 1 };
  const open = (count: number) => `weir_subgraph_endpoints_open{subgraph="accounts"} ${count}\n`;
  await start({ breaker });
  graph.accounts.answer = (_, response) => void response.writeHead(503).end();
  while (!(await gateway.metrics()).includes(open(1))) await gateway.query('{ me { name } }');
  graph.accounts.answer = undefined;
  await reload({ breaker: { ...breaker, pause: '2s' } });
  expect(await gateway.query('{ me { name } }')).toEqual(me);
  await until(open(0).trim());
});

it('leaves secrets of the new options out of the log, too, and those before while they may be in use', async () => {
  await start({ headers: { set: { 'x-key': 'the-first-secret' } } });
  await reload({ headers: { set: { 'x-key': 'the-second-secret' } } });
  graph.accounts.answer = (_, response) => {
    const message = 'not the-first-secret, nor the-second-secret';
    response.end(JSON.stringify({ data: null, errors: [{ message }] }));
  };
  await gateway.query('{ me { name } }');
  expect(JSON.stringify(gateway.log)).toContain('not [redacted], nor [redacted]');
});

it('lets requests in flight end on the options that they began with', async () => {
  await start();
  const { inFlight, answer } = await askForMe();
  await reload({ timeouts: { request: '10s' } });
  graph.accounts.answer = undefined;
  expect(await gateway.query('{ me { name } }')).toEqual(me);
  expect(await gateway.inFlight()).toBe(1);
  answer();
  expect(await inFlight).toEqual(me);
});

it.each<[string, OptionsInput, string]>([
  ['an option that is wrong', { limits: { depth: -1 } }, '`limits.depth`'],
  [
    'what cannot be changed',
    { port: 4001 },
    '`port` cannot be changed while the gateway runs: start it again.',
  ],
  ['a supergraph that is not there', { supergraph: join(folder, 'none') }, 'does not exist'],
])('refuses %s, and goes on', async (_, options, sentence) => {
  await start();
  await expect(reload(options)).rejects.toThrow(sentence);
  expect(await gateway.query('{ me { name } }')).toEqual(me);
  expect(gateway.log).toContainEqual(
    expect.objectContaining({ msg: 'new options were refused', reason: expect.stringContaining(sentence) }),
  );
});

it('replaces nothing where nothing has changed', async () => {
  let starts = 0;
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, '');
  const options = { limits: { aliases: 7 }, connections: { ca } };
  const serverWillStart = async (): Promise<void> => {
    starts++;
  };
  await start({ ...options, plugins: [{ serverWillStart }] });
  expect(await reload(options)).toBeUndefined();
  expect(await reload({ ...options, limits: { aliases: 7, depth: 30 } })).toBeUndefined();
  expect(starts).toBe(1);
  expect(await gateway.metrics()).toContain('weir_configuration_reloads_total{result="unchanged"} 2\n');
  writeFileSync(ca, '\n');
  expect(await reload(options)).toEqual([]);
  expect(await reload({ ...options, limits: { aliases: 8 } })).toEqual(['limits.aliases']);
  expect(starts).toBe(3);
  expect(await gateway.query('{ me { name } }')).toEqual(me);
});

it('says that options which were replaced could not be closed, and goes on', async () => {
  let stops = 0;
  const serverWillStop = (): Promise<void> =>
    stops++ === 0 ? Promise.reject(new Error('of the plugin')) : Promise.resolve();
  const plugin = { serverWillStart: () => Promise.resolve({ serverWillStop }) };
  await start({ plugins: [plugin] });
  await reload({ limits: { aliases: 7 } });
  await eventually(() => gateway.log.some(({ err }) => err?.message === 'of the plugin'));
  expect(await gateway.query('{ me { name } }')).toEqual(me);
});

it('fails no request while options change again and again, every fifth time for the worse', async () => {
  await start();
  let done = false;
  const answers: Json[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (!done) answers.push(await gateway.query('{ me { name } }'));
  });
  for (let i = 1; i <= rounds; i++) {
    const changed = reload(i % 5 === 0 ? { limits: { depth: 0 } } : { limits: { depth: 10 + i } });
    await (i % 5 === 0 ? expect(changed).rejects.toThrow() : changed);
  }
  done = true;
  await Promise.all(clients);
  expect(answers.length).toBeGreaterThan(rounds);
  if (rounds > 10) process.stdout.write(`${rounds} rounds, ${answers.length} answers\n`);
  expect(answers.filter((answer) => JSON.stringify(answer) !== JSON.stringify(me))).toEqual([]);
});

describe('weir gateway', () => {
  const config = join(folder, 'weir.yaml');
  const write = (depth: number, more: OptionsInput = {}) =>
    writeFileSync(
      config,
      JSON.stringify({
        ...fixed,
        limits: { depth },
        logging: { level: 'silent' },
        admin: { enabled: false },
        ...more,
      }),
    );
  const askAt = (cli: RunningCli) => async (): Promise<Json> =>
    (
      await fetch(/answers at (\S+)/.exec(cli.stderr)![1]!, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"query":"{ me { reviews { author { name } } } }"}',
      })
    ).json();

  it('is told by an edit of the file', async () => {
    write(10);
    const cli = startCli(['gateway', '--config', config]);
    await cli.printed(/answers at (\S+)/);
    const ask = askAt(cli);
    expect((await ask()).errors).toBeUndefined();
    write(2);
    await cli.printed(/the new options are live/);
    expect((await ask()).errors[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
    write(-1);
    await cli.printed(/`limits.depth`[^]*the previous options stay in use/);
    expect((await ask()).errors[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
    expect((await cli.stop()).exitCode).toBe(0);
  });

  it('is told by an edit of a file that an option takes, also of one that was gone', async () => {
    const depth = join(folder, 'depth');
    writeFileSync(depth, '10\n');
    write(10, { limits: { depth: '${file:depth}' } } as never);
    const cli = startCli(['gateway', '--config', config]);
    await cli.printed(/answers at (\S+)/);
    const ask = askAt(cli);
    expect((await ask()).errors).toBeUndefined();
    rmSync(depth);
    await cli.printed(
      /`limits.depth` takes the file .*depth, which does not exist\.\n.*the previous options stay/,
    );
    expect((await ask()).errors).toBeUndefined();
    writeFileSync(depth, '2\n');
    await cli.printed(/the new options are live/);
    expect((await ask()).errors[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
    expect((await cli.stop()).exitCode).toBe(0);
  });

  it('is not ended by SIGHUP while it stops, and reads no options for it', async () => {
    write(10);
    const before = process.listenerCount('SIGHUP');
    const cli = startCli(['gateway', '--config', config]);
    await cli.printed(/answers at (\S+)/);
    const isAsked = new Promise<() => void>((asked) => {
      graph.accounts.answer = (_, response) =>
        asked(() => response.end(JSON.stringify({ data: { me: null } })));
    });
    const inFlight = askAt(cli)();
    const answer = await isAsked;
    const stopped = cli.stop();
    await new Promise(setImmediate);
    write(2);
    // Node ends a process that does not listen to it.
    expect(process.emit('SIGHUP')).toBe(true);
    answer();
    expect(await inFlight).toEqual({ data: { me: null } });
    expect(await stopped).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('options') });
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });

  it.each([
    ['an edit of the file', () => undefined],
    ['SIGHUP', () => process.emit('SIGHUP')],
  ])('is told by %s while it starts', async (_, tell) => {
    let isAsked = false;
    const server = createServer((_request, response) => {
      // The options have been read: the supergraph is one of them.
      if (!isAsked) {
        write(2, { supergraph: url });
        tell();
      }
      isAsked = true;
      response.end(graph.supergraphSdl);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    write(10, { supergraph: url });
    const cli = startCli(['gateway', '--config', config]);
    await cli.printed(/answers at \S+[^]*the new options are live/);
    expect((await askAt(cli)()).errors[0].extensions.code).toBe('MAX_DEPTH_LIMIT');
    expect((await cli.stop()).exitCode).toBe(0);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
});
