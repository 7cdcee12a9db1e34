import { z } from 'zod';
import { headerName, headerValue, mapOf } from './values';

export const headers = mapOf({
  forward: z
    .array(headerName, { error: 'must be a list of header names' })
    .prefault(['authorization'])
    .describe(
      'The client headers that are forwarded to subgraphs. `x-request-id`, `traceparent` and `tracestate` always are, and so is `x-request-timeout`: the milliseconds left for the answer.',
    ),
  rename: z
    .record(headerName, headerName, { error: 'must be a map of header names' })
    .default({})
    .describe('Client headers that are forwarded under another name: `client-name: subgraph-name`.'),
  set: z
    .record(headerName, headerValue, { error: 'must be a map of headers' })
    .default({})
    .describe('Headers that are set on every call of a subgraph, whatever the client sent.'),
})
  .prefault({})
  .describe('Which headers subgraphs get.');
