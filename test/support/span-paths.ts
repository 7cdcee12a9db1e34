import { type ReceivedSpan } from './otlp-receiver';

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

/**
 * A trace as the paths from its root to its leaves, each once, such as `gateway server POST /graphql > gateway internal
 * graphql.parse`. Throws where a span has no parent among them but the root.
 */
export function pathsOf(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  const pathOf = (span: ReceivedSpan): string => {
    const label = `${String(span.service)} ${kinds[span.kind]} ${span.name}`;
    if (span.parentSpanId === undefined) return label;
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) throw new Error(`${label} has a parent that nobody has sent.`);
    return `${pathOf(parent)} > ${label}`;
  };
  return [...new Set(spans.filter(({ spanId }) => !parents.has(spanId)).map(pathOf))].sort();
}
