import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SchemaType, SupergraphVersion } from '../console/api';
import type { RegistryFacts } from './registry-facts';
import type { VersionedSupergraph } from './removed-names';

export interface DescribeOptions {
  readonly supergraphSdl: string;
  readonly apiSchemaSdl: string;
  readonly registry: RegistryFacts | undefined;
}

export interface DescribedSupergraph {
  readonly types: readonly SchemaType[];
  /** How much use is counted; undefined where nobody counts. */
  readonly usage?: {
    /** The first day; undefined before the first request. */
    readonly from: string | undefined;
    readonly days: number;
    readonly neededDays: number;
  };
  /** What clients see that the last version that ran before did not have; undefined without one. */
  readonly changes?: SupergraphVersion['changes'] | undefined;
}

/** Milliseconds. A graph of 10,000 fields takes about one second. */
const timeout = 30_000;
/** Megabytes. */
const mostMemory = 512;

export const describeSupergraph = (options: DescribeOptions): Promise<DescribedSupergraph> =>
  inSchemaThread(options);

/** What `schema-thread.ts` makes. */
export type SchemaTask =
  | DescribeOptions
  | { readonly versions: readonly VersionedSupergraph[] }
  | { readonly supergraphs: readonly [before: string, after: string] };

/** Does it in a thread of its own that ends afterwards. Rejects if that fails or takes too long. */
export function inSchemaThread<Result>(task: SchemaTask): Promise<Result> {
  const worker = new Worker(threadFile, {
    ...{ workerData: task, execArgv: threadArguments },
    resourceLimits: { maxOldGenerationSizeMb: mostMemory },
  });
  worker.unref();
  return new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`The schema could not be described within ${timeout / 1000} s.`)),
      timeout,
    );
    timer.unref();
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The thread that describes the schema ended with exit code ${code}.`));
    });
  }).finally(() => void worker.terminate());
}

// Jest runs this from its sources, so the thread must compile them too.
const threadFile = join(__dirname, `schema-thread${extname(__filename)}`);
const threadArguments =
  extname(__filename) === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];
