import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, flag, mapOf, timeout } from './values';

const serverRule = 'must be an address, or an address with a port such as 10.0.0.2:53 or [fd00::2]:53';

export const discovery = mapOf({
  interval: timeout
    .refine((value) => value >= 100, { error: 'must be at least 100ms' })
    .prefault('5s')
    .describe(
      'How often SRV records and Cloud Map are read, and everything after a failure. Addresses of a host (`dns://`) are looked up when their TTL is over instead, at least 1 s and at most 5 m after the last answer.',
    ),
  emptyAfter: duration
    .prefault('1m')
    .describe(
      'How long answers must be empty until a list of endpoints becomes empty. Until then the last good one is used, as an empty answer is mostly a mistake: a deployment that replaces all instances at once, or health checks that all fail. After that the addresses may belong to somebody else. Answers that fail never empty a list.',
    ),
  dnsServers: z
    .array(z.string({ error: serverRule }).refine(isServer, { error: serverRule }), {
      error: 'must be a list of addresses',
    })
    .min(1, { error: 'must have at least one address' })
    .optional()
    .describe('The DNS servers that are used. Left out: those of the system (`/etc/resolv.conf`).')
    .meta({ example: ['10.0.0.2'] }),
  loopback: flag
    .optional()
    .describe(
      'Whether endpoints may be found on loopback addresses. Link-local and metadata addresses are always refused. Left out: only in development.',
    )
    .meta({ protects: { values: [false] } }),
})
  .prefault({})
  .describe(
    'How endpoints of subgraphs are found, where the `url` or one of the `endpoints` of a subgraph is a target of DNS or AWS Cloud Map: [discovery.md](discovery.md). No effect otherwise.',
  )
  .meta({ example: { interval: '5s', emptyAfter: '1m' } });

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const url = URL.canParse(`dns://${text}`) ? new URL(`dns://${text}`) : undefined;
  if (url === undefined || url.port === '' || url.host !== text) return false;
  return isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0;
}
