import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { getOperationAST, type GraphQLSchema, parse } from 'graphql';
import type { Logger } from '../telemetry/logger';
import type { Meter, Sum } from '../telemetry/metrics/meter';
import type { AttributesOf } from '../telemetry/metrics/metric-table';
import { compileInputs, type FindInputs } from './inputs';
import { signatureOf } from './signature';

/** Writes the counters. */
export interface UsageSink {
  putOperation(hash: string, text: string): Promise<void>;
  putSegment(segment: {
    readonly id: string;
    readonly day: string;
    readonly counts: readonly {
      readonly operation: string;
      readonly client: string;
      readonly version: string;
      readonly requests: number;
      readonly inputs?: Readonly<Record<string, number>>;
    }[];
  }): Promise<void>;
}

/** Name and version in the headers of a client; empty without them. */
export interface UsageClient {
  readonly clientName: string;
  readonly clientVersion: string;
}

/** Counts one request. */
export type CountUse = (client: UsageClient, variables: Readonly<Record<string, unknown>>) => void;

export interface UsageRecorder {
  /** Compiles the usage of an operation, so that a request only increments a counter. */
  operation(source: string, operationName: string | undefined, schema: GraphQLSchema): CountUse;
  /** Resolves when the counts so far are written, or could not be. */
  flush(): Promise<void>;
  /** Writes the remaining counts. */
  close(): Promise<void>;
}

export interface UsageRecorderOptions {
  readonly sink: UsageSink;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Milliseconds between two writes. Counts of this period are lost if the process is killed. */
  readonly interval: number;
  /** Counters per segment. Further ones begin a new segment. @default 2_000 */
  readonly segmentSize?: number | undefined;
}

/**
 * Counts which operations clients send. It holds at most `longestQueue` segments of `segmentSize` counters, and writes
 * at most `mostSegments` of them in a day, whatever names clients send. Requests beyond are counted as dropped.
 */
export function createUsageRecorder(options: UsageRecorderOptions): UsageRecorder {
  const { sink, logger, meter, interval, segmentSize = 2_000 } = options;
  const gateway = `${hostname().replace(/[^\w-]/g, '-')}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const dropped = meter.sum('weir.usage.dropped');
  const written = new Set<string>();
  let serial = 0;
  let segment = newSegment();
  const full: Segment[] = [];
  let failed = false;
  let writing = Promise.resolve();

  function newSegment(): Segment {
    const day = new Date().toISOString().slice(0, 10);
    return { id: `${gateway}-${serial++}`, day, counters: [], isChanged: false };
  }

  function rotate(): void {
    if (segment.isChanged) full.push(segment);
    if (full.length > longestQueue) drop(full.shift()!, dropped);
    segment = newSegment();
  }

  function newCounter(operation: RecordedText, clientName: string, clientVersion: string): Use {
    if (segment.counters.length >= segmentSize) rotate();
    const use = { operation, segment, clientName, clientVersion, requests: 0, inputs: undefined };
    segment.counters.push(use);
    return use;
  }

  async function write(): Promise<void> {
    if (segment.day !== new Date().toISOString().slice(0, 10)) rotate();
    try {
      while (full.length > 0) {
        await writeSegment(full[0]!);
        full.shift();
      }
      await writeSegment(segment);
      failed = false;
    } catch (error) {
      if (!failed)
        logger.warn({ reason: (error as Error).message }, 'usage of the schema cannot be recorded');
      failed = true;
    }
  }

  async function writeSegment(each: Segment): Promise<void> {
    if (!each.isChanged) return;
    each.isChanged = false;
    try {
      for (const { hash, text } of new Set(each.counters.map(({ operation }) => operation))) {
        if (written.has(hash)) continue;
        await sink.putOperation(hash, text);
        if (written.size > 25 * segmentSize) written.clear();
        written.add(hash);
      }
      await sink.putSegment({ id: each.id, day: each.day, counts: each.counters.map(toCount) });
    } catch (error) {
      each.isChanged = true;
      throw error;
    }
  }

  const schedule = (): Promise<void> => (writing = writing.then(write));
  // A part of the interval is random, so that many gateways do not write at the same time.
  const timer = setInterval(() => void schedule(), interval * (0.75 + Math.random() / 4));
  timer.unref();

  return {
    operation(source, operationName, schema) {
      const { hash, text } = signatureOf(source, operationName, schema);
      const ast = getOperationAST(parse(source, { noLocation: true }), operationName)!;
      const operation: RecordedText = { hash, text };
      const find = compileInputs(ast, schema);
      let uses: Use[] = [];
      let last: Use | undefined;
      return ({ clientName, clientVersion }, variables) => {
        if (
          last === undefined ||
          last.segment !== segment ||
          last.clientName !== clientName ||
          last.clientVersion !== clientVersion
        ) {
          if (last !== undefined && last.segment !== segment) uses = [];
          last = uses.find((use) => use.clientName === clientName && use.clientVersion === clientVersion);
          if (last === undefined) uses.push((last = newCounter(operation, clientName, clientVersion)));
        }
        last.requests++;
        last.segment.isChanged = true;
        if (find !== undefined) countInputs(last, find, variables);
      };
    },
    flush: schedule,
    async close() {
      clearInterval(timer);
      await Promise.race([schedule(), delay(shutdownTimeout, undefined, { ref: false })]);
    },
  };
}

interface RecordedText {
  readonly hash: string;
  readonly text: string;
}

interface Segment {
  readonly id: string;
  readonly day: string;
  readonly counters: Use[];
  isChanged: boolean;
}

/** The counter of an operation and a client. */
interface Use {
  readonly operation: RecordedText;
  readonly segment: Segment;
  readonly clientName: string;
  readonly clientVersion: string;
  requests: number;
  inputs: Map<string, { requests: number; stamp: number }> | undefined;
}

const longestQueue = 8;
/** Milliseconds to wait for the last write at the stop. */
const shutdownTimeout = 10_000;

/** Counts enum values and input fields in variables, each once per request. */
function countInputs(use: Use, find: FindInputs, variables: Readonly<Record<string, unknown>>): void {
  const inputs = (use.inputs ??= new Map<string, { requests: number; stamp: number }>());
  const stamp = use.requests;
  find(variables, (coordinate) => {
    const input = inputs.get(coordinate);
    if (input === undefined) inputs.set(coordinate, { requests: 1, stamp });
    else if (input.stamp !== stamp) {
      input.requests++;
      input.stamp = stamp;
    }
  });
}

function toCount({ operation, clientName, clientVersion, requests, inputs }: Use) {
  return {
    operation: operation.hash,
    client: clientName,
    version: clientVersion,
    requests,
    ...(inputs === undefined
      ? {}
      : { inputs: Object.fromEntries(Array.from(inputs, ([name, input]) => [name, input.requests])) }),
  };
}

function drop({ counters }: Segment, dropped: Sum<AttributesOf<'weir.usage.dropped'>>): void {
  dropped.add(
    counters.reduce((sum, { requests }) => sum + requests, 0),
    {},
  );
}
