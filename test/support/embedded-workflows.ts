import { pino, type Logger } from 'pino';
import { type Database } from '../../kit/table/database';
import { causedFetch } from '../../kit/traces/caused-fetch';
import { type Tracer } from '../../kit/traces/tracer';
import { type Task } from '../../kit/workflows/workflows';
import { type Definition } from '../../kit/workflows/definition';
import { embeddedEngine } from '../../kit/workflows/embedded-engine';
import { type EmbeddedEngineOptions } from '../../kit/workflows/embedded/settings';
import { type WorkflowEngine } from '../../kit/workflows/engine';
import { bindWorkflows } from '../../kit/workflows/open-workflows';
import { taskRunner, type RunTask } from '../../kit/workflows/run-task';

export interface EngineSetup {
  readonly definitions: readonly Definition[];
  readonly tasks: Readonly<Record<string, Task>>;
  /** @default nowhere */
  readonly log?: Logger;
  /** @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
}

const nowhere = pino({ level: 'silent' });

/** Runs the tasks of a setup, which has nothing beside its database. */
export const runnerOf = (db: Database, { definitions, tasks, log = nowhere, tracer }: EngineSetup): RunTask =>
  taskRunner({
    tasks: new Map(definitions.map(({ name }) => [name, tasks])),
    log,
    tracer,
    scope: (cause) => ({
      db,
      cause,
      options: {},
      propagation: { 'x-request-id': cause.correlationid },
      fetch: causedFetch(cause, undefined),
      sign: () => ({}),
      workflows: bindWorkflows(new Map(), undefined, cause),
    }),
  });

/** The engine in this process: a second of a definition takes 20 ms. */
export const openEmbedded = (
  db: Database,
  setup: EngineSetup,
  options: Partial<EmbeddedEngineOptions> = {},
): WorkflowEngine =>
  embeddedEngine({
    subgraph: 'test',
    db,
    prepared: Promise.resolve(),
    definitions: new Map(setup.definitions.map((definition) => [definition.name, definition])),
    canRun: () => true,
    log: setup.log ?? nowhere,
    secondMilliseconds: 20,
    tracer: setup.tracer,
    runTask: runnerOf(db, setup),
    ...options,
  });
