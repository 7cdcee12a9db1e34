import { duration, mapOf } from './values';

export const shutdown = mapOf({
  delay: duration
    .prefault('0s')
    .describe('How long to keep accepting connections after readiness fails, so that load balancers notice.'),
  grace: duration
    .prefault('20s')
    .describe('How long requests in flight may then take to finish. What is left is cut.'),
})
  .prefault({})
  .describe('What happens when the gateway gets the signal to stop.')
  .meta({ example: { delay: '5s', grace: '30s' } });
