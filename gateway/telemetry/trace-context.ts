/** The trace context of a client's request (W3C Trace Context, level 2). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** A header of version 00, written anew from the ids and flags that were read. */
  readonly traceparent: string;
  /** The data of tracing systems, unchanged: text that the client chose. */
  readonly tracestate: string | undefined;
}

/**
 * Reads the trace context. Undefined without one, and if it is not valid; then subgraphs may begin traces of their own.
 * In a future version only the first four fields are read. Version ff is forbidden (section 3.2.2).
 */
export function readTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  const fields = traceparent === undefined ? null : format.exec(traceparent);
  if (fields === null) return undefined;
  const [, version, traceId, parentId, flags, rest] = fields as unknown as TraceparentFields;
  if (version === '00' && rest !== undefined) return undefined;
  if (isZero(traceId) || isZero(parentId)) return undefined;
  const isSendable =
    tracestate !== undefined && tracestate.length <= maxStateLength && isPrintable(tracestate);
  return {
    traceId,
    traceparent: `00-${traceId}-${parentId}-0${Number.parseInt(flags, 16) & knownFlags}`,
    tracestate: isSendable ? tracestate : undefined,
  };
}

const format = /^([0-9a-e][0-9a-f]|f[0-9a-e])-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x20-\x7e]*)?$/;

type TraceparentFields = [
  text: string,
  version: string,
  traceId: string,
  parentId: string,
  flags: string,
  rest?: string,
];

/** The span of a client, in another process. */
export interface ParentContext {
  readonly traceId: string;
  /** Undefined where a load balancer has begun the trace, which records no span. */
  readonly spanId: string | undefined;
  /** Undefined where nobody has decided yet. */
  readonly isSampled: boolean | undefined;
}

/** The span that has sent a trace context. */
export function parentIn({ traceId, traceparent }: TraceContext) {
  const flags = Number.parseInt(traceparent.slice(53, 55), 16);
  return { traceId, spanId: traceparent.slice(36, 52), isSampled: (flags & 1) === 1 };
}

/** A `traceparent` of version 00. */
export const traceparentOf = (traceId: string, spanId: string, isSampled: boolean): string =>
  `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}`;

/** `sampled` and `random`. */
const knownFlags = 3;

/** Whether an id, in hexadecimal digits, is invalid because it is zero. */
export const isZero = (id: string): boolean => /^0+$/.test(id);

/** Whether it may be sent as it is. Events of brokers may have anything. */
const isPrintable = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text);

/** Characters. A longer value is dropped, as it must not be cut in the middle. The standard requires at least 512. */
const maxStateLength = 1024;
