import { freePort } from './free-port';
import { eventually } from './process';
import { type RedisServer, startRedis } from './redis-server';

export interface RedisCluster {
  /** The primaries, and then a replica for each if there are any. */
  readonly servers: readonly RedisServer[];
  /** The index of the primary that holds a key, as this server of the cluster knows. */
  primaryOf(key: string, asked?: RedisServer): Promise<number>;
  /** Moves the slot of a key from one primary to another, with what is in it, and does something in the middle. */
  move(key: string, from: number, to: number, meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

const slots = 16_384;
const primaries = 3;

/** Starts three primaries, each with a third of the slots. They notice a lost one after half a second. */
export async function startRedisCluster({
  isSecure = false,
  replicas = 0,
}: {
  readonly isSecure?: boolean;
  /** How many of the primaries have one. */ readonly replicas?: number;
} = {}): Promise<RedisCluster> {
  const buses = await Promise.all(Array.from({ length: primaries + replicas }, () => freePort()));
  const servers = await Promise.all(
    buses.map((bus) =>
      startRedis({
        isSecure,
        settings: [
          ...['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '500'],
          ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
          ...(isSecure ? ['--tls-cluster', 'yes', '--tls-replication', 'yes'] : []),
        ],
      }),
    ),
  );
  const idOf = async (server: RedisServer) => /[0-9a-f]{40}/.exec(await server.send('CLUSTER MYID'))![0];
  const ids = await Promise.all(servers.map(idOf));
  const size = Math.ceil(slots / primaries);
  for (const [i, server] of servers.entries()) {
    await server.send(`CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
    if (i < primaries)
      await server.send(`CLUSTER ADDSLOTSRANGE ${i * size} ${Math.min((i + 1) * size, slots) - 1}`);
    await server.send(`CLUSTER MEET 127.0.0.1 ${servers[0]!.port} ${buses[0]}`);
  }
  const isMet = async (server: RedisServer) => {
    const info = await server.send('CLUSTER INFO');
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${servers.length}\r`);
  };
  await eventually(async () => (await Promise.all(servers.map(isMet))).every(Boolean), 20_000);
  await Promise.all(
    servers.slice(primaries).map(async (replica, i) => {
      await replica.send(`CLUSTER REPLICATE ${ids[i]}`);
      await eventually(
        async () => (await replica.send('INFO replication')).includes('link_status:up'),
        20_000,
      );
    }),
  );

  const slotOf = async (key: string) =>
    Number(/\d+/.exec(await servers[0]!.send(`CLUSTER KEYSLOT ${key}`))![0]);
  return {
    servers,
    async primaryOf(key, asked = servers[0]!) {
      const answer = await asked.send(`EXISTS ${key}`);
      const port = Number(/^-MOVED \d+ .*:(\d+)\r/.exec(answer)?.[1] ?? asked.port);
      return servers.findIndex((server) => server.port === port);
    },
    async move(key, from, to, meanwhile = async () => undefined) {
      const slot = await slotOf(key);
      const [source, target] = [servers[from]!, servers[to]!];
      await target.send(`CLUSTER SETSLOT ${slot} IMPORTING ${ids[from]}`);
      await source.send(`CLUSTER SETSLOT ${slot} MIGRATING ${ids[to]}`);
      const keys = async () => (await source.send(`CLUSTER GETKEYSINSLOT ${slot} 1000`)).split('\r\n');
      let isHalf = false;
      for (;;) {
        const names = (await keys()).filter((line) => /^[^*$]/.test(line));
        for (const name of names.slice(0, Math.ceil(names.length / 2)))
          await source.send(`MIGRATE 127.0.0.1 ${target.port} "${name}" 0 5000`);
        if (!isHalf) await meanwhile();
        isHalf = true;
        if (names.length === 0) break;
      }
      for (const server of [target, source, ...servers.filter((each) => each !== source && each !== target)])
        await server.send(`CLUSTER SETSLOT ${slot} NODE ${ids[to]}`);
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
