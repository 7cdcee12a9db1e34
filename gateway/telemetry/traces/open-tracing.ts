import { randomIds } from './random-ids';
import { type ExportOptions, openExport } from './open-export';
import { traceparentOf } from '../trace-context';
import { Tracer } from './tracer';
import { type Recorder, UndecidedSpans } from './trace';
import { writeDatadog } from './datadog';
import { writeXRay } from './x-ray';

export interface TracingOptions extends ExportOptions {
  /** Undefined where the console records nothing. */
  readonly recorder: Recorder | undefined;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Resolves when the spans so far are exported, or could not be. */
  flush(): Promise<void>;
  /** Exports what is left. Resolves within two seconds, even if the collector has not taken it. */
  stop(): Promise<void>;
}

/**
 * Opens the tracing of requests. Undefined where spans are exported nowhere.
 *
 * @throws {OptionsError} if the environment has a value that is unknown or not supported
 */
export async function openTracing(given: TracingOptions): Promise<Tracing | undefined> {
  const exported = await openExport(given);
  if (exported === undefined) return undefined;
  const { isSampled, take, drop, flush, stop } = exported;
  const { keep, xRay, datadog } = given.options.traces;
  const newId = randomIds();
  const tracer = new Tracer({
    ...{ keep, xRay, datadog, isSampled, take, drop, recorder: given.recorder },
    newTraceId: () => newId(16),
    newSpanId: () => newId(8),
    undecided: new UndecidedSpans(mostUndecided),
    writeHeaders: ({ id, isSampled: flag }, spanId, requestId) => {
      const headers = { 'x-request-id': requestId, traceparent: traceparentOf(id, spanId, flag) };
      if (!xRay && !datadog) return headers;
      return {
        ...headers,
        ...(xRay && { 'x-amzn-trace-id': writeXRay(id, spanId, flag) }),
        ...(datadog && writeDatadog(id, spanId, flag)),
      };
    },
  });
  return { tracer, flush, stop };
}

/** Spans, links and events: 3 to 7 MB, as measured. */
const mostUndecided = 10_000;

/**
 * A tracer for the console alone. Nothing is exported. Headers and logs have the trace of the client instead, if there is
 * one.
 */
export function localTracer(recorder: Recorder): Tracer {
  const newId = randomIds();
  let spans = 0;
  return new Tracer({
    ...{ recorder, isLocal: true, xRay: false, datadog: false, keep: { failed: false } },
    isSampled: () => false,
    newTraceId: () => newId(16),
    // Only this process sees them.
    newSpanId: () => (++spans).toString(16),
    undecided: new UndecidedSpans(0),
    take: () => undefined,
    drop: () => undefined,
    writeHeaders: (_trace, _spanId, requestId) => ({ 'x-request-id': requestId }),
  });
}
