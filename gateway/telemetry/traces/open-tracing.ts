import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace-base';
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { type Options, OptionsError } from '../../options';
import type { Logger } from '../logger';
import type { Meter } from '../meter';
import { randomIds } from './random-ids';
import { readableSpans } from './readable-span';
import { type ParentContext, Tracer, traceparentOf } from './tracer';
import { Undecided } from './trace';
import { writeXRay } from './x-ray';

export interface TracingOptions {
  readonly options: Options['telemetry'];
  /** The variables of OpenTelemetry's SDK. The SDK itself reads those of its queue and of the exporter. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The path of the endpoint. */
  readonly path: string;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Agents that connect through a proxy; empty without one. */
  readonly agents: { readonly httpAgent?: Agent; readonly httpsAgent?: Agent };
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Exports what is left. Resolves within two seconds, even if the collector has not taken it. */
  stop(): Promise<void>;
}

/**
 * Opens the export of spans: OpenTelemetry's processor and exporter, which are loaded only now. Undefined where neither the
 * options nor the environment name a collector, and where the environment turns tracing off.
 *
 * @throws {OptionsError} if the environment has a value that is unknown or not supported
 */
export async function openTracing(given: TracingOptions): Promise<Tracing | undefined> {
  const { options, env, version, path, meter, logger } = given;
  const { otlp, sampling, keep, xRay } = options.traces;
  if (!isOn(otlp.url, env)) return undefined;
  const [api, sdk, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
  ]);
  const service = resources.resourceFromAttributes({
    ...{ 'service.name': 'weir', 'service.version': version, 'service.instance.id': randomUUID() },
    ...resources.detectResources({ detectors: [resources.envDetector] }).attributes,
    ...options.resource,
  });
  const spans = meter.sum('weir.traces.spans');
  const [sent, failed, dropped] = ['exported', 'failed', 'dropped'].map((result) => spans.of({ result }));
  const most = Number(env['OTEL_BSP_MAX_QUEUE_SIZE'] ?? '') || defaultQueue;
  /** How many spans are in the processor's queue. */
  let queued = 0;
  const inner = await openExporter(given);
  let isFailing = false;
  const exporter: SpanExporter = {
    export: (batch, done) => {
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
  const readable = readableSpans(api, service, { name: 'weir', version });
  const newId = randomIds();
  const drop = (): void => {
    dropped!.value++;
  };
  const sampler = samplerOf(sampling, env, sdk);
  const isSampled = (traceId: string, parent: ParentContext | undefined): boolean => {
    const context: Context =
      parent?.isSampled === undefined
        ? api.ROOT_CONTEXT
        : api.trace.setSpanContext(api.ROOT_CONTEXT, {
            ...{ traceId, spanId: parent.spanId ?? someSpan, isRemote: true },
            traceFlags: parent.isSampled ? 1 : 0,
          });
    const { decision } = sampler.shouldSample(context, traceId, 'request', api.SpanKind.SERVER, {}, []);
    return decision === sdk.SamplingDecision.RECORD_AND_SAMPLED;
  };
  const tracer = new Tracer({
    ...{ path, keep, xRay, isSampled, drop },
    newTraceId: () => newId(16),
    newSpanId: () => newId(8),
    undecided: new Undecided(mostUndecided),
    take: (span) => {
      if (queued >= most) drop();
      else {
        queued++;
        processor.onEnd(readable(span));
      }
    },
    writeHeaders: (trace, spanId) => {
      const { id, isSampled: flag, state } = trace;
      const traceparent = traceparentOf(id, spanId, flag);
      const w3c = state === undefined ? { traceparent } : { traceparent, tracestate: state };
      return xRay ? { ...w3c, 'x-amzn-trace-id': writeXRay(id, spanId, flag) } : w3c;
    },
  });
  return {
    tracer,
    async stop() {
      const ended = new AbortController();
      // What it rejects with has been logged by the exporter.
      const last = processor.shutdown().catch(() => undefined);
      const longest = sleep(longestFarewell, undefined, { signal: ended.signal }).catch(() => undefined);
      await Promise.race([last, longest]);
      ended.abort();
    },
  };
}

/** Samplers take only contexts with one. */
const someSpan = '0000000000000001';
/** The default of `OTEL_BSP_MAX_QUEUE_SIZE`. */
const defaultQueue = 2048;
/** Spans, links and events: 3 to 7 MB, as measured. */
const mostUndecided = 10_000;
const longestFarewell = 2_000;

function isOn(url: string | undefined, env: TracingOptions['env']): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER'] ?? '';
  if (exporter === 'none') return false;
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  if (url === undefined && endpoint === '') return false;
  if (exporter !== '' && exporter !== 'otlp') throw unknown('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  return true;
}

async function openExporter({ options, env, agents }: TracingOptions): Promise<SpanExporter> {
  const { url, headers } = options.traces.otlp;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? '';
  if (protocol !== '' && protocol !== 'http/protobuf')
    throw unknown('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf']);
  const { httpAgent, httpsAgent } = agents;
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({
    ...(url !== undefined && { url }),
    headers: { ...headers },
    ...(httpAgent !== undefined &&
      httpsAgent !== undefined && {
        httpAgentOptions: (scheme: string) => (scheme === 'https:' ? httpsAgent : httpAgent),
      }),
  });
}

/** The sampler that the options name, or the environment. */
function samplerOf(sampling: number | undefined, env: TracingOptions['env'], sdk: typeof Sdk): Sampler {
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
