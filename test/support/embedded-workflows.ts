import { pino } from 'pino';
import { type Task } from '../../subgraphs/kit/workflows/workflows';
import { type Definition } from '../../subgraphs/kit/workflows/definition';
import { embeddedEngine, type EmbeddedEngineOptions } from '../../subgraphs/kit/workflows/embedded-engine';
import { type WorkflowEngine } from '../../subgraphs/kit/workflows/engine';
import { bindWorkflows } from '../../subgraphs/kit/workflows/open-workflows';
import { taskRunner } from '../../subgraphs/kit/workflows/run-task';

export interface EngineSetup {
  readonly definitions: readonly Definition[];
  readonly tasks: Readonly<Record<string, Task>>;
}

/** The engine in this process: a second of a definition takes 20 ms. */
export function openEmbedded(
  db: EmbeddedEngineOptions['db'],
  { definitions, tasks }: EngineSetup,
  options: Partial<EmbeddedEngineOptions> = {},
): WorkflowEngine {
  const log = pino({ level: 'silent' });
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
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
