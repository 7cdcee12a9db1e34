import { type FastifyBaseLogger } from 'fastify';
import { type Database } from '../../table/database';
import { type Tracer } from '../../traces/tracer';
import { type Definition } from '../definition';
import { type RunTask } from '../run-task';

export interface EmbeddedEngineOptions {
  /** The subgraph's name, which names the table. */
  readonly subgraph: string;
  readonly db: Database;
  /** The table is there. */
  readonly prepared: Promise<void>;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Whether this process has the tasks of a definition, which another version of the subgraph may have begun with. */
  readonly canRun: (definition: Definition) => boolean;
  readonly runTask: RunTask;
  readonly log: FastifyBaseLogger;
  /** Executions that this process runs at once; others wait in the table. @default 100 */
  readonly concurrency?: number;
  /** How long others see no sign of life of a process before they take its execution over. @default 2000 */
  readonly leaseMilliseconds?: number;
  /**
   * How often the table is searched for executions that nobody runs; while there are none, for a quarter of them each
   * time. @default 5000
   */
  readonly sweepMilliseconds?: number;
  /** How long a second of a definition is; tests shorten it. @default 1000 */
  readonly secondMilliseconds?: number;
  /** Records the writes of executions, and their waits. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

/** The options and their defaults, for the parts of the engine. */
export type EngineSettings = Required<EmbeddedEngineOptions>;

export const settingsOf = (options: EmbeddedEngineOptions): EngineSettings => ({
  concurrency: 100,
  leaseMilliseconds: 2000,
  sweepMilliseconds: 5000,
  secondMilliseconds: 1000,
  tracer: undefined,
  ...options,
});
