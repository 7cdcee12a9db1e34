import { valueOfDigit } from './hex-digits';

/**
 * Decides by the trace id whether a trace is exported, as `TraceIdRatioBased` of OpenTelemetry's SDK for JavaScript: services
 * with one share export the same traces. That one makes four texts of each id, and takes twice as long.
 *
 * @param share of the traces, from 0 to 1
 * @returns a function of a trace id: 32 hexadecimal digits, in lower case
 */
export function ratioSampler(share: number): (traceId: string) => boolean {
  if (share === 0 || share === 1) return () => share === 1;
  const bound = Math.floor(share * 0xffffffff);
  return (traceId) => traceId !== invalid && combined(traceId) < bound;
}

const invalid = '0'.repeat(32);

/** The four numbers of 32 bits that it is made of, combined by exclusive or. */
function combined(traceId: string): number {
  let bits = 0;
  for (let i = 0; i < 8; i++)
    bits =
      (bits << 4) |
      (digitAt(traceId, i) ^ digitAt(traceId, i + 8) ^ digitAt(traceId, i + 16) ^ digitAt(traceId, i + 24));
  return bits >>> 0;
}

const digitAt = (digits: string, at: number): number => valueOfDigit(digits.charCodeAt(at));
