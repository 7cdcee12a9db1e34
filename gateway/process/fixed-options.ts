import { isDeepStrictEqual } from 'node:util';
import { type Options, OptionsError } from '../options';

/** @throws {OptionsError} if options have changed that are fixed for the lifetime of the process */
export function refuseFixed(before: Options, after: Options): void {
  const read = (options: Options, name: string): unknown =>
    name.split('.').reduce<unknown>((of, key) => (of as Record<string, unknown>)[key], options);
  const changed = fixedOptions.filter((name) => !isDeepStrictEqual(read(before, name), read(after, name)));
  if (changed.length > 0)
    throw new OptionsError(
      changed.map((name) => ({
        path: name.split('.'),
        sentence: `\`${name}\` cannot be changed while the gateway runs: start it again.`,
      })),
    );
}

/** For `cache` only some are. */
const isFixed = {
  ...{ host: true, port: true, path: true, tls: true, admin: true, health: true, audit: true, logging: true },
  ...{ extensions: true, telemetry: true, lambda: true },
  ...{ mode: false, supergraph: false, subgraphs: false, privateLinks: false, connections: false },
  ...{ planning: false, overrides: false, calls: false, zone: false, retries: false, breaker: false },
  ...{ headers: false, timeouts: false, trustedProxies: false, errors: false, limits: false, rates: false },
  ...{
    overload: false,
    persistedOperations: false,
    auth: false,
    cors: false,
    csrf: false,
    authorization: false,
  },
  ...{
    introspection: false,
    mcp: false,
    usage: false,
    shadow: false,
    shutdown: false,
    cache: false,
    subscriptions: false,
    events: false,
    discovery: false,
    graphs: false,
  },
} satisfies Record<keyof Options, boolean>;

const isFixedOfCache = {
  ...{ store: true, redis: true, memory: true, tiered: true, memoryBound: true, timeout: true, prefix: true },
  ...{ compressAbove: true, longest: true, identityHeaders: false, staleWhileRevalidate: false },
  ...{ staleIfError: false, responses: false, cdn: false, entities: false, mutations: false },
} satisfies Record<keyof Options['cache'], boolean>;

const fixedOptions = [
  ...namesOf(isFixed),
  ...namesOf(isFixedOfCache).map((name) => `cache.${name}`),
  ...['subscriptions.callback', 'events.sources'],
];

function namesOf(isIncluded: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(isIncluded).filter((name) => isIncluded[name] === true);
}
