import { flag, mapOf, timeout } from './values';

export const usage = mapOf({
  enabled: flag
    .default(true)
    .describe(
      'Counts which fields, arguments, enum values and input fields clients use, by their `apollographql-client-name` and `-version`, and writes the counters to the registry, for `weir check`. Values are never recorded. No effect unless the supergraph comes from a registry.',
    ),
  interval: timeout
    .prefault('30s')
    .describe(
      'How long to wait between two writes: what a process that is killed had not written yet is lost.',
    ),
})
  .prefault({})
  .describe('What is recorded of the use of the schema.');
