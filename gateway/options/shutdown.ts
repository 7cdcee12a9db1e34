import { duration, mapOf } from './values';

export const shutdown = mapOf({
  delay: duration
    .prefault('0s')
    .describe(
      'How long to go on accepting connections after readiness fails, so that load balancers notice.',
    ),
  grace: duration
    .prefault('20s')
    .describe('How long requests in flight may take to finish after that. What is left is cut.'),
})
  .prefault({})
  .describe('What happens when the gateway is told to stop.');
