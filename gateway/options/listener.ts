import { isIP } from 'node:net';
import { z } from 'zod';
import { mapOf, portNumber, text } from './values';

export const host = text
  .default('127.0.0.1')
  .describe('The address to listen on. `0.0.0.0` is every address of the machine.');

export const port = portNumber.default(4000).describe('The port to listen on; 0 takes a free one.');

export const path = z
  .string({ error: 'must be a path such as /graphql' })
  .regex(/^\/[\w\-./]*$/, { error: 'must be a path such as /graphql' })
  .refine((value) => !/^\/(health|graphiql)(\/|$)/.test(value), {
    error: 'must not begin with /health or /graphiql',
  })
  .default('/graphql')
  .describe('The path of the GraphQL endpoint.');

const file = z
  .string({ error: 'must be a file' })
  .min(1, { error: 'must not be empty' })
  .meta({ title: 'file' });

export const tls = mapOf({
  cert: file.describe('The certificate with its chain, in PEM.'),
  key: file.describe('Its private key, in PEM.'),
  clientCa: file
    .optional()
    .describe(
      'Certificates in PEM that client certificates are checked against (mutual TLS). Clients without a valid one are refused. Left out: clients need none.',
    )
    .meta({ protects: true }),
})
  .optional()
  .describe(
    'Serves clients over TLS 1.2 or newer, with HTTP/2 or HTTP/1.1. Changed files are used for new connections within seconds, without a restart. Left out: plain HTTP/1.1, for a load balancer that terminates TLS.',
  )
  .meta({
    example: { cert: '/etc/weir/cert.pem', key: '/etc/weir/key.pem', clientCa: '/etc/weir/clients.pem' },
    protects: true,
  });

const proxyRule = 'must be an address or a range such as 10.0.0.0/8';

export const trustedProxies = z
  .array(
    z.string({ error: proxyRule }).refine(
      (value) => {
        const [address, bits, ...more] = value.split('/');
        const version = isIP(address!);
        if (version === 0 || more.length > 0) return false;
        return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
      },
      { error: proxyRule },
    ),
    { error: 'must be a list of addresses' },
  )
  .default([])
  .describe(
    'Proxies whose `X-Forwarded-For` is trusted, such as load balancers: addresses and ranges. From any other sender the header is ignored, so that no client can choose its address.',
  )
  .meta({ example: ['10.0.0.0/8', '2001:db8::/32'] });
