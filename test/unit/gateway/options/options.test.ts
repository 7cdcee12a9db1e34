/**
 * All of gateway/options: defaults, the file, flags and mistakes. Over 300 lines: most of it is a table of
 * sentences.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOptions, type LoadOptions, OptionsError, parseOptions } from '../../../../gateway/options';

const folder = mkdtempSync(join(tmpdir(), 'weir-options-'));
const config = join(folder, 'weir.yaml');

afterAll(() => rmSync(folder, { recursive: true }));

const load = (yaml: string, options: LoadOptions = {}) => {
  writeFileSync(config, yaml);
  return loadOptions({ config, env: {}, ...options });
};

/** What is wrong, with the path of the file left out. */
function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof OptionsError)
      return error.problems.map((problem) => problem.replace(config, 'weir.yaml'));
    throw error;
  }
  throw new Error('Nothing was wrong.');
}

const noHeaderRules = {
  forward: [],
  exclude: [],
  rename: {},
  set: {},
  claims: {},
  defaults: {},
  response: {},
};

describe('defaults', () => {
  it('are completed options when they are checked again', () => {
    const options = loadOptions({ flags: { supergraph: 'supergraph.graphql' }, env: {} });
    expect(parseOptions(options)).toEqual(options);
  });
});

describe('the file', () => {
  it('gives way to flags, key by key', () => {
    const options = load('port: 1\nadmin: { port: 2, host: ::1 }', {
      flags: { port: '8080', admin: { port: 0 } },
    });
    expect(options).toMatchObject({ port: 8080, admin: { port: 0, host: '::1', enabled: true } });
  });

  it('wins over other defaults, which count where it says nothing', () => {
    const defaults = { logging: { level: 'warn' }, mode: 'development' };
    expect(load('logging: { level: debug }', { defaults })).toMatchObject({
      mode: 'development',
      logging: { level: 'debug', sampling: 1 },
    });
    expect(loadOptions({ defaults, flags: { mode: 'production' }, env: {} })).toMatchObject({
      mode: 'production',
      logging: { level: 'warn' },
    });
  });

  it('takes header names in any case', () => {
    const { headers } = load(
      'headers: { forward: [X-Tenant], rename: { X-Old: X-New }, set: { X-Gateway: Weir } }',
    );
    expect(headers).toEqual({
      ...noHeaderRules,
      forward: ['x-tenant'],
      rename: { 'x-old': 'x-new' },
      set: { 'x-gateway': 'Weir' },
    });
  });

  it('names a module of policies relative to its own folder', () => {
    const { authorization } = load('authorization: { policies: { module: rules/policies.mjs } }');
    expect(authorization.policies).toMatchObject({
      module: join(folder, 'rules/policies.mjs'),
      timeout: 1000,
      ttl: 60_000,
    });
  });

  it('names a supergraph file relative to its own folder, and URLs as they are', () => {
    expect(load('supergraph: graphs/shop.graphql').supergraph?.file).toBe(
      join(folder, 'graphs/shop.graphql'),
    );
    expect(load('supergraph: { file: shop.graphql }').supergraph?.file).toBe(join(folder, 'shop.graphql'));
    expect(load('supergraph: /srv/shop.graphql').supergraph?.file).toBe('/srv/shop.graphql');
    expect(load('supergraph: https://a.example/s').supergraph).toMatchObject({ url: 'https://a.example/s' });
    expect(load('supergraph: s3://a/s').supergraph).toMatchObject({ url: 's3://a/s' });
    expect(load('supergraph: { registry: graphs, graph: shop@prod, keep: kept }').supergraph).toMatchObject({
      registry: join(folder, 'graphs'),
      keep: join(folder, 'kept'),
    });
    expect(load('supergraph: registry:graphs#shop@prod').supergraph).toMatchObject({
      registry: join(folder, 'graphs'),
      graph: 'shop@prod',
    });
    expect(load('supergraph: registry:dynamodb://weir?region=a#shop@prod').supergraph).toMatchObject({
      registry: 'dynamodb://weir?region=a',
      graph: 'shop@prod',
    });
  });

  it('names the modules of authentication relative to its own folder', () => {
    const { auth } = load('auth: { iam: { module: keys.mjs }, lambda: { module: /srv/authorise.mjs } }');
    expect(auth.iam?.module).toBe(join(folder, 'keys.mjs'));
    expect(auth.lambda?.module).toBe('/srv/authorise.mjs');
  });

  it('names certificates for clients and audit trails relative to its own folder', () => {
    const { tls, audit } = load(
      'tls: { cert: tls/cert.pem, key: /srv/key.pem, clientCa: ca.pem }\naudit: { trails: [{ to: audit.jsonl }, { to: stdout }] }',
    );
    expect(tls).toEqual({
      cert: join(folder, 'tls/cert.pem'),
      key: '/srv/key.pem',
      clientCa: join(folder, 'ca.pem'),
    });
    expect(audit.trails.map(({ to }) => to)).toEqual([join(folder, 'audit.jsonl'), 'stdout']);
  });

  it('takes durations and sizes with their units', () => {
    const { timeouts, limits, shutdown } = load(
      'timeouts: { request: 1.5s, subgraph: 250 }\nlimits: { body: 64KiB }\nshutdown: { grace: 2m }',
    );
    expect([timeouts, limits.body, shutdown.grace]).toEqual([
      { request: 1500, subgraph: 250, client: 10_000 },
      65_536,
      120_000,
    ]);
  });

  it.each([
    ['5MB', 5_000_000],
    ['5MiB', 5_242_880],
    ['1.005kB', 1005],
    ['1GB', 1_000_000_000],
    ['1GiB', 1_073_741_824],
  ])('takes %s as bytes', (body, bytes) => {
    expect(load(`limits: { body: ${body} }`).limits.body).toBe(bytes);
  });

  it('takes values from the environment, as numbers and booleans where these are wanted', () => {
    const yaml = 'port: ${PORT}\nadmin:\n  enabled: "${ON:-}"\nsupergraph: https://${HOST:-a.example}/$${x}';
    expect(problemsOf(() => load(yaml, { env: { PORT: '81' } }))).toEqual([
      'weir.yaml:3: `admin.enabled` must be true or false, but it is empty (from ${ON}).',
    ]);
    const options = load(yaml.replace('"${ON:-}"', '"${ON:-false}"'), { env: { PORT: '81', HOST: '' } });
    expect(options).toMatchObject({
      port: 81,
      admin: { enabled: false },
      supergraph: { url: 'https://a.example/${x}' },
    });
  });

  it('must name variables that are set', () => {
    expect(problemsOf(() => load('host: a\nport: ${PORT}'))).toEqual([
      'weir.yaml:2: `port` takes the environment variable PORT, which is not set: set it, or write ${PORT:-default}.',
    ]);
    expect(problemsOf(() => load('host: ${HOST?}'))).toEqual([
      'weir.yaml:1: `host` has ${HOST?}, which must be ${NAME}, ${NAME:-default} or ${file:PATH}; write $${ for a plain ${.',
    ]);
  });

  it('must exist and be YAML', () => {
    const missing = join(folder, 'missing.yaml');
    expect(problemsOf(() => loadOptions({ config: missing }))).toEqual([`${missing} does not exist.`]);
    expect(problemsOf(() => loadOptions({ config: folder }))).toEqual([
      expect.stringMatching(/ is a folder\.$/),
    ]);
    expect(problemsOf(() => load('port: [1'))).toEqual([expect.stringMatching(/^weir\.yaml:1: /)]);
  });
});

describe('a mistake is one sentence with the option, the rule and what was there', () => {
  it.each([
    [
      'limits: { classes: [{ mode: apikey, depth: 5 }] }',
      '`limits.classes.0.mode` must be one of none, api-key, iam, oidc, cognito, lambda, but got: "apikey".',
    ],
    [
      'privateLinks: { keys: [short] }',
      '`privateLinks.keys.0` must be a secret of 32 or more letters, digits and any of -._~+/=.',
    ],
    ['prot: 1', '`prot` is unknown; did you mean `port`?'],
    [
      'limits: { classes: [{ group: a, dept: 1 }] }',
      '`limits.classes.0.dept` is unknown; did you mean `depth`?',
    ],
    ['port: *none', 'weir.yaml:1: *none is used, but nothing above it is named &none.'],
    [
      `a: &a [${'1, '.repeat(50)}]\nb: &b [${'*a, '.repeat(50)}]\nc: [${'*b, '.repeat(50)}]`,
      'weir.yaml:2: Too much of the file is repeated by aliases (*name): write it out.',
    ],
    ['timeouts: { requests: 1s }', '`timeouts.requests` is unknown; did you mean `request`?'],
    [
      'subgraphs: { a: { url: file:///x } }',
      '`subgraphs.a.url` must be an http or https URL, or a target such as dns://stock.internal:4001/graphql, dns+srv://_graphql._tcp.stock.internal/graphql or cloudmap://shop.internal/stock/graphql, but got: "file:///x".',
    ],
    [
      'timeouts: { request: -1 }',
      '`timeouts.request` must be milliseconds, or a number with its unit (ms, s, m or h) such as 30s, but got: -1.',
    ],
    [
      'timeouts: { request: 25h }',
      '`timeouts.request` must be longer than 0 and not longer than 24h, but got: "25h".',
    ],
    ['limits: { body: 0 }', '`limits.body` must be from 1B to 1GiB, but got: 0.'],
    ['limits: { body: 2GB }', '`limits.body` must be from 1B to 1GiB, but got: "2GB".'],
    [
      'limits: { body: 5mb }',
      '`limits.body` must be bytes, or a number with its unit (B, kB, MB, GB, KiB, MiB or GiB) such as 1MiB, but got: "5mb".',
    ],
    [
      'cors: { origins: [https://a.example/x] }',
      '`cors.origins.0` must be an origin such as https://shop.example, without a path; * may stand for one label of the host, as in https://*.shop.example, but got: "https://a.example/x".',
    ],
    [
      'headers: { forward: [Cookie, Host] }',
      '`headers.forward.1` must not be a header that the gateway itself writes, but got: "Host".',
    ],
    [
      'headers: { rename: { te: x } }',
      'The key of `headers.rename.te` must not be a header that the gateway itself writes.',
    ],
    [
      'headers: { rename: { x-a: x-request-id } }',
      '`headers.rename.x-a` must not be a header that the gateway itself writes, but got: "x-request-id".',
    ],
    [
      'headers: { set: { Signature: a } }',
      'The key of `headers.set.Signature` must not be a header that the gateway itself writes.',
    ],
    [
      'headers: { claims: { weir-identity: sub } }',
      'The key of `headers.claims.weir-identity` must not be a header that the gateway itself writes.',
    ],
    [
      'headers: { defaults: { host: a } }',
      'The key of `headers.defaults.host` must not be a header that the gateway itself writes.',
    ],
    [
      'headers: { operationName: traceparent }',
      '`headers.operationName` must not be a header that the gateway itself writes, but got: "traceparent".',
    ],
    [
      'headers: { forward: [x-*, Content-Language] }',
      '`headers.forward.1` must not be a header that the gateway itself writes, but got: "Content-Language".',
    ],
    [
      'headers: { response: { cache-control: last } }',
      'The key of `headers.response.cache-control` must not be a header that the gateway itself writes.',
    ],
    [
      'csrf: { headers: [Authorization] }',
      '`csrf.headers.0` must be a header that a page of another origin cannot send without a CORS preflight, such as x-shop-client, but got: "Authorization".',
    ],
    [
      'headers: { set: { x-a: b }, claims: { X-A: c } }',
      '`headers` must set x-a by `set` or by `claims`, not by both.',
    ],
    [
      'subgraphs: { a: { headers: { forward: [Host] } } }',
      '`subgraphs.a.headers.forward.0` must not be a header that the gateway itself writes, but got: "Host".',
    ],
    [
      'subgraphs: { a: { identity: independent, headers: { claims: { x-a: b } } } }',
      '`subgraphs.a` must not have both `identity: independent` and `headers` other than `set`: those depend on the client.',
    ],
    ['headers: { set: { x-a: "a\\nb" } }', '`headers.set.x-a` must be printable ASCII on one line.'],
    [
      'headers: { defaults: { x-a: "a\\nb" } }',
      '`headers.defaults.x-a` must be printable ASCII on one line.',
    ],
    [
      'subgraphs: { a: { url: http://a, endpoints: [http://b] } }',
      '`subgraphs.a` must have `url` or `endpoints`, not both',
    ],
    [
      'telemetry: { traces: { datadog: b3 } }',
      '`telemetry.traces.datadog` must be true or false, but got: "b3".',
    ],
    ['health: { port: 70000 }', '`health.port` must be a whole number from 0 to 65535, but got: 70000.'],
    [
      'subgraphs: { a: { rate: { limit: 0 } } }',
      '`subgraphs.a.rate.limit` must be a whole number from 1 to 100000, but got: 0.',
    ],
    [
      'calls: { rate: { limit: 5, wait: 2m } }',
      '`calls.rate.wait` must not be longer than 1m, but got: "2m".',
    ],
    [
      'telemetry: { traces: { otlp: { protocol: http/json } } }',
      '`telemetry.traces.otlp.protocol` must be http or grpc, but got: "http/json".',
    ],
    [
      'telemetry: { metrics: { otlp: { url: "http://c:4318/v1/metrics", protocol: grpc } } }',
      '`telemetry.metrics.otlp` must have a `url` without a path for gRPC, such as http://collector:4317',
    ],
    [
      'telemetry: { traces: { otlp: { url: "http://c:4318/v1/traces", protocol: grpc } } }',
      '`telemetry.traces.otlp` must have a `url` without a path for gRPC, such as http://collector:4317',
    ],
    ['retries: { max: 9 }', 'must be a whole number from 0 to 5'],
  ])('%s', (yaml, sentence) => {
    expect(problemsOf(() => load(yaml))).toEqual([expect.stringContaining(sentence)]);
  });

  it('and several mistakes are all said, each with its line', () => {
    expect(problemsOf(() => load('port: x\nadmin:\n  host: 1\n  prot: 2'))).toEqual([
      'weir.yaml:1: `port` must be a whole number from 0 to 65535, but got: "x".',
      'weir.yaml:3: `admin.host` must be text, but got: 1.',
      'weir.yaml:4: `admin.prot` is unknown; did you mean `port`?',
    ]);
  });

  it('with the option inside another that has the name', () => {
    expect(problemsOf(() => load('traces: {}\nmetrics: {}\norigins: []'))).toEqual([
      'weir.yaml:1: `traces` is unknown; did you mean `telemetry.traces`?',
      'weir.yaml:2: `metrics` is unknown; did you mean `telemetry.metrics`?',
      'weir.yaml:3: `origins` is unknown; did you mean `cors.origins`?',
    ]);
  });

  it('of two ports that are one, too, unless they are at different addresses', () => {
    expect(problemsOf(() => load('port: 4100\nadmin:\n  port: 4100'))).toEqual([
      'weir.yaml:3: `admin.port` must differ from the port of clients, but both are 4100.',
    ]);
    expect(problemsOf(() => parseOptions({ port: 9464, host: '0.0.0.0' }))).toEqual([
      '`admin.port` must differ from the port of clients, but both are 9464.',
    ]);
    expect(problemsOf(() => load('port: 4100\nhealth:\n  port: 4100'))).toEqual([
      'weir.yaml:3: `health.port` must differ from the port of clients, but both are 4100.',
    ]);
    expect(problemsOf(() => load('subscriptions:\n  callback: { port: 9464 }'))).toEqual([
      'weir.yaml:2: `subscriptions.callback.port` must differ from `admin.port`, but both are 9464.',
    ]);
    expect(problemsOf(() => load('health: { port: 81 }\nsubscriptions: { callback: { port: 81 } }'))).toEqual(
      ['weir.yaml:2: `subscriptions.callback.port` must differ from `health.port`, but both are 81.'],
    );
    for (const fine of [
      { port: 0, health: { port: 0 } },
      { port: 4100, health: { port: 4100, host: '10.0.0.1' } },
      { port: 0, admin: { port: 0 } },
      { port: 4100, admin: { port: 4100, enabled: false } },
      { port: 4100, host: '10.0.0.1', admin: { port: 4100 } },
    ])
      expect(parseOptions(fine).port).toBe(fine.port);
  });

  it('in flags and in code too', () => {
    expect(problemsOf(() => loadOptions({ flags: { port: 'x' }, env: {} }))).toEqual([
      '`port` must be a whole number from 0 to 65535, but got: "x".',
    ]);
    expect(problemsOf(() => parseOptions({ port: 1.5 }))).toHaveLength(1);
  });
});

describe('the keys of the private link', () => {
  const [one, two] = ['1'.repeat(32), '2'.repeat(32)];

  it.each([
    [{ WEIR_LINK_KEYS: `${one}, ${two}` }, { keys: [one, two] }],
    [{ WEIR_LINK_KEYS_FILE: 'keys' }, { keysFile: 'keys' }],
    [{}, {}],
  ])('come from the environment where the options name none: %j', (env, keys) => {
    expect(loadOptions({ env, flags: { privateLinks: { claims: ['a'] } } }).privateLinks).toEqual({
      claims: ['a'],
      ...keys,
    });
  });

  it('are those of the options where these name some', () => {
    const flags = { privateLinks: { keys: [two] } };
    expect(loadOptions({ env: { WEIR_LINK_KEYS: one }, flags }).privateLinks.keys).toEqual([two]);
  });

  it('are refused from two variables', () => {
    expect(() => loadOptions({ env: { WEIR_LINK_KEYS: one, WEIR_LINK_KEYS_FILE: 'keys' } })).toThrow(
      'only one of WEIR_LINK_KEYS and WEIR_LINK_KEYS_FILE may be set.',
    );
  });
});
