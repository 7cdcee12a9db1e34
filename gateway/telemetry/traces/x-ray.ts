import { isZero, type ParentContext } from '../trace-context';

/** Longer than any that AWS sends. */
const longest = 256;

/**
 * Reads `X-Amzn-Trace-Id`, such as `Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1`. Load
 * balancers send the root alone. Undefined if it is not valid, or its ids are zero.
 */
export function readXRay(header: string | undefined): ParentContext | undefined {
  if (header === undefined || header.length > longest) return undefined;
  const fields = new Map(
    header.split(';').map((field) => {
      const [name = '', value = ''] = field.trim().split('=');
      return [name.toLowerCase(), value];
    }),
  );
  const root = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(fields.get('root') ?? '');
  if (root === null) return undefined;
  const traceId = `${root[1]}${root[2]}`;
  if (isZero(traceId)) return undefined;
  const parent = fields.get('parent');
  const sampled = fields.get('sampled');
  return {
    traceId,
    spanId: parent !== undefined && /^[0-9a-f]{16}$/.test(parent) && !isZero(parent) ? parent : undefined,
    isSampled: sampled === '1' ? true : sampled === '0' ? false : undefined,
  };
}

/** Writes `X-Amzn-Trace-Id`. @param traceId 32 hexadecimal digits */
export const writeXRay = (traceId: string, spanId: string, isSampled: boolean): string =>
  `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${spanId};Sampled=${isSampled ? 1 : 0}`;

/** A trace id as X-Ray takes it: it begins with the time. @param random 32 hexadecimal digits */
export const xRayTraceId = (random: string, now = Date.now()): string =>
  Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0') + random.slice(8);
