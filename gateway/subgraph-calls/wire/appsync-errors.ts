import { JsonParts } from './json-parts';
import type { Interceptor, SubgraphResponse } from '../contract/transport';

/** AWS AppSync ends every request after 30 s. */
export const appSyncTimeout = 30_000;

/** Calls an AppSync API, whose errors have `errorType` instead of `extensions.code`. */
export function callAppSync(): Interceptor {
  return (next) => (request) => next(request).then(withCodes);
}

function withCodes(response: SubgraphResponse): SubgraphResponse {
  const body = errorsWithCodes(response.body);
  return body === response.body ? response : { ...response, body };
}

/** A GraphQL response in which `errorType` of errors is `extensions.code`. The same one where there is none. */
export function errorsWithCodes(body: Buffer): Buffer {
  if (!body.includes('"errorType"')) return body;
  const errors = errorsIn(body);
  if (errors === undefined) return body;
  const start = errors.byteOffset - body.byteOffset;
  const written = Buffer.from(JSON.stringify(toList(errors).map(withCode)));
  const rest = body.subarray(start + errors.length);
  return Buffer.concat([body.subarray(0, start), written, rest]);
}

/** The bytes of the response's `errors`; undefined if it has none or is not JSON. */
function errorsIn(body: Buffer): Buffer | undefined {
  let errors: Buffer | undefined;
  try {
    const parts = new JsonParts(body);
    parts.object((name) => {
      const value = parts.value();
      if (name === 'errors') errors = value;
    });
    parts.end();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return errors;
}

function toList(errors: Buffer): unknown[] {
  const list = JSON.parse(errors.toString()) as unknown;
  return Array.isArray(list) ? list : [list];
}

/** Moves `errorType` and `errorInfo` into `extensions` (GraphQL, section 7.1.2, "Errors"). */
function withCode(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('errorType' in error)) return error;
  const { errorType, errorInfo, ...rest } = error as AppSyncError;
  delete rest.data;
  const extensions = {
    ...rest.extensions,
    ...(typeof errorType === 'string' && errorType !== '' && { code: errorType }),
    ...(errorInfo != null && { errorInfo }),
  };
  return { ...rest, extensions };
}

interface AppSyncError {
  readonly errorType: unknown;
  readonly errorInfo?: unknown;
  data?: unknown;
  readonly extensions?: Readonly<Record<string, unknown>>;
}
