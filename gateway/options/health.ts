import { mapOf, portNumber, text } from './values';

export const health = mapOf({
  host: text
    .default('127.0.0.1')
    .describe(
      'The address to listen on. `0.0.0.0` is every address of the machine. No effect without `port`.',
    ),
  port: portNumber
    .optional()
    .describe(
      'The port to listen on, in plain HTTP; 0 takes a free one. With `--workers` it answers for all of them. Left out: there is none. No effect on Lambda.',
    ),
})
  .prefault({})
  .describe(
    'A port of its own for `/health/live` and `/health/ready`, which the public and the admin port serve in any case: for probes that can reach neither.',
  )
  .meta({ example: { host: '0.0.0.0', port: 8088 } });
