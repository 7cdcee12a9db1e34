import { traceIdIn } from '../../traces/trace';

/**
 * The trace header of AWS X-Ray (`AWSTraceHeader`, `X-Amzn-Trace-Id`) for a W3C `traceparent`: the trace id is the same,
 * written in two parts.
 */
export function xRayHeaderOf(traceparent: string): string | undefined {
  const traceId = traceIdIn(traceparent);
  if (traceId === undefined) return undefined;
  const [, , parentId, flags] = traceparent.split('-');
  const sampled = Number.parseInt(flags!, 16) & 1;
  return `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${parentId};Sampled=${sampled}`;
}

/** The `traceparent` for such a header; undefined where it is broken or names no parent. */
export function traceparentOf(header: string): string | undefined {
  const fields = new Map(header.split(';').map((field) => field.trim().split('=', 2) as [string, string]));
  const root = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(fields.get('Root') ?? '');
  if (root === null) return undefined;
  const traceparent = `00-${root[1]}${root[2]}-${fields.get('Parent')}-0${fields.get('Sampled') === '1' ? 1 : 0}`;
  return traceIdIn(traceparent) === undefined ? undefined : traceparent;
}
