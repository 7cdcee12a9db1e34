import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '@opentelemetry/api';
import type { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import type { ISerializer } from '@opentelemetry/otlp-transformer';
import type * as Sdk from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan, Sampler, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { type Options, OptionsError } from '../../options';
import type { Logger } from '../logger';
import type { Meter } from '../meter';
import type { Attributes, Span } from './span';
import type { ParentContext } from './tracer';
import { spanWriter } from './write-spans';

export interface ExportOptions {
  readonly options: Options['telemetry'];
  /** The variables of OpenTelemetry's SDK. The SDK itself reads those of its queue and of the exporter. */
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
 * Opens the export of spans: OpenTelemetry's processor and exporter, which are loaded only now. Undefined where neither the
 * options nor the environment name a collector, and where the environment turns tracing off.
 *
 * @throws {OptionsError} if the environment has a value that is unknown or not supported
 */
export async function openExport(given: ExportOptions): Promise<SpanExport | undefined> {
  const { options, env, version, meter, logger } = given;
  const { otlp, sampling } = options.traces;
  if (!isOn(otlp.url, env)) return undefined;
  const [api, sdk, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
  ]);
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
  const most = Number(env['OTEL_BSP_MAX_QUEUE_SIZE'] ?? '') || defaultQueue;
  /** How many spans are in the processor's queue. */
  let queued = 0;
  const write = spanWriter({ resource: attributes as Attributes, version });
  const inner = await openExporter(given, (batch) => write(batch.map(({ span }) => span)));
  let isFailing = false;
  const exporter: SpanExporter = {
    export: (readable, done) => {
      const batch = readable as unknown as Queued[];
      queued -= batch.length;
      inner.export(batch, (result) => {
        const isSent = result.error === undefined;
        (isSent ? sent : failed)!.value += batch.length;
        if (isSent && isFailing) logger.info('the collector takes spans again');
        if (!isSent && !isFailing)
          logger.warn({ err: result.error }, 'spans could not be sent to the collector');
        isFailing = !isSent;
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
  };
  const processor = new sdk.BatchSpanProcessor(exporter, { maxQueueSize: most });
  const sampler = samplerOf(sampling, env, sdk);
  return {
    drop,
    isSampled: (traceId, parent) => {
      const context: Context =
        parent?.isSampled === undefined
          ? api.ROOT_CONTEXT
          : api.trace.setSpanContext(api.ROOT_CONTEXT, {
              ...{ traceId, spanId: parent.spanId ?? someSpan, isRemote: true },
              traceFlags: parent.isSampled ? 1 : 0,
            });
      const { decision } = sampler.shouldSample(context, traceId, 'request', api.SpanKind.SERVER, {}, []);
      return decision === sdk.SamplingDecision.RECORD_AND_SAMPLED;
    },
    take: (span) => {
      if (queued >= most) drop();
      else {
        queued++;
        processor.onEnd(new Queued(span) as unknown as ReadableSpan);
      }
    },
    // What it rejects with has been logged by the exporter.
    flush: () => processor.forceFlush().catch(() => undefined),
    async stop() {
      const ended = new AbortController();
      // What it rejects with has been logged by the exporter.
      const last = processor.shutdown().catch(() => undefined);
      const longest = sleep(shutdownTimeout, undefined, { signal: ended.signal }).catch(() => undefined);
      await Promise.race([last, longest]);
      ended.abort();
    },
  };
}

/** A span in the queue of OpenTelemetry's processor, which reads no more of it than this before it is exported. */
class Queued implements Pick<ReadableSpan, 'spanContext' | 'resource'> {
  readonly span: Span;
  readonly resource = noResource;

  constructor(span: Span) {
    this.span = span;
  }

  spanContext(): typeof exportedContext {
    return exportedContext;
  }
}

const noResource = {} as ReadableSpan['resource'];
const exportedContext = { traceId: '', spanId: '', traceFlags: 1 };

/** Samplers take only contexts with one. */
const someSpan = '0000000000000001';
/** The default of `OTEL_BSP_MAX_QUEUE_SIZE`. */
const defaultQueue = 2048;
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

/** The exporter of OpenTelemetry, with a serializer that takes a third of the time. */
async function openExporter(
  { options, env, agents }: ExportOptions,
  write: (spans: readonly Queued[]) => Uint8Array,
): Promise<Pick<OTLPExporterBase<Queued[]>, 'export' | 'shutdown'>> {
  const { url, headers } = options.traces.otlp;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? '';
  if (protocol !== '' && protocol !== 'http/protobuf')
    throw unknown('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf']);
  const [{ OTLPExporterBase }, http, { ProtobufTraceSerializer }] = await Promise.all([
    import('@opentelemetry/otlp-exporter-base'),
    import('@opentelemetry/otlp-exporter-base/node-http'),
    import('@opentelemetry/otlp-transformer'),
  ]);
  const { httpAgent, httpsAgent } = agents;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- what OpenTelemetry's own exporters of this version read options and variables with
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
  const serializer: ISerializer<Queued[], unknown> = {
    serializeRequest: write,
    deserializeResponse: (bytes) => ProtobufTraceSerializer.deserializeResponse(bytes),
  };
  const counting = { name: 'span', countItems: (spans: Queued[]) => spans.length } as const;
  return new OTLPExporterBase(
    http.createOtlpHttpExportDelegate(
      ...([configuration, serializer, 'otlp_http_span_exporter', counting, undefined] as const),
    ),
  );
}

/** The sampler that the options name, or the environment. */
function samplerOf(sampling: number | undefined, env: ExportOptions['env'], sdk: typeof Sdk): Sampler {
  const ratio = (share: number): Sampler => new sdk.TraceIdRatioBasedSampler(share);
  const parentBased = (root: Sampler): Sampler => new sdk.ParentBasedSampler({ root });
  if (sampling !== undefined) return parentBased(ratio(sampling));
  const share = (): number => {
    const text = env['OTEL_TRACES_SAMPLER_ARG'] ?? '';
    const number = text === '' ? 1 : Number(text);
    if (number >= 0 && number <= 1) return number;
    throw fault('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1');
  };
  const [on, off] = [new sdk.AlwaysOnSampler(), new sdk.AlwaysOffSampler()];
  const samplers: Readonly<Record<string, () => Sampler>> = {
    always_on: () => on,
    always_off: () => off,
    traceidratio: () => ratio(share()),
    parentbased_always_on: () => parentBased(on),
    parentbased_always_off: () => parentBased(off),
    parentbased_traceidratio: () => parentBased(ratio(share())),
  };
  const name = env['OTEL_TRACES_SAMPLER'] ?? '';
  const make = samplers[name === '' ? 'parentbased_always_on' : name];
  if (make === undefined) throw unknown('OTEL_TRACES_SAMPLER', Object.keys(samplers));
  return make();
}

const unknown = (variable: string, values: readonly string[]): OptionsError =>
  fault(variable, values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(', ')}`);

const fault = (variable: string, says: string): OptionsError =>
  new OptionsError([{ path: undefined, sentence: `The environment variable ${variable} ${says}.` }]);
