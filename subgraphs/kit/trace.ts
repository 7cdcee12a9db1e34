import { randomBytes, randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';

/** Where a request belongs: its id, and its place in a W3C trace. */
export interface Trace {
  readonly requestId: string;
  readonly traceId: string;
  /** Headers that hand both on to the services that are called for this request. */
  readonly propagation: Readonly<Record<string, string>>;
}

/** Takes over what the caller says and makes up what it does not say, or not validly (W3C Trace Context, section 3). */
export function readTrace(headers: IncomingHttpHeaders): Trace {
  const requestId = readRequestId(headers);
  const parent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(
    single(headers['traceparent']) ?? '',
  );
  const continued = parent && !/^0+$/.test(parent[1]!) && !/^0+$/.test(parent[2]!);
  const traceId = continued ? parent[1]! : randomBytes(16).toString('hex');
  const flags = continued ? parent[3]! : '00';
  const state = continued ? single(headers['tracestate']) : undefined;
  return {
    requestId,
    traceId,
    propagation: {
      'x-request-id': requestId,
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-${flags}`,
      ...(state !== undefined && { tracestate: state }),
    },
  };
}

function readRequestId(headers: IncomingHttpHeaders): string {
  const given = single(headers['x-request-id']);
  return given !== undefined && /^[A-Za-z0-9_.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}
