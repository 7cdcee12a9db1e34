/** Options that protect: how they are switched off, and what a reload must not lose. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedOptions, OptionsError, readOptions } from '../../../../gateway/options';
import { refuseLostProtections } from '../../../../gateway/options/lost-protections';

const folder = mkdtempSync(join(tmpdir(), 'weir-protection-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config = join(folder, 'weir.yaml');
const read = (yaml: string): LoadedOptions => {
  writeFileSync(config, yaml);
  return readOptions({ config, env: { OFF: 'false', DEPTH: '9' } });
};
/** What a reload from one file to another refuses. */
function problems(before: string, after: string): readonly string[] {
  try {
    refuseLostProtections(read(before), read(after));
    return [];
  } catch (error) {
    if (error instanceof OptionsError)
      return error.problems.map((each) => each.replaceAll(config, 'weir.yaml'));
    throw error;
  }
}
/** The names of the options that are missing. */
const lost = (before: string, after: string): string[] =>
  problems(before, after).map((problem) => /`(.*?)` (?:is missing|lacks \S+)/.exec(problem)?.[0] ?? problem);

describe('a file', () => {
  it.each(['', '\n', '# supergraph: x\n', 'null\n', '---\n'])('is refused without options: %j', (yaml) => {
    expect(() => read(yaml)).toThrow(`${config} has no options: write {} if none is meant to be set.`);
  });

  it('may say that it has none', () => {
    expect(read('{}\n').options.port).toBe(4000);
  });
});

const jwks = '{ keys: [{ kty: RSA }] }';
const issuer = (name: string, more = '') => `{ issuer: https://${name}.example/, audience: shop${more} }`;

describe('a reload', () => {
  it('keeps protections that are left out, and names each', () => {
    const before = `
auth:
  oidc: [${issuer('login')}]
  iam: { keys: [{ accessKeyId: A, secretAccessKey: s }] }
limits: { depth: 9, cost: 100 }
introspection: false
persistedOperations: { manifest: web.json, mode: reject }
port: 4001
`;
    expect(problems(before, 'port: 4001\nlimits:\n  cost: 100\n')).toEqual([
      ...['auth.oidc', 'auth.iam'].map((name) => `\`${name}\` ${missing}`),
      `weir.yaml:2: \`limits.depth\` ${missing}`,
      ...['introspection', 'persistedOperations.manifest', 'persistedOperations.mode'].map(
        (name) => `\`${name}\` ${missing}`,
      ),
    ]);
  });

  it('takes changed values, and what is switched off by name', () => {
    const before = `
auth: { oidc: [${issuer('login')}], anonymous: true }
limits: { depth: 9, cost: 100 }
introspection: false
rates: [{ name: all, per: everybody, limit: 1, window: 1s }]
`;
    expect(lost(before, before.replace('depth: 9', 'depth: 90').replace('false', 'true'))).toEqual([]);
    expect(lost(before, 'auth: off\nlimits: null\nintrospection: ~\nrates: off\n')).toEqual([]);
    const { options } = read('auth: off\nlimits: null\nintrospection: ~\nrates: off\n');
    expect(options).toEqual(read('{}\n').options);
    expect(
      lost(
        before,
        'auth: { oidc: null }\nlimits: { depth: off, cost: 1 }\nintrospection: false\nrates: off\n',
      ),
    ).toEqual([]);
  });

  it('refuses an option without a value, as more may follow', () => {
    expect(() => read('auth:\nport: 1\n')).toThrow('`auth` must be a map, but it is empty');
    expect(() => read('{ auth }\n')).toThrow('`auth` must be a map, but it is empty');
    expect(() => read('limits:\n  depth:\n')).toThrow('`limits.depth` must be a whole number');
    expect(() => read('port: null\n')).toThrow('`port` must be a whole number');
  });

  it('reads off as text, and as no boolean, where it could be either', () => {
    expect(read('headers: { set: { x-debug: off } }\n').options.headers.set).toEqual({ 'x-debug': 'off' });
    expect(() => read('introspection: off\n')).toThrow('must be true or false, but got: "off"');
    expect(lost('headers: { set: { x-debug: off } }\n', 'headers: { set: { x-debug: null } }\n')).toEqual([]);
    expect(lost('headers: { set: { x-debug: off } }\n', 'headers: { set: {} }\n')).toHaveLength(1);
  });

  it('does not count an empty list or map as switched off', () => {
    const keys = `auth: { apiKeys: [{ client: web, sha256: '${'a'.repeat(64)}' }] }\n`;
    expect(lost(keys, 'auth: { apiKeys: [] }\n')).toEqual(['`auth.apiKeys` is missing']);
    expect(lost(keys, 'auth: {}\n')).toEqual(['`auth.apiKeys` is missing']);
    // An empty list lets in less than the default.
    expect(lost('headers: { forward: [x-a] }\n', 'headers: { forward: [] }\n')).toEqual([]);
    expect(lost('headers: { forward: [] }\n', 'port: 1\n')).toEqual(['`headers.forward` is missing']);
  });

  it('protects only by the values that let in less', () => {
    expect(lost('introspection: true\n', 'port: 1\n')).toEqual([]);
    expect(lost('introspection: ${OFF}\n', 'port: 1\n')).toEqual(['`introspection` is missing']);
    expect(lost('persistedOperations: { mode: log }\n', 'port: 1\n')).toEqual([]);
    expect(lost('cors: { credentials: true }\n', 'port: 1\n')).toEqual([]);
  });

  it('keeps each item that is known by a name', () => {
    const rate = (name: string, more = '') => `{ name: ${name}, per: address, limit: 1, window: 1s${more} }`;
    const rates = `rates: [${rate('a')}, ${rate('b', ', count: cost')}]\n`;
    expect(problems(rates, `rates: [${rate('a')}]\n`)).toEqual([
      'weir.yaml:1: `rates` lacks b, which is in the options in use. A reload takes no protection away by leaving it out: keep it, or write `off: b` instead.',
    ]);
    expect(lost(rates, `rates: [${rate('b', ', count: cost')}, ${rate('a')}]\n`)).toEqual([]);
    expect(lost(rates, `rates: [${rate('a')}, ${rate('b')}]\n`)).toEqual(['`rates.1.count` is missing']);
    expect(lost(rates, `rates: [{ off: b }, ${rate('a')}]\n`)).toEqual([]);
    expect(read(`rates: [{ off: b }, ${rate('a')}]\n`).options.rates).toMatchObject([{ name: 'a' }]);

    const two = `auth: { oidc: [${issuer('a')}, ${issuer('b', `, jwks: ${jwks}`)}] }\n`;
    expect(lost(two, `auth: { oidc: [${issuer('a')}] }\n`)).toEqual([
      '`auth.oidc` lacks https://b.example/,',
    ]);
    expect(lost(two, `auth: { oidc: [${issuer('a')}, ${issuer('b')}] }\n`)).toEqual([
      '`auth.oidc.1.jwks` is missing',
    ]);

    const classes = 'limits: { classes: [{ mode: none, aliases: 10 }, { group: staff, cost: 9 }] }\n';
    expect(lost(classes, 'limits: { classes: [{ group: staff, cost: 9 }] }\n')).toEqual([
      '`limits.classes` lacks {',
    ]);
    expect(
      lost(classes, 'limits: { classes: [{ off: { mode: none } }, { group: staff, cost: 9 }] }\n'),
    ).toEqual([]);

    const excluded = 'headers: { exclude: [x-a, X-B] }\n';
    expect(lost(excluded, 'headers: { exclude: [x-a] }\n')).toEqual(['`headers.exclude` lacks X-B,']);
    expect(lost(excluded, 'headers: { exclude: [x-a, x-b] }\n')).toEqual([]);

    const extensions = 'extensions: [./a.mjs, b.js]\n';
    expect(lost(extensions, 'extensions: [b.js]\n')).toEqual([
      `\`extensions\` lacks ${join(folder, 'a.mjs')},`,
    ]);
    const without = 'extensions: [b.js, { off: ./a.mjs }]\n';
    expect(lost(extensions, without)).toEqual([]);
    expect(read(without).options.extensions).toEqual([join(folder, 'b.js')]);
  });

  it('lets API keys and keys of IAM go, which is to revoke them, but keeps what bounds those that stay', () => {
    const key = (digit: string, more = '') => `{ client: web, sha256: '${digit.repeat(64)}'${more} }`;
    const keys = `auth: { apiKeys: [${key('a', ', expires: 2027-01-31')}, ${key('b')}] }\n`;
    expect(lost(keys, `auth: { apiKeys: [${key('b')}] }\n`)).toEqual([]);
    expect(lost(keys, `auth: { apiKeys: [${key('a')}] }\n`)).toEqual(['`auth.apiKeys.0.expires` is missing']);
  });

  it('keeps what is set for one subgraph, and conditions on events', () => {
    const links = 'subgraphs:\n  a: { auth: { type: BEARER, token: t } }\n  b: { timeout: 1s }\n';
    expect(lost(links, 'subgraphs:\n  b: { timeout: 1s }\n')).toEqual(['`subgraphs.a.auth` is missing']);
    expect(lost(links, 'subgraphs:\n  a: off\n  b: { timeout: off }\n')).toEqual([]);
    const only = (conditions: string) =>
      `events: { subscriptions: { s: { types: [T], key: { upc: subject }, only: ${conditions} } } }\n`;
    const both = only("{ data.a: { eq: '{$claims.sub}', ne: x }, data.b: { eq: b } }");
    expect(lost(both, only("{ data.a: { eq: '{$claims.sub}' } }"))).toEqual([
      '`events.subscriptions.s.only.data.a.ne` is missing',
      '`events.subscriptions.s.only.data.b` is missing',
    ]);
  });

  it('may replace keys of private links by a file of keys', () => {
    const keys = `privateLinks: { keys: [${'k'.repeat(32)}] }\n`;
    expect(lost(keys, 'privateLinks: { keysFile: keys }\n')).toEqual([]);
    expect(lost(keys, 'privateLinks: { claims: [a] }\n')).toEqual(['`privateLinks.keys` is missing']);
  });

  it('refuses a last line without its line break where there was one', () => {
    expect(lost('port: 4001\n', 'port: 40')).toEqual([expect.stringContaining('half-written')]);
    expect(lost('port: 4001', 'port: 40')).toEqual([]);
  });
});

const missing =
  'is missing, which is in the options in use. A reload takes no protection away by leaving it out: keep it, or set it to null.';
