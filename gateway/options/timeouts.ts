import { mapOf, timeout } from './values';

export const timeouts = mapOf({
  request: timeout
    .prefault('30s')
    .describe(
      'How long a request may take in all. After it the client gets 504, and all that runs for it is aborted.',
    )
    .meta({ protects: true }),
  subgraph: timeout
    .prefault('10s')
    .describe('How long one call of a subgraph may take. After it its fields are null, with an error.')
    .meta({ protects: true }),
  client: timeout
    .prefault('10s')
    .describe(
      'How long, in addition to `request`, a client connection may be inactive before it is cut, such as that of a client that does not read its answer.',
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe('Timeouts.')
  .meta({ example: { request: '15s', subgraph: '5s' } });
