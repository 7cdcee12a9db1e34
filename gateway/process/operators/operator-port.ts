import { describeGateway } from '../../console/about';
import type { ConsoleOrigins } from '../../console/origins';
import type { RequestLog } from '../../console/request-log';
import type { ProcessConsole } from '../../console/source';
import type { Options } from '../../options';
import { versionIfKnown } from '../../telemetry/metrics/metrics';
import { createAdminServer } from './admin-server';
import type { Configurations } from '../configurations';
import type { GatewayOptions } from '../given-options';
import { addressOf, listen } from '../listen';
import type { OpenPart } from '../open-parts';
import type { Telemetry } from '../telemetry';
import { openProcessConsole } from './process-console';

export interface OperatorPortParts {
  readonly configurations: Configurations;
  readonly telemetry: Telemetry & { readonly recorder: RequestLog | undefined };
  readonly readiness: () => readonly string[];
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: () => string;
  readonly origins: ConsoleOrigins;
  /** What the consoles of other gateways call this one. */
  readonly name: string;
  /** The options as they were given at the start, and where they come from. */
  readonly given: GatewayOptions;
}

/** Where operators connect: metrics, health, the console. */
export interface OperatorPort extends OpenPart {
  /** Undefined if it does not listen. */
  readonly url: string | undefined;
  /** Undefined without a console. */
  readonly console: ProcessConsole | undefined;
  /** @throws {OptionsError} if that is not possible */
  listen(): Promise<void>;
}

/** Listens nowhere if `admin.enabled` is false. */
export function openOperatorPort(
  options: Options,
  { configurations, telemetry, readiness, endpoint, origins, name, given }: OperatorPortParts,
): OperatorPort {
  const { metrics, logger, recorder, loads } = telemetry;
  const { enabled, token, host, port } = options.admin;
  const opened =
    recorder &&
    openProcessConsole(options, {
      ...{ configurations, recorder, metrics, loads, endpoint, name, given },
    });
  const source = opened?.source;
  const version = versionIfKnown();
  const about = () =>
    describeGateway({ options: configurations.current.options, endpoint: endpoint(), version, workers: 1 });
  const invalidate = configurations.invalidateFor;
  const admin = enabled
    ? createAdminServer({
        ...{ metrics: metrics.text, readiness, token },
        invalidation: token === undefined ? undefined : { token, invalidate, logger },
        console: source && { source: () => source, about, logger },
      })
    : undefined;
  return {
    console: opened?.console,
    get url() {
      return admin && addressOf(admin.server.address());
    },
    async listen() {
      if (admin === undefined) return;
      await listen(admin.server, host, port, 'admin.port');
      origins.listensAt(admin.server.address());
    },
    async close() {
      await admin?.close();
      await opened?.close();
    },
  };
}
