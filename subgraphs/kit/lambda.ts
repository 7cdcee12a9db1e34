import awsLambdaFastify from '@fastify/aws-lambda';
import { openSubgraph } from './serve';
import { readSettings } from './settings';
import { type Subgraph } from './subgraph';

/** Answers API Gateway (payload 1.0 and 2.0), function URL and load balancer events. */
export type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;

/**
 * The subgraph as an AWS Lambda handler; it opens with the first event, or, where Lambda allows, before it. The same
 * Fastify app as everywhere, so every hook and check runs here, too.
 */
export function lambdaHandler<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
): LambdaHandler {
  let proxy: Promise<LambdaHandler> | undefined;

  async function open(): Promise<LambdaHandler> {
    const settings = { ...readSettings(subgraph, []), subscriptions: false as const };
    const { app, prepared, stop } = await openSubgraph(subgraph, settings, { staysAlive: false });
    await prepared.catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return awsLambdaFastify(app) as LambdaHandler;
  }

  return async (event, context) => {
    // After a failure the next event tries again.
    proxy ??= open().catch((error: unknown) => {
      proxy = undefined;
      throw error;
    });
    return (await proxy)(event, context);
  };
}
