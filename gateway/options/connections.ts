import { flag, mapOf, positiveInt, size, text, timeout } from './values';

export const connections = mapOf({
  max: positiveInt
    .default(256)
    .describe(
      'How many connections there may be to one place of a subgraph; calls beyond wait for one. Subgraphs share none, also where they have one origin.',
    ),
  connectTimeout: timeout.prefault('5s').describe('How long a connection may take to open.'),
  keepAlive: timeout
    .prefault('4s')
    .describe(
      'How long a connection is kept open that is not used, unless the subgraph says less. Less than what the subgraph keeps it for, or calls meet connections that are being closed.',
    ),
  http2: flag
    .default(false)
    .describe('Offers HTTP/2 to subgraphs. No effect for `http:` URLs, where it cannot be negotiated.'),
  compression: flag
    .default(false)
    .describe(
      'Asks subgraphs for packed responses. Worth it where the network is slower than unpacking. Those that come are unpacked whether they were asked for or not.',
    ),
  ca: text
    .optional()
    .describe(
      'A file of certificates in PEM, to be trusted in addition to those that Node brings, for subgraphs whose certificates come from an authority of your own.',
    ),
  response: size
    .prefault('32MiB')
    .describe(
      'The largest response of a subgraph, as sent and as unpacked. What is larger is an error of its fields.',
    ),
})
  .prefault({})
  .describe('Connections to subgraphs.');
