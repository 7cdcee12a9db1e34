import awsLambdaFastify from '@fastify/aws-lambda';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Relay } from './events/relay';
import { openSubgraph } from './serve';
import { readSettings } from './settings';
import { type Subgraph } from './subgraph';

/** Answers API Gateway (payload 1.0 and 2.0), function URL and load balancer events. */
export type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;

/** How long an answer may wait for its events to be relayed, in milliseconds. */
const relayMilliseconds = 3000;

/**
 * The subgraph as an AWS Lambda handler; it opens with the first event, or, where Lambda allows, before it. The same
 * Fastify app as everywhere, so every hook and check runs here, too. Lambda stops the clock of a function that has
 * answered, so an answer waits until its events are relayed, at most 3 s; what is left is relayed by a later call.
 */
export function lambdaHandler<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
): LambdaHandler {
  let opened: Promise<{ readonly answer: LambdaHandler; readonly relay: Relay | undefined }> | undefined;

  async function open() {
    const settings = { ...readSettings(subgraph, []), subscriptions: false as const };
    const { app, domainEvents, prepared, stop } = await openSubgraph(subgraph, settings, {
      staysAlive: false,
    });
    await prepared.catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return { answer: awsLambdaFastify(app) as LambdaHandler, relay: domainEvents?.relay };
  }

  return async (event, context) => {
    // After a failure the next event tries again.
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    const { answer, relay } = await opened;
    const answered = await answer(event, context);
    await Promise.race([relay?.idle(), sleep(relayMilliseconds, undefined, { ref: false })]);
    return answered;
  };
}
