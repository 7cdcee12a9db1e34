import { z } from 'zod';
import { duration, flag, mapOf, portNumber, share, size, text } from './values';

const console = mapOf({
  enabled: flag
    .default(true)
    .describe('Serves the console at `/console` of this port. No effect if the port is not served.')
    .meta({ protects: { values: [false] } }),
  sampling: share
    .optional()
    .describe(
      'The share of requests that are recorded. Those whose traces are exported, or kept by `telemetry.traces.keep`, are recorded besides. Left out: 1 in development, 0.01 in production.',
    )
    .meta({ example: 0.1 }),
  memory: size
    .prefault('40MiB')
    .describe(
      'Memory for recorded requests, in each process: the oldest make room for new ones. A tenth is for figures by operation and by error.',
    ),
  failures: mapOf({
    enabled: flag
      .default(true)
      .describe('Records all failed, refused and slow requests, apart from the sample.'),
    memory: size
      .prefault('8MiB')
      .describe(
        'Memory for them, in each process. Where there are too many, the oldest of those with the most frequent error code make room.',
      ),
    slowerThan: duration
      .prefault('1s')
      .describe('Requests that take as long are slow. Subscriptions never are.'),
  })
    .prefault({})
    .describe('Which requests are recorded besides the sample.')
    .meta({ example: { memory: '16MiB', slowerThan: '500ms' } }),
  values: flag
    .optional()
    .describe(
      'Shows the literals and variables of operations, and the tags of cached answers that have values, too. Whoever may open the console then sees what clients send. Left out: no page shows them, but in development they are in the command that sends a request again.',
    )
    .meta({ example: true }),
})
  .prefault({})
  .describe(
    'The console: requests explained, live figures and the graph, from the memory of the gateway (docs/console.md). Without a `token` it answers only on the machine that it runs on, and only reads.',
  )
  .meta({ example: { sampling: 0.1, memory: '64MiB' } });

export const admin = mapOf({
  enabled: flag
    .default(true)
    .describe('Serves metrics and health on a separate port.')
    .meta({ protects: { values: [false] } }),
  host: text
    .default('127.0.0.1')
    .describe(
      'The address to listen on. Health, and metrics unless there is a `token`, need no credentials: keep it private.',
    ),
  port: portNumber.default(9464).describe('The port to listen on; 0 takes a free one.'),
  token: z
    .string({ error: 'must be text' })
    .regex(/^[\w\-.~+/]{16,}=*$/, { error: 'must be at least 16 letters, digits and any of -._~+/' })
    .optional()
    .describe(
      'The bearer token that callers must send, for all but health. Left out: metrics need none, and there is no `POST /cache/invalidate`.',
    )
    .meta({ writeOnly: true, protects: true }),
  console,
})
  .prefault({})
  .describe('The port for operators.')
  .meta({ example: { host: '0.0.0.0', port: 9464, token: '${file:/run/secrets/admin-token}' } });
