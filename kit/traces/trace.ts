import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { type Cause } from '../events/event';
import { type Span } from './tracer';

/** Request id and W3C trace context of a request. */
export interface Trace {
  readonly requestId: string;
  /** Undefined when the caller sent none. */
  readonly traceId: string | undefined;
  /** Headers that pass both to the services called for this request. */
  readonly propagation: Readonly<Record<string, string>>;
  /** Of the request, whose ids these are then. Undefined where nothing is exported. */
  readonly span?: Span;
}

/**
 * Takes over what the caller says (W3C Trace Context, section 3), and makes up a request id where it says none. No trace
 * is begun here, and none gets another parent.
 */
export function readTrace(headers: IncomingHttpHeaders): Trace {
  const requestId = readRequestId(headers);
  const traceparent = single(headers['traceparent']) ?? '';
  const traceId = traceIdIn(traceparent);
  if (traceId === undefined)
    return { requestId, traceId: undefined, propagation: { 'x-request-id': requestId } };
  const state = single(headers['tracestate']);
  return {
    requestId,
    traceId,
    propagation: {
      'x-request-id': requestId,
      traceparent,
      ...(state !== undefined && { tracestate: state }),
    },
  };
}

/** The headers that pass the ids of a cause to other services. */
export const propagationOf = ({ correlationid, traceparent, tracestate }: Cause): Record<string, string> => ({
  'x-request-id': correlationid,
  ...(traceparent !== undefined && { traceparent }),
  ...(tracestate !== undefined && { tracestate }),
});

/** What each log line of an event or an execution has. */
export function logged({ correlationid, traceparent }: Cause): object {
  const traceId = traceIdIn(traceparent ?? '');
  return { requestId: correlationid, ...(traceId !== undefined && { traceId }) };
}

/** The trace id of a `traceparent`; undefined where it is broken. */
export function traceIdIn(traceparent: string): string | undefined {
  const [, traceId, parentId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent) ?? [];
  return traceId === undefined || /^0+$/.test(traceId) || /^0+$/.test(parentId!) ? undefined : traceId;
}

/** Whether a `traceparent` has the flag `sampled` (W3C Trace Context, section 3.2.2.5.1); true without one. */
export const isSampled = (traceparent: string | undefined): boolean =>
  traceparent === undefined || (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;

function readRequestId(headers: IncomingHttpHeaders): string {
  const given = single(headers['x-request-id']);
  return given !== undefined && /^[A-Za-z0-9_.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
