import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { childrenOf, endAll, eventually, isAlive, startWeir, type WeirProcess } from '../support/process';

const supergraph = join(__dirname, '../../schema/supergraph.graphql');

jest.setTimeout(60_000);
afterEach(endAll);

function startTwo(port: number, adminPort: number, file = supergraph): WeirProcess {
  const ports = ['--port', `${port}`, '--admin-port', `${adminPort}`];
  return startWeir(['gateway', '--workers', '2', '--log-level', 'warn', '--supergraph', file, ...ports]);
}

/** The primary has to know the port that its workers share, so it cannot be 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('weir gateway --workers 2', () => {
  it('serves from two processes, replaces one that dies and all on SIGHUP, and stops without an orphan', async () => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const gateway = startTwo(port, adminPort);
    const workers = (): number[] => childrenOf(gateway.pid).map(({ pid }) => pid);
    const answers = async (): Promise<void> => {
      for (let i = 0; i < 6; i++) {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: '{"query":"{ __typename }"}',
        });
        expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
      }
    };
    const bothReport = async (): Promise<boolean> => {
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return ['1', '2'].every((number) =>
        metrics.includes(`weir_event_loop_delay_seconds{worker="${number}"`),
      );
    };

    await gateway.printed(/2 workers answer at /);
    await answers();
    await eventually(bothReport);

    const first = workers();
    expect(first).toHaveLength(2);
    process.kill(first[0]!, 'SIGKILL');
    await gateway.printed(/worker \d+ died \(SIGKILL\); starting another/);
    await answers();
    await eventually(bothReport);

    const second = workers();
    gateway.signal('SIGHUP');
    await gateway.printed(/the workers are replaced/);
    await answers();
    await eventually(bothReport);

    const third = workers();
    expect(third.filter((pid) => second.includes(pid))).toEqual([]);
    gateway.signal('SIGTERM');
    expect(await gateway.exit).toBe(0);
    for (const pid of [...first, ...second, ...third]) expect(isAlive(pid)).toBe(false);
  });

  it('exits 2 with the sentence of one that cannot start', async () => {
    const gateway = startTwo(0, 0, 'nowhere.graphql');
    expect(await gateway.exit).toBe(2);
    expect(gateway.stderr).toContain('nowhere.graphql does not exist');
  });
});
