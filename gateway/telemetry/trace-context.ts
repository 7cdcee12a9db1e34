/** The trace context of a client's request (W3C Trace Context, level 2). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** For subgraphs: the header of the client unchanged, or that of the gateway's own span. */
  readonly traceparent: string;
  /** The data of tracing systems, unchanged. */
  readonly tracestate: string | undefined;
}

/**
 * Reads the trace context. Undefined without one, and if it is not valid; then subgraphs may begin traces of their own.
 */
export function readTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
  if (traceId === undefined) return undefined;
  const isSendable =
    tracestate !== undefined && tracestate.length <= maxStateLength && isPrintable(tracestate);
  return { traceId, traceparent: traceparent!, tracestate: isSendable ? tracestate : undefined };
}

/** Whether it may be sent as it is. Events of brokers may have anything. */
const isPrintable = (text: string): boolean => /^[\t\x20-\x7e]*$/.test(text);

/** Characters. A longer value is dropped, as it must not be cut in the middle. The standard requires at least 512. */
const maxStateLength = 1024;

/** The trace id. In a future version only the first four fields are read. Version ff is forbidden (section 3.2.2). */
function traceIdOf(traceparent: string): string | undefined {
  const match =
    /^([0-9a-e][0-9a-f]|f[0-9a-e])-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x20-\x7e]*)?$/.exec(
      traceparent,
    );
  if (match === null) return undefined;
  const [, version, traceId, parentId, rest] = match;
  if (version === '00' && rest !== undefined) return undefined;
  return /^0+$/.test(traceId!) || /^0+$/.test(parentId!) ? undefined : traceId;
}
