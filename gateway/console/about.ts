import type { Options } from '../options';
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
    recorded: { sampling: 0, values: false },
    gateways: { workers, shared: false },
  };
}
