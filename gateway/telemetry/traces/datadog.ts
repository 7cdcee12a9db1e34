import type { IncomingHttpHeaders } from 'node:http';
import { type ParentContext, parentIn, type TraceContext, traceparentOf } from '../trace-context';

/**
 * Reads the trace context of Datadog's tracers: `x-datadog-trace-id` has the lower 64 bits of the trace id as a decimal number,
 * `_dd.p.tid` in `x-datadog-tags` the upper ones in 16 hexadecimal digits. Undefined without an id, and if it is not valid.
 */
export function readDatadog(headers: IncomingHttpHeaders): ParentContext | undefined {
  const low = readId(headers['x-datadog-trace-id']);
  if (low === undefined) return undefined;
  const priority = headers['x-datadog-sampling-priority'];
  return {
    traceId: readHigh(headers['x-datadog-tags']) + low,
    spanId: readId(headers['x-datadog-parent-id']),
    isSampled: typeof priority === 'string' && /^-?\d$/.test(priority) ? Number(priority) > 0 : undefined,
  };
}

/** Writes the same anew. @param traceId 32 hexadecimal digits @param spanId 16 of them */
export function writeDatadog(traceId: string, spanId: string, isSampled: boolean): Record<string, string> {
  const high = traceId.slice(0, 16);
  return {
    'x-datadog-trace-id': decimal(traceId.slice(16)),
    'x-datadog-parent-id': decimal(spanId),
    'x-datadog-sampling-priority': isSampled ? '1' : '0',
    ...(high !== noHigh && { 'x-datadog-tags': `_dd.p.tid=${high}` }),
  };
}

/** The context for a request that continues the trace of these headers; a decision that is missing is to sample. */
export function datadogContext(headers: IncomingHttpHeaders): TraceContext | undefined {
  const { traceId, spanId, isSampled = true } = readDatadog(headers) ?? {};
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, traceparent: traceparentOf(traceId, spanId, isSampled), tracestate: undefined };
}

/** The same context in Datadog's headers. */
export function datadogHeaders(context: TraceContext): Record<string, string> {
  const { traceId, spanId, isSampled } = parentIn(context);
  return writeDatadog(traceId, spanId, isSampled);
}

type Header = string | string[] | undefined;

/** As 16 hexadecimal digits. Undefined if it is no number of 64 bits, or zero. */
function readId(header: Header): string | undefined {
  if (typeof header !== 'string' || !/^\d{1,20}$/.test(header)) return undefined;
  const id = BigInt(header);
  return id === 0n || id > largest ? undefined : id.toString(16).padStart(16, '0');
}

const largest = 0xffff_ffff_ffff_ffffn;

function readHigh(header: Header): string {
  if (typeof header !== 'string' || header.length > longestTags) return noHigh;
  for (const tag of header.split(',')) {
    const [name, value = ''] = tag.split('=');
    if (name === '_dd.p.tid' && /^[0-9a-f]{16}$/.test(value)) return value;
  }
  return noHigh;
}

/** Of a trace id of 64 bits. */
const noHigh = '0'.repeat(16);

/** Datadog's tracers send no longer ones. */
const longestTags = 512;

const decimal = (digits: string): string => BigInt(`0x${digits}`).toString();
