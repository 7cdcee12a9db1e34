import { pino } from 'pino';
import { type Task } from '../../subgraphs/kit';
import { type Definition } from '../../subgraphs/kit/workflows/definition';
import { embeddedEngine, type EmbeddedEngineOptions } from '../../subgraphs/kit/workflows/embedded-engine';
import { type WorkflowEngine } from '../../subgraphs/kit/workflows/engine';
import { executionsTable } from '../../subgraphs/kit/workflows/executions-table';
import { bindWorkflows } from '../../subgraphs/kit/workflows/open-workflows';
import { taskRunner } from '../../subgraphs/kit/workflows/run-task';
import { openTestDatabase } from './subgraph-kit';

export interface EngineSetup {
  readonly definitions: readonly Definition[];
  readonly tasks: Readonly<Record<string, Task>>;
}

/** What an engine runs on; several engines may share it, as processes do. */
export interface EngineGround {
  open(setup: EngineSetup): WorkflowEngine;
  close(): Promise<void>;
}

type OpenGround = () => Promise<EngineGround>;

const definitionsOf = ({ definitions }: EngineSetup) =>
  new Map(definitions.map((definition) => [definition.name, definition]));

/** The engine in this process: a second of a definition takes 20 ms. */
export function openEmbedded(
  db: EmbeddedEngineOptions['db'],
  { definitions, tasks }: EngineSetup,
  options: Partial<EmbeddedEngineOptions> = {},
): WorkflowEngine {
  const log = pino({ level: 'silent' });
  const byName = definitionsOf({ definitions, tasks });
  return embeddedEngine({
    subgraph: 'test',
    db,
    prepared: Promise.resolve(),
    definitions: byName,
    canRun: () => true,
    log,
    secondMilliseconds: 20,
    runTask: taskRunner({
      tasks: new Map(definitions.map(({ name }) => [name, tasks])),
      log,
      scope: (cause) => ({
        db,
        cause,
        events: { publish: () => Promise.resolve() },
        options: {},
        propagation: { 'x-request-id': cause.correlationid },
        sign: () => ({}),
        workflows: bindWorkflows(byName, undefined, cause),
      }),
    }),
    ...options,
  });
}

const embedded: OpenGround = async () => {
  const { db, stop } = await openTestDatabase(executionsTable('test'));
  return { open: (setup) => openEmbedded(db, setup), close: stop };
};

/** Every engine. */
export const workflowEngines: [string, typeof embeddedEngine, OpenGround][] = [
  ['embedded', embeddedEngine, embedded],
];
