import { randomFillSync } from 'node:crypto';

/** The place of one request in a distributed trace: W3C Trace Context, level 2. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Our part of the trace, 16 hexadecimal digits. */
  readonly spanId: string;
  /** Two hexadecimal digits; the last bit says whether the trace is recorded. */
  readonly flags: string;
  /** What tracing systems say to each other; handed on as it came. */
  readonly state: string | undefined;
}

/** Continues the caller's trace, or begins one when there is none, or none that is valid. */
export function startTrace(traceparent: string | undefined, tracestate: string | undefined): TraceContext {
  const caller = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  const spanId = randomId(8);
  if (caller === undefined) return { traceId: randomId(16), spanId, flags: '00', state: undefined };
  const state = tracestate !== undefined && tracestate.length <= maxStateLength ? tracestate : undefined;
  return { ...caller, spanId, state };
}

/** What a subgraph gets: our span is the parent of its own. */
export function formatTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags}`;
}

/** A longer one must not be cut in the middle; the standard asks for 512 to be handed on at least. */
const maxStateLength = 1024;

/** Of a future version the first four fields count; version ff is forbidden (section 3.2.2). */
function parseTraceparent(header: string): { traceId: string; flags: string } | undefined {
  const match = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header);
  if (match === null) return undefined;
  const [, version, traceId, parentId, flags, rest] = match;
  if (version === '00' && rest !== undefined) return undefined;
  if (/^0+$/.test(traceId!) || /^0+$/.test(parentId!)) return undefined;
  return { traceId: traceId!, flags: flags! };
}

/** Random bytes are asked of the system many at a time: a call costs more than the bytes. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomId(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}
