import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { CommandFailure } from '../context';

/**
 * Below the range of ephemeral ports. So no other process gets such a port by chance between this check and the start
 * of the process that needs it.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Free ports of the loopback interface, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere));
  await Promise.all(servers.map(({ server }) => closed(server)));
  return servers.map(({ port }) => port);
}

export function portOf(url: string): string {
  const { port, protocol } = new URL(url);
  return port || (protocol === 'https:' ? '443' : '80');
}

export function withPort(url: string, port: number | undefined): string {
  // A supergraph may have an empty address, which the gateway refuses with a sentence.
  if (!URL.canParse(url)) return url;
  const changed = new URL(url);
  if (port !== undefined) changed.port = String(port);
  return changed.href;
}

export function isOnThisMachine(url: string): boolean {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

export interface NeededPort {
  /** 0 stands for any port. */
  readonly port: number;
  /** The process that needs it. */
  readonly of: string;
}

/**
 * Checks that ports are free. Reports all taken ports together: a process could only report its own, and does not know
 * the flags of `weir dev`. `others` are checked only if one of `needed` is taken.
 *
 * @throws {CommandFailure} if a port is taken
 */
export async function requireFreePorts(
  needed: readonly NeededPort[],
  others: () => readonly NeededPort[],
): Promise<void> {
  const takenOf = async (all: readonly NeededPort[]): Promise<NeededPort[]> => {
    const taken = await takenPorts(all.map(({ port }) => port));
    return all.filter(({ port }) => port !== 0 && taken.includes(port));
  };
  let taken = await takenOf(needed);
  if (taken.length === 0) return;
  taken = [...(await takenOf(others())), ...taken];
  const ports = taken.map(({ port, of }) => `${port} (${of})`).join(', ');
  const [subject, owner] =
    taken.length === 1 ? ['port', 'is taken by another process'] : ['ports', 'are taken by other processes'];
  throw new CommandFailure(
    `weir: the ${subject} ${ports} ${owner}, perhaps another \`weir dev\`; --port 0 takes a free port for each process.`,
    2,
  );
}

/** The ports of the loopback interface that are taken. */
async function takenPorts(ports: readonly number[]): Promise<number[]> {
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
