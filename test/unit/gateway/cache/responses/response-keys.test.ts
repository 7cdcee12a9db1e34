import { anonymous, createIdentity } from '../../../../../gateway/auth/identity';
import { compileKeyHeaders } from '../../../../../gateway/cache/key-headers';
import {
  baseKey,
  canonicalJson,
  digest,
  privateKey,
  publicKey,
} from '../../../../../gateway/cache/responses/response-keys';
import { parseOptions } from '../../../../../gateway/options';

describe('the key of an answer', () => {
  it('has the operation, and its variables if there are any', () => {
    expect(baseKey('o1', '{}')).toBe('response:o1:');
    expect(baseKey('o1', '{"id":1}')).toBe(`response:o1:${digest('\n{"id":1}')}`);
    expect(baseKey('o1', '{}', 'denied')).toBe(`response:o1:${digest('denied\n{}')}`);
  });

  it('is another one for each operation, variables and variant', () => {
    const keys = ['o1', 'o2'].flatMap((operation) =>
      ['{}', '{"id":1}', '{"id":2}'].flatMap((variables) =>
        ['', 'denied', 'other'].map((variant) => baseKey(operation, variables, variant)),
      ),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is the same for all callers, unless headers are forwarded that do more than identify the caller', () => {
    const keyHeaders = compileKeyHeaders(parseOptions({ headers: { forward: ['accept-language'] } }));
    const keyFor = (headers: Record<string, string>) =>
      publicKey('base', { headers, scope: '', identity: anonymous }, keyHeaders);
    expect(keyFor({})).toBe('base');
    expect(keyFor({ 'accept-language': 'de' })).toBe(`base:${digest('accept-language:de\n')}`);
  });

  it('that is private has the identity and the forwarded headers', () => {
    const ada = createIdentity({ mode: 'oidc', issuer: 'https://issuer.example', subject: 'ada' });
    expect(privateKey('base', { headers: {}, scope: 'x:1\n', identity: ada })).toBe(
      `base:private:${digest(`${ada.scope}\n\nx:1\n`)}`,
    );
    const keys = [anonymous, ada].flatMap((identity) =>
      ['', 'x:1\n'].map((scope) => privateKey('base', { headers: {}, scope, identity })),
    );
    expect(new Set(keys).size).toBe(4);
  });
});

it('has digests of 192 bits', () => {
  expect(digest('')).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NM');
});

describe('canonical JSON', () => {
  it.each<[unknown, string]>([
    [null, 'null'],
    [1.5, '1.5'],
    ['a"', '"a\\""'],
    [[], '[]'],
    [{}, '{}'],
    [[{ b: 1, a: [null, 'x'] }, 2], '[{"a":[null,"x"],"b":1},2]'],
    [{ b: { d: 1, c: 2 }, 'a"': true }, '{"a\\"":true,"b":{"c":2,"d":1}}'],
    [{ c: 1, b: 1, a: 1, d: 1 }, '{"a":1,"b":1,"c":1,"d":1}'],
  ])('of %j is %s', (value, json) => {
    expect(canonicalJson(value)).toBe(json);
  });

  it('is the same whatever the order of fields, and not of items', () => {
    expect(canonicalJson({ a: 1, b: 2 })).toBe(canonicalJson({ b: 2, a: 1 }));
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  it('is undefined for deeply nested values', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(canonicalJson(deep)).toBeUndefined();
  });

  it('passes other errors on', () => {
    const bad = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new TypeError('Not to be read.');
      },
    });
    expect(() => canonicalJson(bad)).toThrow('Not to be read.');
  });
});
