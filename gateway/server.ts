import type { Options, OptionsInput } from './options';
import { parseOptions } from './options';
import type { SupergraphSource } from './supergraph/source';

/** What a gateway is started with; `supergraph` may also be a source of one's own. */
export type GatewayOptions = Omit<OptionsInput, 'supergraph'> & {
  readonly supergraph?: OptionsInput['supergraph'] | SupergraphSource;
};

export interface RunningGateway {
  /** The GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Where metrics and health are served; `undefined` when `admin.enabled` is false. */
  readonly adminUrl: string | undefined;
  /** Drains and stops: readiness fails at once, what is in flight may finish within `shutdown.grace`. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway in this process. Resolves when it listens.
 * @throws {OptionsError} when an option is wrong, a port is taken or the supergraph cannot be run.
 */
export function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { supergraph, ...others } = options;
  const complete: Options = parseOptions(others);
  return Promise.reject(new Error(`Not there yet: ${complete.port} ${typeof supergraph}`));
}
