import { type Target, targetOf } from '../options/targets';
import { Leases } from '../net/leases';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import { DiscoveryStatistics } from '../telemetry/statistics/discovery-statistics';
import { cloudMapResolver } from './cloud-map';
import { dnsResolver, srvResolver } from './dns';
import { addressUrl, type Instance, type TargetResolver } from './resolver';
import { WatchedTarget } from './watched-target';

export interface DiscoveryOptions {
  /** Milliseconds. */
  readonly interval: number;
  /** Milliseconds. */
  readonly emptyAfter: number;
  readonly dnsServers?: readonly string[] | undefined;
  readonly loopback: boolean;
}

/** A URL of a subgraph, or a target, as the options have it. */
export interface DiscoveredEndpoint {
  readonly url: string;
  readonly zone?: string | undefined;
}

/** The instances of a subgraph, until `end` is called. */
export interface DiscoveredInstances {
  /** Those of now, each once. */
  readonly instances: readonly Instance[];
  /** Whether they never change. */
  readonly isFixed: boolean;
  /** Calls the function after each change. */
  onChange(listener: () => void): void;
  /** Resolves when they were looked up once, with or without an answer. */
  ready(): Promise<void>;
  /** To be called once. */
  end(): void;
}

/** Finds the endpoints of subgraphs. One per process: what was found outlives supergraphs and options. */
export class Discovery {
  readonly #watched = new Leases<WatchedTarget>((watched) => watched.close());
  readonly #resolvers = new Leases<TargetResolvers>(() => undefined);
  readonly #logger: Logger;
  readonly #statistics: DiscoveryStatistics;

  constructor({ meter, logger }: { readonly meter: Meter; readonly logger: Logger }) {
    this.#logger = logger;
    this.#statistics = new DiscoveryStatistics(meter, () => this.#observed());
  }

  /** Targets that are followed several times are watched once. */
  follow(
    subgraph: string,
    endpoints: readonly DiscoveredEndpoint[],
    options: DiscoveryOptions,
  ): DiscoveredInstances {
    const key = JSON.stringify(options);
    const resolvers = this.#resolvers.take(key, () => resolversOf(options));
    const leases = endpoints.map(({ url, zone }) =>
      this.#watched.take(JSON.stringify([key, subgraph, url, zone]), () => {
        const target = targetOf(url);
        return new WatchedTarget({
          ...{ subgraph, target, zone, resolver: resolvers.value[target.kind] },
          ...{ emptyAfter: options.emptyAfter, isLoopbackAllowed: options.loopback },
          ...{ statistics: this.#statistics, logger: this.#logger },
        });
      }),
    );
    const targets = leases.map(({ value }) => value);
    const listening: (() => void)[] = [];
    return {
      isFixed: targets.every(({ isFixed }) => isFixed),
      get instances() {
        const all = targets.flatMap(({ instances }) => instances);
        return [...new Map(all.map((each) => [addressUrl(each), each])).values()];
      },
      onChange: (listener) => {
        for (const target of targets) listening.push(target.onChange(listener));
      },
      ready: async () => {
        await Promise.all(targets.map(({ ready }) => ready));
      },
      end: () => {
        for (const stop of listening) stop();
        for (const lease of [...leases, resolvers]) lease.end();
      },
    };
  }

  /** By old and new options a target may be watched twice for a while: the newer one counts. */
  #observed(): Iterable<WatchedTarget> {
    const found = this.#watched.values.filter(({ isFixed }) => !isFixed);
    return new Map(found.map((each) => [JSON.stringify(each.attributes), each])).values();
  }
}

type TargetResolvers = Readonly<Record<Target['kind'], TargetResolver>>;

function resolversOf({ interval, dnsServers: servers }: DiscoveryOptions): TargetResolvers {
  const options = { interval, servers };
  return {
    static: staticResolver(),
    dns: dnsResolver(options),
    'dns+srv': srvResolver(options),
    cloudmap: cloudMapResolver(options),
  };
}

/** A URL as it is written, which has one instance for ever. */
export function staticResolver(): TargetResolver {
  return {
    watch({ text }, watcher) {
      watcher.found([{ url: text, address: undefined, zone: undefined }]);
      return () => undefined;
    },
  };
}
