import { type Cause } from '../events/event';
import { StartError } from '../serve/start-error';
import { type RequestScope, type Subgraph } from '../subgraph';
import { propagationOf } from '../traces/trace';
import { causedFetch } from '../traces/caused-fetch';
import { readDefinition, tasksOf, type Definition } from './definition';
import { type EmbeddedEngineOptions } from './embedded/settings';
import { embeddedEngine } from './embedded-engine';
import { readStart, type WorkflowEngine } from './engine';
import { openStepFunctionsEngine } from './step-functions-engine';
import { type StepFunctionsSettings } from './step-functions-settings';
import { taskRunner } from './run-task';
import { type Task, type Workflows } from './workflows';

/** The workflows of a subgraph, read and checked. */
export interface ReadWorkflows {
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly tasks: ReadonlyMap<string, Readonly<Record<string, Task>>>;
}

/** Reads the definitions of a subgraph. Throws a {@link StartError} for one that is refused or names an unknown task. */
export function readWorkflows({ workflows = [] }: Pick<Subgraph, 'workflows'>): ReadWorkflows {
  const definitions = new Map<string, Definition>();
  const tasks = new Map<string, Readonly<Record<string, Task>>>();
  for (const { definition: file, tasks: own } of workflows) {
    const definition = readDefinition(file);
    if (definitions.has(definition.name))
      throw new StartError(
        `Two workflows of this subgraph are named "${definition.name}"; the second is ${file}.`,
      );
    const missing = missingTask(definition, own);
    if (missing !== undefined) {
      const [state] = Object.entries(definition.States).find(
        ([, each]) => each.Type === 'Task' && each.Parameters.MessageBody.task === missing,
      )!;
      const known = Object.keys(own).join(', ') || 'none';
      throw new StartError(
        `The workflow ${file} is refused: the state "${state}" calls the task "${missing}", which the subgraph does not have; its tasks are: ${known}.`,
      );
    }
    definitions.set(definition.name, definition);
    tasks.set(definition.name, own);
  }
  return { definitions, tasks };
}

const missingTask = (
  definition: Definition,
  tasks: Readonly<Record<string, Task>> = {},
): string | undefined => tasksOf(definition).find((task) => !Object.hasOwn(tasks, task));

export interface WorkflowOptions
  extends
    ReadWorkflows,
    Pick<EmbeddedEngineOptions, 'subgraph' | 'prepared' | 'log' | 'tracer'>,
    Pick<RequestScope, 'db' | 'options' | 'sign'> {
  /** @default the embedded engine */
  readonly stepFunctions: StepFunctionsSettings | undefined;
  /** The process works between requests, too, which a Lambda function does not. */
  readonly staysAlive: boolean;
}

/** Throws a {@link StartError} for the embedded engine on Lambda. */
export function checkEngine({
  subgraph,
  definitions,
  stepFunctions,
  staysAlive,
}: Pick<WorkflowOptions, 'subgraph' | 'definitions' | 'stepFunctions' | 'staysAlive'>): void {
  if (definitions.size > 0 && !stepFunctions && !staysAlive)
    throw new StartError(
      `The subgraph "${subgraph}" has workflows, which a Lambda function cannot run, as it does not work between requests: set WEIR_STATE_MACHINES and WEIR_TASK_QUEUE.`,
    );
}

/** Opens the engine of a subgraph that has workflows. */
export async function openEngine(options: WorkflowOptions): Promise<WorkflowEngine> {
  const { definitions, tasks, subgraph, db, prepared, log, sign, options: settings } = options;
  const { stepFunctions, staysAlive, tracer } = options;
  const runTask = taskRunner({
    tasks,
    log,
    tracer,
    scope: (cause) => ({
      db: db.causedBy(cause),
      cause,
      options: settings,
      propagation: propagationOf(cause),
      fetch: causedFetch(cause, tracer),
      sign,
      workflows: bindWorkflows(definitions, engine, cause),
    }),
  });
  const canRun = (definition: Definition): boolean =>
    missingTask(definition, tasks.get(definition.name)) === undefined;
  const engine: WorkflowEngine = stepFunctions
    ? await openStepFunctionsEngine({ ...stepFunctions, definitions, runTask, log, pollsTasks: staysAlive })
    : embeddedEngine({ subgraph, db, prepared, definitions, canRun, runTask, log, tracer });
  return engine;
}

/** The workflows of one request, or of one task, which are the cause of the executions that they start. */
export function bindWorkflows(
  definitions: ReadonlyMap<string, Definition>,
  engine: WorkflowEngine | undefined,
  cause: Cause,
): Workflows {
  return {
    start: async (workflow, id, input) =>
      engine!.start(readStart(definitions, { workflow, id }, input, cause)),
    get: async (workflow, id) => engine?.get({ workflow, id }) ?? null,
    history: async (workflow, id) => engine?.history({ workflow, id }) ?? null,
    wait: async (workflow, id, { milliseconds }) => engine?.wait({ workflow, id }, milliseconds) ?? null,
  };
}
