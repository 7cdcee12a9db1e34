import type { RequestSummary } from './api';
import type { CacheParts } from './caches';
import type { CallPairs } from './call-report';
import type { ErrorParts } from './error-figures';
import type { ServiceGraphParts } from './graph';
import type { LiveParts } from './live';
import type { OperationParts, Range } from './operation-figures';
import type { StreamParts } from './streams';
import type { LoadParts } from './versions';

/** What pages are made of that show several gateways, of a whole gateway. */
export interface GatewayFigures {
  readonly live: LiveParts;
  readonly graph: ServiceGraphParts;
  /** Of the last 15 minutes, and of the last one or two. */
  readonly quarter: CallPairs;
  readonly minute: CallPairs;
  /** The most used operations in each range, and the most frequent errors. */
  readonly operations: Readonly<Record<Range, OperationParts>>;
  readonly errors: ErrorParts;
  readonly caches: CacheParts;
  readonly streams: StreamParts;
  readonly loads: LoadParts;
}

/** What a gateway writes for the consoles of others that share its store. */
export interface GatewaySummary {
  readonly format: typeof summaryFormat;
  /** Random, of this run of the gateway. */
  readonly id: string;
  /** As consoles show it. */
  readonly name: string;
  /** When it was made, in Unix milliseconds. */
  readonly at: number;
  /** Left out if it is too large. */
  readonly figures?: GatewayFigures;
  /** Requests that are in the store, too, the newest first; left out if it is too large with them. */
  readonly requests?: readonly RequestSummary[];
}

/** Goes up by one when gateways of an earlier version cannot read what this one writes, or the other way round. */
export const summaryFormat = 2;

/** The summary as text of at most 256 KiB: requests are left out where it is longer, and figures if that is not enough. */
export function encodeSummary(summary: GatewaySummary): Buffer {
  const { figures, requests, ...name } = summary;
  for (const parts of [{ figures, requests }, { figures }]) {
    const text = Buffer.from(JSON.stringify({ ...name, ...parts }));
    if (text.length <= mostBytes) return text;
  }
  return Buffer.from(JSON.stringify(name));
}

/** @returns undefined for what is no summary; of another format it has nothing but an id and a name */
export function decodeSummary(
  text: Buffer,
): GatewaySummary | Pick<GatewaySummary, 'id' | 'name'> | undefined {
  if (text.length === 0 || text.length > mostBytes) return undefined;
  try {
    const summary = JSON.parse(text.toString()) as Omit<GatewaySummary, 'format'> & {
      readonly format: number;
    };
    const { format, id, name } = summary;
    if (typeof id !== 'string' || typeof name !== 'string') return undefined;
    return format === summaryFormat ? { ...summary, format } : { id, name };
  } catch {
    return undefined;
  }
}

const mostBytes = 256 * 1024;
