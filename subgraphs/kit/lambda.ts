import { type Subgraph } from './subgraph';

/** Answers API Gateway (payload 1.0 and 2.0), function URL and load balancer events. */
export type LambdaHandler = (event: unknown, context: unknown) => Promise<unknown>;

/** The subgraph as an AWS Lambda handler; it starts with the first event. */
export function lambdaHandler<Context extends object, OptionName extends string>(
  _subgraph: Subgraph<Context, OptionName>,
): LambdaHandler {
  return () => Promise.reject(new Error('not written yet'));
}
