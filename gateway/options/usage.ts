import { z } from 'zod';
import { flag, mapOf, timeout } from './values';

const daysRule = 'must be a number of days from 0 to 90';

export const usage = mapOf({
  enabled: flag
    .default(true)
    .describe(
      'Counts which fields, arguments, enum values and input fields each client uses, by `apollographql-client-name` and `-version`, and writes the counts to the registry for `weir check`. Values are never recorded. No effect unless the supergraph comes from a registry.',
    ),
  minimumDays: z
    .int({ error: daysRule })
    .min(0, { error: daysRule })
    .max(90, { error: daysRule })
    .default(7)
    .describe(
      'On how many days requests must have been counted before the console lists a field that no client has used as one that may be deleted. No effect unless the supergraph comes from a registry.',
    ),
  interval: timeout
    .prefault('30s')
    .describe('How long to wait between two writes. A process that is killed loses what it has not written.'),
})
  .prefault({})
  .describe('Usage statistics of the schema.')
  .meta({ example: { enabled: true, interval: '1m', minimumDays: 14 } });
