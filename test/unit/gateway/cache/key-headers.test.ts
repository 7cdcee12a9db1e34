/** Whatever of a client's headers reaches a subgraph is part of what its answers are kept under. */
import fc from 'fast-check';
import { anonymous } from '../../../../gateway/auth/identity';
import { EntityKeys } from '../../../../gateway/cache/entities/entity-keys';
import { compileKeyHeaders } from '../../../../gateway/cache/key-headers';
import { privateKey, publicKey } from '../../../../gateway/cache/responses/response-keys';
import { parseOptions } from '../../../../gateway/options';
import { matchesParts } from '../../../../gateway/options/wildcards';
import { IncomingRequest } from '../../../../gateway/request/incoming-request';
import { compileCallHeaders, headerRulesOf, scopeOf } from '../../../../gateway/subgraph-calls/header-rules';
import { amountOf } from '../../../support/amounts';
import { callerOf } from '../../../support/caller';

const names = ['authorization', 'cookie', 'x-user', 'x-tenant', 'accept-language', 'x-segment'];
const name = fc.constantFrom(...names);
const pattern = fc.constantFrom('x-*', '*', '*-language', 'x-*t');
const rules = fc.record({
  forward: fc.uniqueArray(fc.oneof(name, pattern), { maxLength: 4 }),
  exclude: fc.uniqueArray(fc.oneof(name, pattern), { maxLength: 1 }),
  rename: fc.dictionary(name, name, { maxKeys: 3 }),
  set: fc.dictionary(name, fc.constantFrom('set', 'other'), { maxKeys: 2 }),
  claims: fc.dictionary(name, fc.constantFrom('tenant', 'team.name'), { maxKeys: 1 }),
  defaults: fc.dictionary(name, fc.constantFrom('a', 'c'), { maxKeys: 2 }),
});
const usable = rules.filter(
  ({ set, claims }) => !Object.keys(set).some((each) => Object.hasOwn(claims, each)),
);
const identityHeaders = fc.uniqueArray(fc.constantFrom<string>('authorization', 'cookie', 'x-user'), {
  maxLength: 3,
});
const value = fc.constantFrom('a', 'b');
const request = fc.record({
  headers: fc.dictionary(name, value, { maxKeys: names.length }),
  claims: fc.record({ tenant: value, team: fc.record({ name: value }) }, { requiredKeys: [] }),
});

const list = {
  ...{ responseKey: '_entities', variable: 'representations', selection: '{ name }' },
  ...{ arguments: Buffer.alloc(0), count: 1, representations: [Buffer.from('{"id":1}')] },
};

it('separates public answers by all headers that do not identify the caller, and private ones by all', () => {
  fc.assert(
    fc.property(usable, usable, identityHeaders, request, request, (all, own, identity, one, other) => {
      const options = parseOptions({
        headers: all,
        subgraphs: { b: { headers: own } },
        cache: { identityHeaders: identity },
      });
      const keyHeaders = compileKeyHeaders(options);
      const forward = compileCallHeaders(headerRulesOf(options));
      const keysOf = (sent: typeof one) => {
        const asker = incoming(forward, sent);
        const subgraphs = ['a', 'b'].map((subgraph) => {
          const { headers, scope } = asker.bySubgraph?.get(subgraph) ?? {
            headers: asker.headers,
            scope: scopeOf(asker.headers),
          };
          const keys = new EntityKeys({ subgraph, identityHeaders: keyHeaders.identityOf(subgraph) });
          const caller = { ...callerOf(), headers, scope };
          const layers = subgraph === 'a' ? [all] : [all, own];
          return {
            all: JSON.stringify(Object.entries(headers).sort()),
            shared: JSON.stringify(
              Object.entries(headers)
                .filter(([target]) => !isOfIdentity(target, layers, identity))
                .sort(),
            ),
            public: keys.of(list, 'public', caller),
            private: keys.of(list, 'private', caller),
          };
        });
        const response = {
          all: JSON.stringify(subgraphs.map((each) => each.all)),
          shared: JSON.stringify(subgraphs.map((each) => each.shared)),
          public: [publicKey('base', asker, keyHeaders)],
          private: [privateKey('base', asker)],
        };
        return [...subgraphs, response];
      };
      const others = keysOf(other);
      keysOf(one).forEach((a, i) => {
        const b = others[i]!;
        if (a.shared !== b.shared) a.public.forEach((key, n) => expect(key).not.toBe(b.public[n]));
        if (a.all !== b.all) a.private.forEach((key, n) => expect(key).not.toBe(b.private[n]));
        else expect(a).toEqual(b);
      });
    }),
    { seed: Number(process.env['WEIR_SEED'] ?? 1), numRuns: amountOf('WEIR_ROUNDS', 300, 2_000) },
  );
});

/** A request as the gateway has it after authentication. */
function incoming(
  forward: ReturnType<typeof compileCallHeaders>,
  { headers, claims }: { readonly headers: Record<string, string>; readonly claims: object },
): IncomingRequest {
  const asker = new IncomingRequest(
    {
      forwardIn: () => forward,
      signIdentity: () => undefined,
      timeout: 1,
      reportsTimes: false,
      datadog: false,
      onSettle: () => undefined,
    },
    { method: 'POST', url: '/graphql', headers },
    '127.0.0.1',
    {
      ...{
        isAnswered: false,
        carriesParts: true,
        events: undefined,
        takesGaps: false,
        incremental: undefined,
        refusesInEvents: false,
      },
      answer: () => undefined,
      ...{ upload: undefined, download: undefined, messages: undefined },
    },
    0,
  );
  // Its scope stays that of nobody: headers alone must tell callers apart.
  asker.proof = { identity: { ...anonymous, claims: claims as Record<string, unknown> } };
  return asker;
}

interface Rules {
  readonly forward: readonly string[];
  readonly exclude: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, string>>;
}

/** Whether nothing but who asks is written to a header that a subgraph sees. */
function isOfIdentity(target: string, layers: readonly Rules[], identity: readonly string[]): boolean {
  const fixing = layers.findLast(({ set, claims }) => Object.hasOwn({ ...set, ...claims }, target));
  if (fixing !== undefined) return Object.hasOwn(fixing.claims, target) && identity.includes(target);
  const matches = (name: string, patterns: readonly string[]): boolean =>
    patterns.some((each) => matchesParts(name, each.split('*')));
  return layers
    .flatMap(({ forward, rename }, i) =>
      [
        ...(matches(target, forward) ? [target] : []),
        ...Object.keys(rename).filter((each) => rename[each] === target),
      ].filter((source) => !layers.slice(i).some(({ exclude }) => matches(source, exclude))),
    )
    .every((source) => identity.includes(source) || identity.includes(target));
}

it('varies by all headers for caches between gateway and clients if a rule is a pattern', () => {
  const { vary } = compileKeyHeaders(parseOptions({ headers: { forward: ['x-*', 'accept-language'] } }));
  expect(vary).toEqual(['accept-language', '*']);
});

it('names the headers of credentials for public answers, too, where a header comes from a claim', () => {
  const oidc = [{ issuer: 'https://issuer.example', audience: 'shop' }];
  const varyWith = (headers: object) => compileKeyHeaders(parseOptions({ headers, auth: { oidc } })).vary;
  expect(varyWith({ forward: [], claims: { 'x-tenant': 'tenant' } })).toEqual(['authorization']);
  expect(varyWith({ forward: [] })).toEqual([]);
});

it('takes a header of tokens for a credential, as `authorization` is one', () => {
  const issuer = { issuer: 'https://issuer.example', audience: 'shop' };
  const keysOf = (oidc: object[], forward: string[], identityHeaders?: string[]) =>
    compileKeyHeaders(
      parseOptions({
        headers: { forward },
        auth: { oidc: oidc as [] },
        ...(identityHeaders && { cache: { identityHeaders } }),
      }),
    );
  for (const header of ['authorization', 'x-jwt']) {
    const keys = keysOf([{ ...issuer, header }], [header]);
    expect(keys).toMatchObject({ identity: [header], vary: [], varyPrivate: [header] });
    expect(keys.identityOf('a')).toEqual([header]);
  }
  expect(keysOf([{ ...issuer, header: 'x-jwt' }], ['x-*'])).toMatchObject({
    ...{ identity: ['x-api-key'], vary: ['*'], varyPrivate: ['x-jwt'] },
  });
  expect(keysOf([{ ...issuer, header: 'x-jwt' }], ['x-jwt'], [])).toMatchObject({ identity: ['x-jwt'] });
  const two = [issuer, { ...issuer, header: 'x-jwt' }];
  expect(keysOf(two, [])).toMatchObject({ varyPrivate: ['authorization', 'x-jwt'] });
});

it('has headers with a constant value in all keys, as a shared store outlives options', () => {
  const constantsWith = (options: object) => compileKeyHeaders(parseOptions(options)).constants;
  const constants = [
    {},
    { headers: { set: { 'x-a': '1' } } },
    { headers: { set: { 'x-a': '2' } } },
    { subgraphs: { a: { headers: { set: { 'x-a': '1' } } } } },
    { subgraphs: { a: { identity: 'independent', headers: { set: { 'x-a': '2' } } } } },
    { subgraphs: { b: { headers: { set: { 'x-a': '1' } } } } },
  ].map(constantsWith);
  expect(constants[0]).toBe('');
  expect(new Set(constants).size).toBe(constants.length);
});

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
