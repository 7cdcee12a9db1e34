import { proxiesOf } from '../../../../gateway/net/outgoing';

/** The host of the proxy on the way to a URL. */
function proxyFor(url: string, env: Record<string, string>): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  return proxiesOf(env)?.({ protocol, hostname, port })?.host;
}

const both = { HTTP_PROXY: 'http://plain.test:3128', HTTPS_PROXY: 'http://tls.test:3128' };

it.each([
  ['http://a.test', both, 'plain.test:3128'],
  ['https://a.test', both, 'tls.test:3128'],
  ['https://a.test', { HTTP_PROXY: 'plain.test:3128' }, 'plain.test:3128'],
  ['http://a.test', { HTTPS_PROXY: 'http://tls.test:3128' }, undefined],
  ['https://a.test', { ...both, https_proxy: 'http://lower.test' }, 'lower.test'],
  ['https://a.test', { ...both, https_proxy: '' }, 'plain.test:3128'],
  ['http://a.test', {}, undefined],
])('finds the proxy to %s of %j', (url, env, expected) => {
  expect(proxyFor(url, env)).toBe(expected);
});

it.each([
  ['*', 'http://a.test', true],
  ['a.test', 'http://a.test', true],
  ['A.Test', 'http://a.test', true],
  ['a.test', 'http://b.a.test', true],
  ['.a.test', 'http://b.a.test', true],
  ['*.a.test', 'http://b.a.test', true],
  ['a.test', 'http://ba.test', false],
  ['x.test, a.test', 'http://a.test', true],
  ['x.test a.test', 'http://a.test', true],
  ['a.test:8080', 'http://a.test:8080', true],
  ['a.test:8080', 'http://a.test', false],
  ['a.test:80', 'http://a.test', true],
  ['a.test:443', 'https://a.test', true],
  ['127.0.0.1', 'http://127.0.0.1:4000', true],
  ['::1', 'http://[::1]:4000', true],
  ['[::1]:4000', 'http://[::1]:4000', true],
  ['[::1]:4001', 'http://[::1]:4000', false],
  ['', 'http://a.test', false],
])('with NO_PROXY=%s, a call of %s is direct: %s', (NO_PROXY, url, isDirect) => {
  expect(proxyFor(url, { ...both, NO_PROXY }) === undefined).toBe(isDirect);
});

it.each(['socks5://proxy.test', 'http://', 'not a url'])('refuses %j as a proxy', (HTTP_PROXY) => {
  expect(() => proxiesOf({ HTTP_PROXY })).toThrow(
    'The environment variable HTTP_PROXY must be the http or https URL of a proxy.',
  );
});
