import type { Options } from '../options';
import { isShared } from '../options/cache';
import type { About } from './api';

export interface AboutFacts {
  readonly options: Options;
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: string;
  /** Of Weir. */
  readonly version: string;
  /** How many processes answer. */
  readonly workers: number;
}

/** What the console shows of the gateway itself. */
export function describeGateway({ options, endpoint, version, workers }: AboutFacts): About {
  const { admin, mode } = options;
  return {
    version,
    mode,
    endpoint,
    canWrite: admin.token !== undefined,
    ...(mode === 'development' && { graphiql: new URL('/graphiql', endpoint).href }),
    recorded: { sampling: samplingOf(options), values: admin.console.values ?? false },
    gateways: { workers, shared: isShared(options.cache) },
    shadow: options.shadow !== undefined,
  };
}

/** Whether the commands that send requests again have their literals and variables. */
export const hasValuesInCurl = ({ admin, mode }: Pick<Options, 'admin' | 'mode'>): boolean =>
  admin.console.values ?? mode === 'development';

/** The share of requests that are recorded. */
export const samplingOf = ({ admin, mode }: Pick<Options, 'admin' | 'mode'>): number =>
  admin.console.sampling ?? (mode === 'development' ? 1 : 0.01);
