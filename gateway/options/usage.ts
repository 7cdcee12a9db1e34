import { flag, mapOf, timeout } from './values';

export const usage = mapOf({
  enabled: flag
    .default(true)
    .describe(
      'Counts which fields, arguments, enum values and input fields each client uses, by `apollographql-client-name` and `-version`, and writes the counts to the registry for `weir check`. Values are never recorded. No effect unless the supergraph comes from a registry.',
    ),
  interval: timeout
    .prefault('30s')
    .describe('How long to wait between two writes. A process that is killed loses what it has not written.'),
})
  .prefault({})
  .describe('Usage statistics of the schema.')
  .meta({ example: { enabled: true, interval: '1m' } });
