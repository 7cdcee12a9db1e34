/** The distributed trace that a client says its request belongs to: W3C Trace Context, level 2. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** As it came. The gateway records no span, so the client's stays the parent of those of the subgraphs. */
  readonly traceparent: string;
  /** What tracing systems say to each other; as it came. */
  readonly tracestate: string | undefined;
}

/** Undefined without a trace, and for one that is not valid: subgraphs then begin traces as they like. */
export function readTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  const traceId = traceparent === undefined ? undefined : traceIdOf(traceparent);
  if (traceId === undefined) return undefined;
  const isShort = tracestate !== undefined && tracestate.length <= maxStateLength;
  return { traceId, traceparent: traceparent!, tracestate: isShort ? tracestate : undefined };
}

/** A longer one must not be cut in the middle; the standard asks for 512 to be handed on at least. */
const maxStateLength = 1024;

/** Of a future version the first four fields count; version ff is forbidden (section 3.2.2). */
function traceIdOf(traceparent: string): string | undefined {
  const match = /^([0-9a-e][0-9a-f]|f[0-9a-e])-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(
    traceparent,
  );
  if (match === null) return undefined;
  const [, version, traceId, parentId, rest] = match;
  if (version === '00' && rest !== undefined) return undefined;
  return /^0+$/.test(traceId!) || /^0+$/.test(parentId!) ? undefined : traceId;
}
