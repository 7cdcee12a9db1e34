import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmacSha256 } from '../../../../../gateway/net/hmac';
import { toKey } from '../../../../../gateway/subgraph-calls/signers/link-keys';
import { linkHeaders, signPrivateLink } from '../../../../../gateway/subgraph-calls/signers/private-link';
import { callerOf } from '../../../../support/caller';

const secret = 'k'.repeat(40);

const sign = (
  body: string,
  signedIdentity?: string,
  signer = signPrivateLink({ subgraph: 'a', key: () => toKey(secret) }),
) => {
  const signed = signer.sign({
    body: Buffer.from(body),
    caller: callerOf({ signedIdentity }),
  }) as string[];
  return Object.fromEntries(
    Array.from({ length: signed.length / 2 }, (_, i) => [signed[2 * i]!, signed[2 * i + 1]!]),
  );
};

describe('the HMAC', () => {
  it('is that of the example in RFC 9421, appendix B.2.5', () => {
    const key = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==';
    const base = `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`;
    expect(hmacSha256(Buffer.from(key, 'base64'))(base)).toBe('pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=');
  });

  it('is that of node:crypto, for keys and texts of any length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 4 }),
        (key, lengths) => {
          const hmac = hmacSha256(Buffer.from(key));
          for (const length of lengths) {
            const text = 'abc"é'.repeat(length).slice(0, length);
            expect(hmac(text)).toBe(createHmac('sha256', key).update(text, 'latin1').digest('base64'));
          }
        },
      ),
    );
  });
});

describe('a signed call', () => {
  it('covers the query of what it reads', () => {
    const inputOf = (method: 'GET' | 'POST', url: string, signedIdentity?: string) => {
      const signer = signPrivateLink({ subgraph: 'a', key: () => toKey(secret) });
      const caller = callerOf({ signedIdentity });
      return signer.sign({ method, url: new URL(url), body: Buffer.alloc(0), caller })[3];
    };
    expect(inputOf('GET', 'http://a/events?after=1')).toMatch(
      /^weir=\("@method" "@query" "content-digest"\);/,
    );
    expect(inputOf('GET', 'http://a/graphql?a', 'eyJ9')).toMatch(
      /^weir=\("@method" "@query" "content-digest" "weir-identity"\);/,
    );
    expect(inputOf('GET', 'http://a/events')).toMatch(/^weir=\("@method" "content-digest"\);/);
    expect(inputOf('POST', 'http://a/graphql?a')).toMatch(/^weir=\("@method" "content-digest"\);/);
  });

  it('covers method, body and, if there is one, the identity', () => {
    expect(sign('{}')['signature-input']).toMatch(
      /^weir=\("@method" "content-digest"\);created=\d+;keyid="[0-9a-f]{8}";nonce="[\w-]+";tag="weir:a"$/,
    );
    const known = sign('{}', 'eyJ9');
    expect(known['signature-input']).toMatch(/^weir=\("@method" "content-digest" "weir-identity"\);/);
    expect(known['weir-identity']).toBe('eyJ9');
  });

  it('has a signature of its own, even if everything else is equal', () => {
    const signer = signPrivateLink({ subgraph: 'a', key: () => toKey(secret), now: () => 0 });
    expect(sign('{}', undefined, signer)['signature']).not.toBe(sign('{}', undefined, signer)['signature']);
  });

  it('writes no header that `headers` does not list', () => {
    for (const name of Object.keys(sign('{}', 'eyJ9'))) expect(linkHeaders).toContain(name);
  });
});
