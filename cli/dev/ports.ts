import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below the range from which systems hand out ports to those who ask for any: nobody gets one of these by
 * chance between here, where it is found free, and the process that it is for.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Free ports of the loopback interface, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere));
  await Promise.all(servers.map(({ server }) => closed(server)));
  return servers.map(({ port }) => port);
}

/** Those ports of the loopback interface on which somebody listens. */
export async function takenPorts(ports: readonly number[]): Promise<number[]> {
  const servers = await Promise.all(ports.map(listenAt));
  await Promise.all(servers.flatMap((server) => (server ? [closed(server)] : [])));
  return ports.filter((_, i) => servers[i] === undefined);
}

const closed = (server: Server): Promise<unknown> => new Promise((done) => server.close(done));

async function listenAt(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((listening) => {
    server.once('error', () => listening(undefined));
    server.listen(port, '127.0.0.1', () => listening(server));
  });
}

async function listenSomewhere(): Promise<{ server: Server; port: number }> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = await listenAt(port);
    if (server) return { server, port };
  }
}
