import {
  CreateHttpNamespaceCommand,
  CreateServiceCommand,
  DeregisterInstanceCommand,
  ListNamespacesCommand,
  RegisterInstanceCommand,
  ServiceDiscoveryClient,
  UpdateInstanceCustomHealthStatusCommand,
} from '@aws-sdk/client-servicediscovery';
import { cloudMapResolver } from '../../gateway/discovery/cloud-map';
import { dnsResolver, srvResolver } from '../../gateway/discovery/dns';
import type { TargetResolver } from '../../gateway/discovery/resolver';
import { staticResolver } from '../../gateway/discovery/discovery';
import { startDnsServer } from './dns-server';
import { sayWithoutMoto, skippedWithoutMoto, startMoto } from './moto';

/** An instance of a service, as those register it who run it. */
export interface Registered {
  readonly address: string;
  readonly port: number;
  readonly zone?: string | undefined;
}

/** Where the instances of the service `stock` are registered. */
export interface Registry {
  /** For the options. */
  readonly target: string;
  /** Options of `discovery` with which a gateway asks there. */
  readonly options: { readonly dnsServers?: string[]; readonly interval: number };
  readonly resolver: TargetResolver;
  /** Whether what is registered has an effect: the port and the zone, or only the address. */
  readonly keeps: { readonly ports: boolean; readonly zones: boolean };
  /** Makes these, and no others, the healthy instances. */
  register(instances: readonly Registered[]): Promise<void>;
  /** It does not answer until it is revived. */
  die(): void;
  revive(): void;
  stop(): Promise<void>;
}

export interface ResolverKind {
  readonly name: string;
  readonly implementation: (...options: never[]) => TargetResolver;
  /** Why it is not tested here. @default undefined: it is */
  readonly skipped?: string | undefined;
  /** Undefined where instances do not change. @param port of all instances, where a registry does not keep ports */
  readonly start: (options: { readonly port: number; readonly path?: string }) => Promise<Registry>;
}

/** Milliseconds. */
const interval = 200;

async function startDns(kind: 'dns' | 'dns+srv', port: number, path: string): Promise<Registry> {
  const server = await startDnsServer();
  const isSrv = kind === 'dns+srv';
  const options = { dnsServers: [server.address], interval };
  const resolving = { interval, timeout: 400, servers: options.dnsServers };
  return {
    target: isSrv ? `dns+srv://_graphql._tcp.stock.test${path}` : `dns://stock.test:${port}${path}`,
    options,
    resolver: isSrv ? srvResolver(resolving) : dnsResolver(resolving),
    keeps: { ports: isSrv, zones: false },
    register: async (instances) => {
      server.records.clear();
      if (isSrv && instances.length > 0)
        server.records.set('_graphql._tcp.stock.test', {
          SRV: instances.map((each, i) => ({ target: `i${i}.test`, port: each.port, priority: 1 })),
        });
      const byName = isSrv
        ? instances.map((each, i) => [`i${i}.test`, [each]] as const)
        : [['stock.test', instances] as const];
      for (const [name, those] of byName) {
        const addresses = those.map(({ address }) => address);
        if (addresses.length > 0)
          server.records.set(name, {
            A: addresses.filter((each) => !each.includes(':')),
            AAAA: addresses.filter((each) => each.includes(':')),
          });
      }
    },
    die: () => void (server.state = 'dead'),
    revive: () => void (server.state = 'alive'),
    stop: () => server.stop(),
  };
}

async function startCloudMap(path: string): Promise<Registry> {
  const moto = await startMoto();
  const client = new ServiceDiscoveryClient({ ...moto.config, disableHostPrefix: true });
  await client.send(new CreateHttpNamespaceCommand({ Name: 'shop.test' }));
  const { Namespaces: [namespace] = [] } = await client.send(new ListNamespacesCommand({}));
  const { Service } = await client.send(
    new CreateServiceCommand({
      Name: 'stock',
      NamespaceId: namespace!.Id!,
      HealthCheckCustomConfig: {},
    }),
  );
  const ServiceId = Service!.Id!;
  const registered = new Map<string, 'HEALTHY' | 'UNHEALTHY'>();
  // As a gateway finds them.
  const { accessKeyId, secretAccessKey } = moto.config.credentials;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  const setHealth = async (InstanceId: string, Status: 'HEALTHY' | 'UNHEALTHY'): Promise<void> => {
    registered.set(InstanceId, Status);
    await client.send(new UpdateInstanceCustomHealthStatusCommand({ ServiceId, InstanceId, Status }));
  };
  return {
    target: `cloudmap://shop.test/stock${path}?region=${moto.config.region}&endpoint=${moto.url}`,
    options: { interval },
    resolver: cloudMapResolver({ interval, timeout: 400, servers: undefined }),
    keeps: { ports: true, zones: true },
    register: async (instances) => {
      const wanted = new Map(
        instances.map((each) => [`${each.address.replaceAll(':', '-')}_${each.port}`, each]),
      );
      for (const [InstanceId, { address, port, zone }] of wanted) {
        if (registered.has(InstanceId)) continue;
        const Attributes = {
          [address.includes(':') ? 'AWS_INSTANCE_IPV6' : 'AWS_INSTANCE_IPV4']: address,
          AWS_INSTANCE_PORT: String(port),
          ...(zone !== undefined && { AVAILABILITY_ZONE: zone }),
        };
        await client.send(new RegisterInstanceCommand({ ServiceId, InstanceId, Attributes }));
      }
      for (const id of wanted.keys()) if (registered.get(id) !== 'HEALTHY') await setHealth(id, 'HEALTHY');
      // Some leave the service, and the others stay in it, but are not healthy any more.
      for (const [i, id] of [...registered.keys()].filter((each) => !wanted.has(each)).entries()) {
        if (i % 2 === 0) await setHealth(id, 'UNHEALTHY');
        else {
          registered.delete(id);
          await client.send(new DeregisterInstanceCommand({ ServiceId, InstanceId: id }));
        }
      }
    },
    die: () => moto.freeze(),
    revive: () => moto.thaw(),
    stop: async () => {
      client.destroy();
      await moto.stop();
    },
  };
}

async function startStatic(port: number, path: string): Promise<Registry> {
  return {
    target: `http://127.0.0.1:${port}${path}`,
    options: { interval },
    resolver: staticResolver(),
    keeps: { ports: false, zones: false },
    register: async () => undefined,
    die: () => undefined,
    revive: () => undefined,
    stop: async () => undefined,
  };
}

/** The resolvers, with a registry that each asks. */
export const resolverKinds: readonly ResolverKind[] = [
  {
    name: 'static',
    implementation: staticResolver,
    start: ({ port, path = '/graphql' }) => startStatic(port, path),
  },
  {
    name: 'dns',
    implementation: dnsResolver,
    start: ({ port, path = '/graphql' }) => startDns('dns', port, path),
  },
  {
    name: 'dns+srv',
    implementation: srvResolver,
    start: ({ port, path = '/graphql' }) => startDns('dns+srv', port, path),
  },
  {
    name: 'cloudmap',
    implementation: cloudMapResolver,
    skipped: skippedWithoutMoto,
    start: ({ path = '/graphql' }) => startCloudMap(path),
  },
];

sayWithoutMoto('the tests of AWS Cloud Map');
