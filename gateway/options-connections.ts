import { isIP } from 'node:net';
import { z } from 'zod';

const file = z.string({ error: 'must be a file' }).min(1, { error: 'must not be empty' });

export const tlsOptions = z
  .strictObject(
    {
      cert: file.describe('The certificate with its chain, in PEM.'),
      key: file.describe('Its private key, in PEM.'),
      clientCa: file
        .optional()
        .describe(
          'Certificates in PEM that those of clients are checked with (mutual TLS). A client without one is not let in. Left out: clients need none.',
        ),
    },
    { error: 'must be a map' },
  )
  .optional()
  .describe(
    'Certificates to serve clients with over TLS 1.2 or newer, by HTTP/2 or HTTP/1.1. Left out: plain HTTP/1.1, for a load balancer that ends TLS.',
  );

const proxyRule = 'must be an address or a range such as 10.0.0.0/8';

export const trustedProxiesOptions = z
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
    'Proxies whose `X-Forwarded-For` is believed, such as load balancers: addresses and ranges. Of anybody else it is ignored, so that no client can choose its address.',
  );
