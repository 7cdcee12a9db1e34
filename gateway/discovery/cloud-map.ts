import type { ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';
import { loadPackages } from '../../optional-packages';
import { awsAgents } from '../net/outgoing';
import { addressesOf, type DnsOptions, instanceOf, openDns } from './dns';
import { type ResolveTarget, polling } from './polling';
import type { Instance, TargetResolver } from './resolver';

/** A client of Cloud Map for a region and an endpoint. */
type OpenCloudMap = (
  region: string | undefined,
  endpoint: string | undefined,
) => Promise<ServiceDiscoveryClient>;

/**
 * The healthy instances of a service in AWS Cloud Map, by their attributes: `AWS_INSTANCE_IPV4`, `_IPV6` or `_CNAME`,
 * `AWS_INSTANCE_PORT`, and the zone in `AVAILABILITY_ZONE` (which ECS sets) or `zone`.
 *
 * The whole list is read each time: the revision of a service, which costs less to read, does not change when the
 * health of an instance does.
 */
export function cloudMapResolver(options: DnsOptions): TargetResolver {
  const clients = new Map<string, Promise<ServiceDiscoveryClient>>();
  const clientFor: OpenCloudMap = (region, endpoint) => {
    const key = JSON.stringify([region, endpoint]);
    let client = clients.get(key);
    if (client === undefined) clients.set(key, (client = openClient(region, endpoint)));
    return client;
  };

  const ask: ResolveTarget = async (target, signal) => {
    const client = await clientFor(target.region, target.endpoint);
    const { DiscoverInstancesCommand } = await loadSdk();
    const { Instances = [] } = await client.send(
      new DiscoverInstancesCommand({
        NamespaceName: target.name,
        ServiceName: target.service,
        HealthStatus: 'HEALTHY',
        MaxResults: mostAnswered,
      }),
      { abortSignal: signal },
    );
    let names = 0;
    const found = await Promise.all(
      Instances.filter(
        ({ Attributes }) => Attributes?.['AWS_INSTANCE_CNAME'] === undefined || names++ < mostNames,
      ).map(async ({ Attributes: attributes = {} }): Promise<Instance[]> => {
        const port = Number(attributes['AWS_INSTANCE_PORT'] ?? target.port);
        if (!Number.isInteger(port) || port < 1 || port > 65_535) return [];
        const zone = attributes['AVAILABILITY_ZONE'] ?? attributes['zone'];
        const addresses = await addressesIn(attributes, options, signal);
        return addresses.map((address) => instanceOf(target, address, port, zone));
      }),
    );
    return { instances: found.flat(), freshFor: options.interval };
  };
  return polling(ask, options);
}

/** The most that Cloud Map sends. Of more than are used, each gateway then chooses its own. */
const mostAnswered = 1000;

/** The most instances with a name whose addresses are looked up. */
const mostNames = 100;

async function addressesIn(
  attributes: Readonly<Record<string, string>>,
  options: DnsOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const address = attributes['AWS_INSTANCE_IPV4'] ?? attributes['AWS_INSTANCE_IPV6'];
  if (address !== undefined) return [address];
  const name = attributes['AWS_INSTANCE_CNAME'];
  return name === undefined ? [] : (await addressesOf(openDns(options, signal), name)).addresses;
}

/** The SDK is loaded only when it is used, as loading is slow. */
const loadSdk = () =>
  loadPackages(
    'A `cloudmap:` URL',
    ['@aws-sdk/client-servicediscovery'],
    () => import('@aws-sdk/client-servicediscovery'),
  );

const openClient: OpenCloudMap = async (region, endpoint) => {
  const { ServiceDiscoveryClient } = await loadSdk();
  return new ServiceDiscoveryClient({
    ...(region !== undefined && { region }),
    // AWS answers this command at a host of its own, which others do not have.
    ...(endpoint !== undefined && { endpoint, disableHostPrefix: true }),
    maxAttempts: 1,
    requestHandler: {
      ...awsAgents(),
      ...{ connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    },
  });
};
