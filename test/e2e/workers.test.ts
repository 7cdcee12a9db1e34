import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { RequestSummary } from '../../gateway/console/api';
import type { OptionsView, VersionsView } from '../../gateway/console/versions-api';
import { compose } from '../support/compose';
import { freePort } from '../support/free-port';
import { startSmallGraph } from '../support/small-graph';
import { certificates, certificateServedAt, putCertificates } from '../support/tls-certificates';
import { childrenOf, endAll, eventually, isAlive, startWeir, type WeirProcess } from '../support/process';

const ofSupergraph = mkdtempSync(join(tmpdir(), 'weir-workers-'));
/** Small, as each worker builds it. */
const supergraph = join(ofSupergraph, 'supergraph.graphql');

/** Changes nothing that a test looks at. */
const config = join(ofSupergraph, 'weir.yaml');
let depth = 20;
const editOptions = (): void => writeFileSync(config, `limits: { depth: ${++depth} }\n`);

beforeAll(() => {
  writeFileSync(supergraph, compose({ a: 'type Query { a: Int }' }));
  editOptions();
});
afterEach(endAll);
afterAll(() => rmSync(ofSupergraph, { recursive: true }));

function startTwo(
  port: number,
  adminPort: number,
  file = supergraph,
  more: readonly string[] = [],
): WeirProcess {
  const ports = ['--port', `${port}`, '--admin-port', `${adminPort}`];
  return startWeir([
    'gateway',
    '--workers',
    '2',
    '--log-level',
    'warn',
    '--supergraph',
    file,
    '--config',
    config,
    ...ports,
    ...more,
  ]);
}

/** What the console of the primary shows. */
const consoleAt = async <Answer>(adminPort: number, path: string): Promise<Answer> =>
  (await (await fetch(`http://127.0.0.1:${adminPort}/console/api/${path}`)).json()) as Answer;

const recorded = (adminPort: number): Promise<readonly RequestSummary[]> => consoleAt(adminPort, 'requests');

describe('weir gateway --workers 2', () => {
  it('serves from two processes, replaces one that dies and all for new options, and stops without an orphan', async () => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const gateway = startTwo(port, adminPort, supergraph, ['--mode', 'development']);
    const workers = (): number[] => childrenOf(gateway.pid).map(({ pid }) => pid);
    const answers = async (): Promise<void> => {
      for (let i = 0; i < 6; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: '{"query":"{ __typename }"}',
        });
        expect(await response.json()).toMatchObject({ data: { __typename: 'Query' } });
      }
    };
    const bothReport = async (): Promise<boolean> => {
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return ['1', '2'].every((number) =>
        metrics.includes(`nodejs_eventloop_lag_p99_seconds{worker="${number}"`),
      );
    };

    await gateway.printed(/2 workers answer at /);
    await answers();
    await eventually(bothReport);
    await eventually(async () => new Set((await recorded(adminPort)).map(({ worker }) => worker)).size === 2);
    const [request] = await recorded(adminPort);
    const explained = await consoleAt(adminPort, `requests/${request!.id}`);
    expect(explained).toMatchObject({
      id: request!.id,
      worker: request!.worker,
      cacheReasons: [expect.any(String)],
    });

    const first = workers();
    expect(first).toHaveLength(2);
    process.kill(first[0]!, 'SIGKILL');
    await gateway.printed(/worker \d+ died \(SIGKILL\); starting another/);
    await answers();
    await eventually(bothReport);

    const second = workers();
    gateway.signal('SIGHUP');
    await gateway.printed(/the options are as they were/);
    expect(workers()).toEqual(second);
    editOptions();
    // As all processes of a terminal get it.
    for (const pid of second) process.kill(pid, 'SIGHUP');
    gateway.signal('SIGHUP');
    await gateway.printed(/the workers are replaced/);
    expect(gateway.stderr.match(/ died /g)).toHaveLength(1);
    await answers();
    await eventually(bothReport);
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    expect(metrics).toContain('weir_configuration_reloads_total{worker="0",result="live"} 1\n');
    const { loads } = await consoleAt<VersionsView>(adminPort, 'versions');
    expect(loads).toMatchObject([
      { what: 'options', result: 'live', changed: [expect.any(String)] },
      { what: 'supergraph', result: 'live', processes: 2 },
      { what: 'options', result: 'unchanged' },
    ]);
    const { options } = await consoleAt<OptionsView>(adminPort, 'options');
    // As they are in force, not as a worker has them.
    expect(options.find(({ name }) => name === 'admin.port')).toMatchObject({
      ...{ value: adminPort, isChanged: true, origin: { kind: 'flag' } },
    });
    expect(options.find(({ name }) => name === 'admin.enabled')).toMatchObject({ value: true });
    const health = await fetch(`http://127.0.0.1:${adminPort}/health/ready`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'ready' }]);

    const third = workers();
    expect(third.filter((pid) => second.includes(pid))).toEqual([]);
    gateway.signal('SIGTERM');
    expect(await gateway.exit).toBe(0);
    for (const pid of [...first, ...second, ...third]) expect(isAlive(pid)).toBe(false);
  });

  it('answers all who have connected when it stops, also those that no worker has taken yet', async () => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const gateway = startTwo(port, adminPort);
    await gateway.printed(/2 workers answer at /);
    const workers = childrenOf(gateway.pid).map(({ pid }) => pid);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    const body = '{"query":"{ __typename }"}';
    const request = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    const answers = sockets.map(async (socket) => {
      await once(socket, 'connect');
      socket.write(request);
      return (await text(socket)).split('\r\n\r\n')[1];
    });
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    gateway.signal('SIGTERM');
    for (const pid of workers) process.kill(pid, 'SIGCONT');
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['{"data":{"__typename":"Query"}}']));
    expect(await gateway.exit).toBe(0);
  });

  it('uses changed TLS certificates in both', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-workers-'));
    try {
      putCertificates(folder, certificates.first);
      writeFileSync(join(folder, 'weir.yaml'), 'tls: { cert: cert.pem, key: key.pem }\n');
      const [port, adminPort] = [await freePort(), await freePort()];
      const gateway = startTwo(port, adminPort, supergraph, ['--config', join(folder, 'weir.yaml')]);
      await gateway.printed(/2 workers answer at /);
      const served = async (): Promise<string[]> => {
        const names = [];
        for (let i = 0; i < 6; i++) names.push(await certificateServedAt(port, 'h2'));
        return [...new Set(names)];
      };
      expect(await served()).toEqual(['first']);
      putCertificates(folder, certificates.second);
      await eventually(async () => (await served()).join() === 'second');
      expect(await gateway.stop()).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('drops cached answers from the memory of both when one call to the admin port invalidates them', async () => {
    const graph = await startSmallGraph();
    const folder = mkdtempSync(join(tmpdir(), 'weir-workers-'));
    try {
      graph.accounts.headers = { 'cache-control': 'public, max-age=600' };
      const file = join(folder, 'supergraph.graphql');
      writeFileSync(file, graph.supergraphSdl);
      writeFileSync(join(folder, 'weir.yaml'), 'admin: { token: a-token-for-operators }\n');
      const [port, adminPort] = [await freePort(), await freePort()];
      const gateway = startTwo(port, adminPort, file, ['--config', join(folder, 'weir.yaml')]);
      await gateway.printed(/2 workers answer at /);
      /** Where the answers come from, when every connection is a new one. */
      const ask = async (times: number): Promise<(string | null)[]> => {
        const results = [];
        for (let i = 0; i < times; i++) {
          const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', connection: 'close' },
            body: '{"query":"{ me { name } }"}',
          });
          await response.json();
          results.push(response.headers.get('x-cache'));
        }
        return results;
      };
      await eventually(async () => (await ask(10)).every((result) => result === 'HIT'));
      expect(graph.accounts.requests).toHaveLength(2);

      const invalidate = (authorization: string, type = 'User') =>
        fetch(`http://127.0.0.1:${adminPort}/cache/invalidate`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization },
          body: JSON.stringify({ types: [type] }),
        });
      expect((await invalidate('Bearer another-token')).status).toBe(401);
      const unknown = await invalidate('Bearer a-token-for-operators', 'Usr');
      expect([unknown.status, await unknown.text()]).toEqual([400, expect.stringContaining('\\"Usr\\"')]);
      const answer = await invalidate('Bearer a-token-for-operators');
      expect(await answer.json()).toEqual({ invalidated: ['type:User'] });
      expect(await ask(10)).toEqual(expect.arrayContaining(['MISS', 'HIT']));
      expect(graph.accounts.requests).toHaveLength(4);

      // It cannot answer, so nobody knows what is in its memory.
      process.kill(childrenOf(gateway.pid)[1]!.pid, 'SIGSTOP');
      expect((await invalidate('Bearer a-token-for-operators')).status).toBe(503);
      process.kill(childrenOf(gateway.pid)[1]!.pid, 'SIGCONT');
      await eventually(async () => (await invalidate('Bearer a-token-for-operators')).status === 200);
      gateway.signal('SIGTERM');
      expect(await gateway.exit).toBe(0);
    } finally {
      await endAll();
      await graph.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('is not ready, on each of its ports, until its workers have a supergraph', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}/supergraph.graphql`;
    const [port, adminPort, healthPort] = [await freePort(), await freePort(), await freePort()];
    const withHealth = join(ofSupergraph, 'health.yaml');
    writeFileSync(withHealth, `health: { port: ${healthPort} }\n`);
    const gateway = startTwo(port, adminPort, nobody, ['--config', withHealth]);
    await gateway.printed(/2 workers answer at /);
    for (const each of [port, adminPort, healthPort]) {
      const health = await fetch(`http://127.0.0.1:${each}/health/ready`);
      expect([health.status, await health.json()]).toEqual([
        503,
        { status: 'not ready', reasons: ['no supergraph'] },
      ]);
    }
  });

  it('exits 2 with a sentence where the port of metrics is taken, and leaves no worker', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const gateway = startTwo(0, port);
    await eventually(() => childrenOf(gateway.pid).length === 2);
    const workers = childrenOf(gateway.pid);
    expect(await gateway.exit).toBe(2);
    taken.close();
    expect(gateway.stderr).toBe(
      `weir: --admin-port ${port} on 127.0.0.1 is taken by another process: choose another one, or 0 for a free one.\n`,
    );
    expect(workers.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });

  it('exits 2 with the sentence of one that cannot start', async () => {
    const gateway = startTwo(0, 0, 'nowhere.graphql');
    expect(await gateway.exit).toBe(2);
    expect(gateway.stderr).toContain('nowhere.graphql does not exist');
  });
});
