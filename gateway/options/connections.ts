import { flag, mapOf, positiveInt, size, text, timeout } from './values';

export const connections = mapOf({
  max: positiveInt
    .default(256)
    .describe(
      'The most connections to one endpoint of a subgraph; further calls wait for one. Subgraphs share no connections, even with the same origin.',
    )
    .meta({ protects: true }),
  connectTimeout: timeout.prefault('5s').describe('How long a connection may take to open.'),
  keepAlive: timeout
    .prefault('4s')
    .describe(
      'How long an idle connection is kept open, unless the subgraph names a shorter time. It must be shorter than the keep-alive of the subgraph, or calls meet connections that are being closed.',
    ),
  http2: flag
    .default(false)
    .describe('Offers HTTP/2 to subgraphs. No effect for `http:` URLs, where it cannot be negotiated.'),
  strict: flag
    .default(true)
    .describe(
      'Sends queries by a client of Weir for HTTP/1.1, which takes less CPU time. It understands plain responses only: a query with another response is sent again as all mutations are, by undici, and so are the calls of this endpoint for the next minute, then for longer. Its connections are counted apart from those for mutations. No effect where HTTP/2 is offered.',
    ),
  compression: flag
    .default(false)
    .describe(
      'Asks subgraphs for compressed responses. Worth it where the network is slower than decompression. Compressed responses are accepted in any case.',
    ),
  ca: text
    .optional()
    .describe(
      'A file of certificates in PEM to trust in addition to those that Node brings, for subgraphs whose certificates come from an authority of your own. Left out: none.',
    )
    .meta({ title: 'file' }),
  response: size
    .prefault('32MiB')
    .describe(
      'The largest response of a subgraph, both as sent and decompressed. The fields of a larger one are null, with an error.',
    )
    .meta({ protects: true }),
})
  .prefault({})
  .describe('Connections to subgraphs.')
  .meta({ example: { max: 64, connectTimeout: '2s', http2: true, ca: '/etc/weir/internal-ca.pem' } });
