/** Whatever of a client's headers reaches a subgraph is part of what its answers are kept under. */
import fc from 'fast-check';
import { anonymous } from '../../../../gateway/auth/identity';
import { EntityKeys } from '../../../../gateway/cache/entities/entity-keys';
import { compileKeyHeaders } from '../../../../gateway/cache/key-headers';
import { privateKey, publicKey } from '../../../../gateway/cache/responses/response-keys';
import { parseOptions } from '../../../../gateway/options';
import { compileHeaderRules, scopeOf } from '../../../../gateway/subgraph-calls/headers';
import { callerOf } from '../../../support/caller';

const names = ['authorization', 'cookie', 'x-user', 'x-tenant', 'accept-language', 'x-segment'];
const name = fc.constantFrom(...names);
const headers = fc.record({
  forward: fc.uniqueArray(name, { maxLength: 4 }),
  rename: fc.dictionary(name, name, { maxKeys: 3 }),
  set: fc.dictionary(name, fc.constantFrom('set', 'other'), { maxKeys: 2 }),
});
const identityHeaders = fc.uniqueArray(fc.constantFrom<string>('authorization', 'cookie', 'x-user'), {
  maxLength: 3,
});
const request = fc.dictionary(name, fc.constantFrom('a', 'b'), { maxKeys: names.length });

it('separates public answers by all that does not say who asks, and private ones by all', () => {
  fc.assert(
    fc.property(headers, identityHeaders, request, request, (rules, own, one, other) => {
      const options = parseOptions({ headers: rules, cache: { identityHeaders: own } });
      const keyHeaders = compileKeyHeaders(options);
      const forward = compileHeaderRules(options.headers);
      const list = {
        ...{ responseKey: '_entities', variable: 'representations', selection: '{ name }' },
        ...{ arguments: Buffer.alloc(0), representations: [Buffer.from('{"id":1}')] },
      };
      const entityKeys = new EntityKeys({ subgraph: 'a', identityHeaders: keyHeaders.identity });
      const keysOf = (sent: Record<string, string>) => {
        const seen = forward(sent);
        const scope = scopeOf(seen);
        const asker = { headers: seen, scope, identity: anonymous };
        const caller = { ...callerOf(), headers: seen, scope };
        // What a subgraph sees under a name that nothing but who asks is written to.
        const isIdentity = (target: string): boolean =>
          sourcesOf(rules, target).every((source) => own.includes(source) || own.includes(target));
        return {
          all: JSON.stringify(Object.entries(seen).sort()),
          shared: JSON.stringify(
            Object.entries(seen)
              .filter(([target]) => Object.hasOwn(rules.set, target) || !isIdentity(target))
              .sort(),
          ),
          public: [publicKey('base', asker, keyHeaders), ...entityKeys.of(list, 'public', caller)],
          private: [privateKey('base', asker), ...entityKeys.of(list, 'private', caller)],
        };
      };
      const [a, b] = [keysOf(one), keysOf(other)];
      if (a.shared !== b.shared) a.public.forEach((key, i) => expect(key).not.toBe(b.public[i]));
      if (a.all !== b.all) a.private.forEach((key, i) => expect(key).not.toBe(b.private[i]));
      else expect(a).toEqual(b);
    }),
    { seed: Number(process.env['WEIR_SEED'] ?? 1), numRuns: 2_000 },
  );
});

/** The headers of a client that are sent on under a name. */
function sourcesOf(
  { forward, rename }: { forward: string[]; rename: Record<string, string> },
  target: string,
) {
  return [
    ...forward.filter((each) => each === target),
    ...Object.keys(rename).filter((each) => rename[each] === target),
  ];
}

it.each(['accept-language', 'Accept-Charset', 'user-agent', 'x-forwarded-for'])(
  'is not to be told that %s only says who asks',
  (header) => {
    expect(() => parseOptions({ cache: { identityHeaders: ['authorization', header] } })).toThrow(
      '`cache.identityHeaders.1` must only identify the caller',
    );
  },
);

it('names the headers of credentials for private answers, whether subgraphs see them or not', () => {
  const varyPrivate = (options: object) =>
    compileKeyHeaders(parseOptions({ headers: { forward: [] }, ...options })).varyPrivate;
  const apiKeys = [{ client: 'shop', sha256: '0'.repeat(64) }];
  const oidc = [{ issuer: 'https://issuer.example', audience: 'shop' }];
  expect(varyPrivate({})).toEqual([]);
  expect(varyPrivate({ auth: { apiKeys } })).toEqual(['x-api-key']);
  expect(varyPrivate({ auth: { oidc } })).toEqual(['authorization']);
  expect(varyPrivate({ headers: { forward: ['authorization'] }, auth: { apiKeys, oidc } })).toEqual([
    'authorization',
    'x-api-key',
  ]);
});
