import { SFN } from '@aws-sdk/client-sfn';
import { SQS } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { embeddedEngine } from '../../kit/workflows/embedded-engine';
import { type WorkflowEngine } from '../../kit/workflows/engine';
import { executionsTable } from '../../kit/workflows/executions-table';
import { openStepFunctionsEngine } from '../../kit/workflows/step-functions-engine';
import { openEmbedded, runnerOf, type EngineSetup } from './embedded-workflows';
import { sayWithoutMoto, skippedWithoutMoto, startMoto } from './moto';
import { openTestDatabase } from './subgraph-kit';

/** What an engine runs on; several engines may share it, as processes do. */
export interface EngineGround {
  open(setup: EngineSetup): Promise<WorkflowEngine>;
  close(): Promise<void>;
}

/** An engine, as the contract suite runs it. */
export interface TestedEngine {
  readonly name: string;
  readonly implementation: { readonly name: string };
  /** Why it is not run here. @default undefined: it is run */
  readonly skipped?: string | undefined;
  /** Whether executions that have failed can be retried in what the engine runs on. */
  readonly retries: boolean;
  readonly ground: () => Promise<EngineGround>;
}

const embedded: TestedEngine = {
  name: 'embedded',
  implementation: embeddedEngine,
  retries: true,
  async ground() {
    const { db, stop } = await openTestDatabase(executionsTable('test'));
    return { open: async (setup) => openEmbedded(db, setup), close: stop };
  },
};

const stepFunctions: TestedEngine = {
  name: 'step-functions, in moto',
  implementation: openStepFunctionsEngine,
  skipped: skippedWithoutMoto,
  // moto has no RedriveExecution.
  retries: false,
  async ground() {
    const moto = await startMoto();
    await moto.configure({ stepfunctions: { execute_state_machine: true } });
    const [sfn, sqs] = [new SFN(moto.config), new SQS(moto.config)];
    let queues = 0;
    return {
      /** Each engine has a queue and state machines of its own: those of a test that is over disturb no other. */
      async open(setup) {
        const own = `t${queues++}-`;
        const { QueueUrl: taskQueue } = await sqs.createQueue({ QueueName: own });
        let arn = '';
        for (const { name, text } of setup.definitions) {
          const { stateMachineArn } = await sfn.createStateMachine({
            name: own + name,
            definition: text.replaceAll('${TaskQueueUrl}', taskQueue!),
            roleArn: 'arn:aws:iam::123456789012:role/workflows',
          });
          arn = stateMachineArn!.slice(0, -name.length);
        }
        return openStepFunctionsEngine({
          stateMachines: arn,
          taskQueue: taskQueue!,
          aws: moto.config,
          definitions: new Map(setup.definitions.map((each) => [each.name, each])),
          runTask: runnerOf({} as never, setup),
          log: pino({ level: 'silent' }),
          pollsTasks: true,
          wait: 1,
          visibility: 5,
        });
      },
      async close() {
        sfn.destroy();
        sqs.destroy();
        await moto.stop();
      },
    };
  },
};

sayWithoutMoto('the tests of workflows in Step Functions');

/** Every engine. */
export const workflowEngines: readonly TestedEngine[] = [embedded, stepFunctions];
