import * as api from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Tracer } from '../../kit/traces/tracer';

/** A tracer of the kit that keeps its spans. */
export function recordSpans(): { tracer: Tracer; spans: () => readonly ReadableSpan[]; reset: () => void } {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return {
    tracer: new Tracer(api, provider.getTracer('test')),
    /** Those that have ended, in that order. */
    spans: () => exporter.getFinishedSpans(),
    reset: () => exporter.reset(),
  };
}

/** A trace context of somebody else. */
export const traceId = '0af7651916cd43dd8448eb211c80319c';
export const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
export const unsampled = `00-${traceId}-b7ad6b7169203331-00`;
