import awsLambdaFastify from '@fastify/aws-lambda';
import { setTimeout as sleep } from 'node:timers/promises';
import { declarationOf, type SubgraphDeclaration } from '../declaration';
import { handleQueueEvent, isQueueEvent, type QueueEvent } from './lambda-records';
import { openSubgraph } from './serve';
import { readSettings } from './settings';
import { type Subgraph } from '../subgraph';

/**
 * Answers API Gateway (payload 1.0 and 2.0), function URL and load balancer events, and handles those of the queues (SQS)
 * of its consumers and of the tasks of its workflows.
 */
export interface LambdaHandler extends AnswerEvent {
  /** What the code of the subgraph declares that the function needs of AWS. `weir package` makes its template of it. */
  readonly declaration: () => SubgraphDeclaration;
}

type AnswerEvent = (event: unknown, context: unknown) => Promise<unknown>;

/** How long an answer may wait for its events to be relayed and its spans to be exported, in milliseconds. */
const relayMilliseconds = 3000;
/** What is left of the function's time for its answer, in milliseconds. */
const answerMilliseconds = 250;
/** What is left of it besides, so that what a batch has written is relayed. */
const batchRelayMilliseconds = 750;
/** The time of a function of which nothing is known: the default of AWS. */
const defaultMilliseconds = 3000;

/**
 * The subgraph as an AWS Lambda handler; it opens with the first event, or, where Lambda allows, before it. The same
 * Fastify app as everywhere, so every hook and check runs here, too. Lambda stops the clock of a function that has
 * answered, so an answer waits until its events are relayed, and spans exported, at most 3 s; a later call does what is left.
 */
export function lambdaHandler<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
): LambdaHandler {
  let opened: ReturnType<typeof open> | undefined;

  async function open() {
    const settings = { ...readSettings(subgraph, []), subscriptions: false as const };
    const { app, domainEvents, consumers, taskQueue, tracing, prepared, stop } = await openSubgraph(
      subgraph,
      settings,
      { staysAlive: false },
    );
    await prepared.catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    const { name } = subgraph;
    return {
      answer: awsLambdaFastify(app) as AnswerEvent,
      handleMessages: (event: QueueEvent, deadline: number) =>
        handleQueueEvent(event, { subgraph: name, consumers, taskQueue, deadline }),
      /** What would stand still with the function's clock. */
      finish: async () => {
        await domainEvents?.relay.idle();
        await tracing?.flush();
      },
    };
  }

  const handler: AnswerEvent = async (event, context) => {
    const end = performance.now() + remainingMilliseconds(context) - answerMilliseconds;
    // After a failure the next event tries again.
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    const { answer, handleMessages, finish } = await opened;
    const answered = isQueueEvent(event)
      ? await handleMessages(event, end - batchRelayMilliseconds)
      : await answer(event, context);
    const wait = Math.max(0, Math.min(relayMilliseconds, end - performance.now()));
    await Promise.race([finish(), sleep(wait, undefined, { ref: false })]);
    return answered;
  };
  return Object.assign(handler, { declaration: () => declarationOf(subgraph) });
}

function remainingMilliseconds(context: unknown): number {
  const { getRemainingTimeInMillis } = Object(context) as {
    readonly getRemainingTimeInMillis?: () => number;
  };
  return getRemainingTimeInMillis?.() ?? defaultMilliseconds;
}
