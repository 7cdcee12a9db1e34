/** OpenTelemetry's SDK for Node, as its documentation sets it up. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** @param traces the URL of the collector, and the share of the requests whose spans are exported */
export const openTelemetry = ({ url, share }) =>
  new NodeTracerProvider({
    sampler: new TraceIdRatioBasedSampler(share),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: 20_000 })],
  });
