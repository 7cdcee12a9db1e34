import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import type { ISerializer } from '@opentelemetry/otlp-transformer';
import { type Options, OptionsError } from '../../options';
import { collectorLog } from '../collector-log';
import { GrpcCollector, otlpServices } from '../grpc-collector';
import type { Logger } from '../logger';
import type { Meter } from '../metrics/meter';
import type { Attributes, Span } from './span';
import type { ParentContext } from '../trace-context';
import { type SpanBatch, SpanBatches } from './span-batches';
import { SpanWriter } from './write-spans';
import { valueOfDigit } from './random-ids';

export interface ExportOptions {
  readonly options: Options['telemetry'];
  /** The variables of OpenTelemetry's SDK, which itself reads those of the exporter. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Agents that connect through a proxy; empty without one. */
  readonly agents: { readonly httpAgent?: Agent; readonly httpsAgent?: Agent };
}

/** What sends spans to a collector. */
export interface SpanExport {
  /** Decides whether a trace is exported. @param parent of the client; undefined where it has sent none */
  readonly isSampled: (traceId: string, parent: ParentContext | undefined) => boolean;
  /** Takes a span to export, or drops it where too many wait. */
  readonly take: (span: Span) => void;
  /** Counts a span that is dropped. */
  readonly drop: () => void;
  /** Resolves when the spans so far are exported, or could not be. */
  readonly flush: () => Promise<void>;
  /** Exports what is left. Resolves within two seconds, even if the collector has not taken it. */
  readonly stop: () => Promise<void>;
}

/**
 * Opens the export of spans by OpenTelemetry's exporter, which is loaded only now. Undefined where neither the options nor the
 * environment name a collector, and where the environment turns tracing off.
 *
 * @throws {OptionsError} if the environment has a value that is unknown or not supported
 */
export async function openExport(given: ExportOptions): Promise<SpanExport | undefined> {
  const { options, env, version, meter, logger } = given;
  const { otlp, sampling } = options.traces;
  if (!isOn(otlp.url, env)) return undefined;
  const isSampled = samplerOf(sampling, env);
  const resources = await import('@opentelemetry/resources');
  const { attributes } = resources.resourceFromAttributes({
    ...{ 'service.name': 'weir', 'service.version': version, 'service.instance.id': randomUUID() },
    ...resources.detectResources({ detectors: [resources.envDetector] }).attributes,
    ...options.resource,
  });
  const spans = meter.sum('weir.traces.spans');
  const [sent, failed, dropped] = ['exported', 'failed', 'dropped'].map((result) => spans.of({ result }));
  const drop = (): void => {
    dropped!.value++;
  };
  const exporter = await openExporter(given);
  const log = collectorLog(logger, 'spans');
  const send = (batch: SpanBatch): Promise<void> =>
    new Promise((resolve) => {
      exporter.export(batch, ({ error }) => {
        const isSent = error === undefined;
        (isSent ? sent : failed)!.value += batch.count;
        if (isSent) log.succeeded();
        else log.failed(error);
        resolve();
      });
    });
  const batches = new SpanBatches({
    ...{ writer: new SpanWriter({ resource: attributes as Attributes, version }), send, drop },
    delay: numberIn(env, 'OTEL_BSP_SCHEDULE_DELAY', 0) ?? 5_000,
    mostSpans: numberIn(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 1) ?? Infinity,
    batchSpans: numberIn(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1) ?? Infinity,
  });
  return {
    drop,
    isSampled,
    take: (span) => batches.take(span),
    flush: () => batches.flush(),
    async stop() {
      const ended = new AbortController();
      const last = batches.stop().then(() => exporter.shutdown());
      const longest = sleep(shutdownTimeout, undefined, { signal: ended.signal }).catch(() => undefined);
      await Promise.race([last, longest]);
      ended.abort();
      exporter.abort?.();
    },
  };
}

const shutdownTimeout = 2_000;

function isOn(url: string | undefined, env: ExportOptions['env']): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER'] ?? '';
  if (exporter === 'none') return false;
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  if (url === undefined && endpoint === '') return false;
  if (exporter !== '' && exporter !== 'otlp') throw unknown('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  return true;
}

interface Exporter extends Pick<OTLPExporterBase<SpanBatch>, 'export' | 'shutdown'> {
  /** Gives up what is not sent yet. */
  readonly abort?: () => void;
}

async function openExporter(given: ExportOptions): Promise<Exporter> {
  const { options, env } = given;
  const named = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? '';
  if (!['', 'http/protobuf', 'grpc'].includes(named))
    throw unknown('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf', 'grpc']);
  const protocol = options.traces.otlp.protocol ?? (named === 'grpc' ? 'grpc' : 'http');
  return protocol === 'grpc' ? openGrpcExporter(given) : openHttpExporter(given);
}

/** Sends spans over gRPC. OpenTelemetry reads the variables of URL, headers and timeout as it does for HTTP. */
async function openGrpcExporter({ options, env }: ExportOptions): Promise<Exporter> {
  const { url, headers } = options.traces.otlp;
  const http = await import('@opentelemetry/otlp-exporter-base/node-http');
  // oxlint-disable-next-line typescript/no-deprecated -- as below
  const configuration = http.convertLegacyHttpOptions(
    { ...(url !== undefined && { url }), headers: { ...headers } },
    ...(['TRACES', '', {}] as const),
  );
  const collector = new GrpcCollector({
    url: configuration.url,
    headers: await configuration.headers(),
    timeout: configuration.timeoutMillis,
    tls: {
      ca: fileIn(env, 'CERTIFICATE'),
      cert: fileIn(env, 'CLIENT_CERTIFICATE'),
      key: fileIn(env, 'CLIENT_KEY'),
    },
  });
  // Only the error is read.
  const result = {} as Parameters<Parameters<Exporter['export']>[1]>[0];
  return {
    export: ({ bytes }, done) =>
      void collector.send(otlpServices.traces, bytes).then(
        () => done(result),
        (error: unknown) => done({ ...result, error: error as Error }),
      ),
    shutdown: () => Promise.resolve(),
    abort: () => collector.close(),
  };
}

/** What is in a file that the environment names for the connection; undefined where it names none. */
function fileIn(env: ExportOptions['env'], name: string): Buffer | undefined {
  const variable = [`OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`].find(
    (each) => (env[each] ?? '') !== '',
  );
  if (variable === undefined) return undefined;
  try {
    return readFileSync(env[variable]!);
  } catch (error) {
    throw fault(variable, `names a file that cannot be read: ${(error as Error).message}`);
  }
}

/** The exporter of OpenTelemetry, for spans that are written already. */
async function openHttpExporter({ options, agents }: ExportOptions): Promise<Exporter> {
  const { url, headers } = options.traces.otlp;
  const [{ OTLPExporterBase }, http, { ProtobufTraceSerializer }] = await Promise.all([
    import('@opentelemetry/otlp-exporter-base'),
    import('@opentelemetry/otlp-exporter-base/node-http'),
    import('@opentelemetry/otlp-transformer'),
  ]);
  const { httpAgent, httpsAgent } = agents;
  // oxlint-disable-next-line typescript/no-deprecated -- what OpenTelemetry's own exporters of this version read options and variables with
  const configuration = http.convertLegacyHttpOptions(
    {
      ...(url !== undefined && { url }),
      headers: { ...headers },
      ...(httpAgent !== undefined &&
        httpsAgent !== undefined && {
          httpAgentOptions: (scheme: string) => (scheme === 'https:' ? httpsAgent : httpAgent),
        }),
    },
    ...(['TRACES', 'v1/traces', { 'Content-Type': 'application/x-protobuf' }] as const),
  );
  const serializer: ISerializer<SpanBatch, unknown> = {
    serializeRequest: ({ bytes }) => bytes,
    deserializeResponse: (bytes) => ProtobufTraceSerializer.deserializeResponse(bytes),
  };
  const counting = { name: 'span', countItems: ({ count }: SpanBatch) => count } as const;
  return new OTLPExporterBase(
    http.createOtlpHttpExportDelegate(
      ...([configuration, serializer, 'otlp_http_span_exporter', counting, undefined] as const),
    ),
  );
}

/** The sampler that the options name, or the environment. */
function samplerOf(sampling: number | undefined, env: ExportOptions['env']): Sampler {
  const parentBased =
    (root: Sampler): Sampler =>
    (traceId, parent) =>
      parent?.isSampled ?? root(traceId, parent);
  if (sampling !== undefined) return parentBased(ratioSampler(sampling));
  const share = (): number => {
    const text = env['OTEL_TRACES_SAMPLER_ARG'] ?? '';
    const number = text === '' ? 1 : Number(text);
    if (number >= 0 && number <= 1) return number;
    throw fault('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1');
  };
  const [on, off] = [ratioSampler(1), ratioSampler(0)];
  const samplers: Readonly<Record<string, () => Sampler>> = {
    always_on: () => on,
    always_off: () => off,
    traceidratio: () => ratioSampler(share()),
    parentbased_always_on: () => parentBased(on),
    parentbased_always_off: () => parentBased(off),
    parentbased_traceidratio: () => parentBased(ratioSampler(share())),
  };
  const name = env['OTEL_TRACES_SAMPLER'] ?? '';
  const make = samplers[name === '' ? 'parentbased_always_on' : name];
  if (make === undefined) throw unknown('OTEL_TRACES_SAMPLER', Object.keys(samplers));
  return make();
}

type Sampler = SpanExport['isSampled'];

/** A whole number in the environment; undefined where there is none. */
function numberIn(env: ExportOptions['env'], variable: string, least: number): number | undefined {
  const text = env[variable]?.trim() ?? '';
  if (text === '') return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw fault(variable, `must be a whole number, at least ${least}`);
}

const unknown = (variable: string, values: readonly string[]): OptionsError =>
  fault(variable, values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`);

const fault = (variable: string, message: string): OptionsError =>
  new OptionsError([{ path: undefined, sentence: `The environment variable ${variable} ${message}.` }]);

/**
 * Decides by the trace id whether a trace is exported, as `TraceIdRatioBased` of OpenTelemetry's SDK for JavaScript: services
 * with one share export the same traces. That one makes four texts of each id, and takes twice as long.
 *
 * @param share of the traces, from 0 to 1
 * @returns a function of a trace id: 32 hexadecimal digits, in lower case
 */
export function ratioSampler(share: number): (traceId: string) => boolean {
  if (share === 0 || share === 1) return () => share === 1;
  const bound = Math.floor(share * 0xffffffff);
  return (traceId) => traceId !== invalid && combined(traceId) < bound;
}

const invalid = '0'.repeat(32);

/** The four numbers of 32 bits that it is made of, combined by exclusive or. */
function combined(traceId: string): number {
  let bits = 0;
  for (let i = 0; i < 8; i++)
    bits =
      (bits << 4) |
      (digitAt(traceId, i) ^ digitAt(traceId, i + 8) ^ digitAt(traceId, i + 16) ^ digitAt(traceId, i + 24));
  return bits >>> 0;
}

const digitAt = (digits: string, at: number): number => valueOfDigit(digits.charCodeAt(at));
