import { mapOf, timeout } from './values';

export const timeouts = mapOf({
  request: timeout
    .prefault('30s')
    .describe(
      'How long a request may take in all. After it the client gets 504, and what runs for it is ended.',
    ),
  subgraph: timeout
    .prefault('10s')
    .describe('How long one call of a subgraph may take. After it its fields are null, with an error.'),
  client: timeout
    .prefault('10s')
    .describe(
      'How long a connection of a client may stand still, beyond `request`, before it is cut: a client that does not read its answer.',
    ),
})
  .prefault({})
  .describe('How long things may take.');
