import { z } from 'zod';
import { headerName, headerValue, mapOf } from './values';

export const headers = mapOf({
  forward: z
    .array(headerName, { error: 'must be a list of header names' })
    .prefault(['authorization'])
    .describe(
      'The headers of a client that reach the subgraphs. `x-request-id`, `traceparent` and `tracestate` always do, and so does `x-request-timeout`: how many milliseconds are left for the answer.',
    ),
  rename: z
    .record(headerName, headerName, { error: 'must be a map of header names' })
    .default({})
    .describe('Headers of a client that reach the subgraphs under another name: `theirs: ours`.'),
  set: z
    .record(headerName, headerValue, { error: 'must be a map of headers' })
    .default({})
    .describe('Headers that every call of a subgraph has, whatever the client sent.'),
})
  .prefault({})
  .describe('What clients and subgraphs see of each other.');
