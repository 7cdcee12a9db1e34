import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { type FastifyBaseLogger } from 'fastify';
import { StartError } from '../serve/start-error';
import { Tracer } from './tracer';

/** Where spans are exported to: a collector that takes OTLP over HTTP, in Protobuf. */
export interface TraceSettings {
  /**
   * The whole URL, such as `http://collector:4318/v1/traces`.
   *
   * @default that of OpenTelemetry's environment variables
   */
  readonly url?: string;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Exports what has ended. Never rejects. */
  readonly flush: () => Promise<void>;
  /** The same, and ends it: within two seconds, even if the collector has not taken it. Never rejects. */
  readonly stop: () => Promise<void>;
}

/**
 * Whether OpenTelemetry's environment variables name a collector, and do not turn tracing off. Throws a
 * {@link StartError} for what is not supported.
 */
export function readTraces(env: NodeJS.ProcessEnv): TraceSettings | undefined {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none')
    return undefined;
  const read = (name: string): string | undefined =>
    env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || undefined;
  if (read('ENDPOINT') === undefined) return undefined;
  const supported = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  const given = {
    OTEL_TRACES_EXPORTER: env['OTEL_TRACES_EXPORTER'],
    OTEL_EXPORTER_OTLP_PROTOCOL: read('PROTOCOL'),
  };
  for (const [name, only] of Object.entries(supported)) {
    const value = given[name as keyof typeof given] || only;
    if (value !== only) throw new StartError(`${name} must be ${only}, but got: "${value}".`);
  }
  return {};
}

const shutdownTimeoutMilliseconds = 2000;

/**
 * Opens the export of spans: OpenTelemetry's SDK, which is loaded only now, and reads its own environment variables for
 * sampling, limits and queue.
 */
export async function openTracing({
  url,
  service,
  log,
}: TraceSettings & {
  /** `service.name`, unless the environment says another one. */
  readonly service: string;
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>;
}): Promise<Tracing> {
  const [api, sdk, resources, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const resource = resources.resourceFromAttributes({
    ...{ 'service.name': service, 'service.instance.id': randomUUID() },
    ...resources.detectResources({ detectors: [resources.envDetector] }).attributes,
  });
  const exporter = logged(new OTLPTraceExporter(url === undefined ? {} : { url }), log);
  const processor = new sdk.BatchSpanProcessor(exporter);
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] });
  // The exporter has logged what they reject with.
  const flush = (): Promise<void> => provider.forceFlush().catch(() => undefined);
  return {
    tracer: new Tracer(api, provider.getTracer('weir/subgraph')),
    flush,
    async stop() {
      const ended = new AbortController();
      const last = provider.shutdown().catch(() => undefined);
      const longest = sleep(shutdownTimeoutMilliseconds, undefined, ended).catch(() => undefined);
      await Promise.race([last, longest]);
      ended.abort();
    },
  };
}

/** Logs when exports begin to fail, and when they succeed again. */
function logged(exporter: SpanExporter, log: Pick<FastifyBaseLogger, 'info' | 'warn'>): SpanExporter {
  let isFailing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error && !isFailing) log.warn({ err: error }, 'spans could not be sent to the collector');
        if (!error && isFailing) log.info('the collector takes spans again');
        isFailing = error !== undefined;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
