import { hasValuesInCurl, samplingOf } from '../console/about';
import { figuresMemory } from '../console/request-figures';
import { RequestLog } from '../console/request-log';
import { awsAgents, fetchOutgoing } from '../net/outgoing';
import type { Options } from '../options';
import { secretsOf } from '../options/secrets';
import { type Audit, openAudit } from '../telemetry/audit/audit';
import { LoadHistory } from '../telemetry/load-history';
import { createLogger, type LogDestination, type Logger } from '../telemetry/logger';
import { createMetrics, type Metrics, versionIfKnown } from '../telemetry/metrics/metrics';
import { startOtlpExport } from '../telemetry/metrics/otlp';
import { openTracing, localTracer } from '../telemetry/traces/open-tracing';
import type { Tracer } from '../telemetry/traces/tracer';
import { openAll, type OpenPart } from './open-parts';

/** What a process logs, counts and traces with. */
export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly audit: Audit | undefined;
  readonly loads: LoadHistory;
}

export interface OpenTelemetry extends Telemetry, OpenPart {
  /** What the console shows of requests; undefined without a console. */
  readonly recorder: RequestLog | undefined;
  /** Resolves when the traces and audit records so far have left the process, or could not. */
  flush(): Promise<void>;
}

/** @throws {OptionsError} if an audit trail cannot be written, or the environment has a value that cannot be used */
export const openTelemetry = (
  options: Options,
  env: NodeJS.ProcessEnv,
  destination: LogDestination | undefined,
): Promise<OpenTelemetry> =>
  openAll(async (parts) => {
    const { telemetry } = options;
    const { level, format } = options.logging;
    const logger = createLogger({ level, format, destination });
    logger.hide(secretsOf(options));
    const metrics = parts.add(createMetrics(options.tls === undefined ? 'http' : 'https'));
    const { meter } = metrics;
    const version = versionIfKnown();
    const recorder = openRecorder(options);
    const audit = await openAudit({ options: options.audit, meter, logger });
    parts.onClose(() => audit?.close());
    const agents = awsAgents();
    const tracing = await openTracing({
      ...{ options: telemetry, env, version, meter, logger, agents, recorder },
    });
    // Without an exporter nothing is traced but for the console.
    const local = tracing === undefined && recorder !== undefined ? localTracer(recorder) : undefined;
    const { otlp } = telemetry.metrics;
    const exported =
      otlp &&
      startOtlpExport({
        ...{ options: otlp, resource: telemetry.resource, version, collect: metrics.collect, logger },
        fetch: fetchOutgoing,
      });
    parts.onClose(() => Promise.all([exported?.stop(), tracing?.stop()]));
    return {
      ...{ logger, metrics, audit, recorder, loads: new LoadHistory(logger.redact) },
      tracer: tracing?.tracer ?? local,
      flush: async () => {
        await Promise.all([tracing?.flush(), audit?.flush()]);
      },
      close: () => parts.close(),
    };
  });

function openRecorder(options: Options): RequestLog | undefined {
  const { enabled, memory, failures } = options.admin.console;
  if (!enabled) return undefined;
  const sampling = samplingOf(options);
  const values = hasValuesInCurl(options);
  return new RequestLog({ sampling, memory: memory - figuresMemory(memory), failures, values });
}
