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

const noHeaderRules = { forward: [], exclude: [], rename: {}, set: {}, claims: {}, response: {} };

describe('defaults', () => {
  it('are those of production', () => {
    expect(loadOptions({ env: {} })).toEqual({
      mode: 'production',
      extensions: [],
      lambda: { perInstance: false, margin: 500, flush: 1000, stream: 190 * 2 ** 20 },
      host: '127.0.0.1',
      port: 4000,
      path: '/graphql',
      subgraphs: {},
      discovery: { interval: 5000, emptyAfter: 60_000 },
      privateLinks: { claims: [] },
      calls: {
        dedupe: true,
        coalesce: true,
        batch: true,
        batchWindow: 'turn',
        batchSize: 1000,
        sharedHeaders: [],
        concurrency: 256,
        waiting: 2048,
      },
      events: { sources: {}, types: {}, subscriptions: {} },
      rates: [],
      retries: { max: 1, pause: 50 },
      breaker: { enabled: true, failures: 0.5, atLeast: 20, window: 10_000, pause: 1000 },
      trustedProxies: [],
      connections: {
        compression: false,
        connectTimeout: 5_000,
        http2: false,
        keepAlive: 4_000,
        max: 256,
        response: 33_554_432,
        strict: true,
      },
      overrides: {},
      persistedOperations: { automatic: true, manifest: [], mode: 'log' },
      planning: {
        depth: 1_000,
        steps: 15_000,
        waiting: 500,
      },
      errors: { jsonStatus: 400 },
      headers: { ...noHeaderRules, forward: ['authorization'] },
      timeouts: { request: 30_000, subgraph: 10_000, client: 10_000 },
      usage: { enabled: true, interval: 30_000, minimumDays: 7 },
      limits: {
        body: 1_048_576,
        tokens: 15_000,
        depth: 30,
        aliases: 100,
        rootFields: 20,
        directives: 200,
        selections: 1_000,
        listSize: 2_000,
        cost: 50_000,
        batch: 1,
        variables: 10_000,
        variablesDepth: 32,
        calls: 500,
        assumedListSize: 10,
        response: 33_554_432,
        errors: 100,
        classes: [],
      },
      overload: {
        requests: 4096,
        delay: 10,
        queue: 250,
        wait: 15,
        unread: 134_217_728,
        readRate: 2_048,
        readTime: 10_000,
        unsent: 134_217_728,
      },
      cache: {
        store: 'memory:',
        memory: 67_108_864,
        tiered: true,
        memoryBound: 1000,
        timeout: 50,
        redis: {},
        prefix: 'weir',
        cdn: { enabled: false },
        compressAbove: 1024,
        identityHeaders: ['authorization', 'cookie', 'x-api-key'],
        responses: { enabled: true, operations: {}, types: {}, compress: true, clientDirectives: false },
        staleIfError: 0,
        staleWhileRevalidate: 0,
        longest: 86_400_000,
        entities: { enabled: true, missing: 5000 },
        mutations: { dropReturned: true, drop: {} },
      },
      auth: { anonymous: false, apiKeys: [], oidc: [], cognito: [] },
      authorization: { refused: 'null', introspection: 'all' },
      cors: { credentials: false },
      csrf: { enabled: true, headers: ['x-apollo-operation-name', 'apollo-require-preflight'] },
      admin: {
        enabled: true,
        host: '127.0.0.1',
        port: 9464,
        console: {
          ...{ enabled: true, memory: 40 * 1024 * 1024, values: false },
          failures: { enabled: true, memory: 8 * 1024 * 1024, slowerThan: 1000 },
        },
      },
      audit: { trails: [], redact: expect.arrayContaining(['*password*', '*token*']) },
      logging: { level: 'info', format: 'auto', sampling: 1, fields: {}, omit: [] },
      shutdown: { delay: 0, grace: 20_000 },
      subscriptions: {
        ...{
          connections: 10_000,
          connectionsPerIdentity: 1000,
          perConnection: 200,
          initTimeout: 5000,
          heartbeat: 30_000,
        },
        callback: { host: '127.0.0.1', port: 0, path: '/callbacks', publicUrl: 'http://127.0.0.1:{port}' },
        ...{ connectionParams: [], concurrency: 16, total: 20_000, perIdentity: 1000, lifetime: 86_400_000 },
        ...{ idle: 43_200_000, unread: 1_048_576, slow: 'latest', expired: 'end' },
      },
      telemetry: {
        ...{ metrics: {}, resource: {} },
        traces: { otlp: { headers: {} }, keep: { failed: false }, xRay: false },
      },
    });
  });

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
    ['port: 70000', '`port` must be a whole number from 0 to 65535, but got: 70000.'],
    ['port: eighty', '`port` must be a whole number from 0 to 65535, but got: "eighty".'],
    [
      'limits: { classes: [{ mode: apikey, depth: 5 }] }',
      '`limits.classes.0.mode` must be one of none, api-key, iam, oidc, cognito, lambda, but got: "apikey".',
    ],
    [
      'rates: [{ name: a, per: client, limit: 1, window: 1s, mode: jwt }]',
      '`rates.0.mode` must be one of none, api-key, iam, oidc, cognito, lambda, but got: "jwt".',
    ],
    ['mode: dev', '`mode` must be development or production, but got: "dev".'],
    ['path: graphql', '`path` must be a path such as /graphql, but got: "graphql".'],
    ['path: /graphiql', '`path` must not begin with /health or /graphiql, but got: "/graphiql".'],
    [
      'privateLinks: { keys: [short] }',
      '`privateLinks.keys.0` must be a secret of 32 or more letters, digits and any of -._~+/=.',
    ],
    ['privateLinks: { keys: [] }', '`privateLinks.keys` must hold at least one secret.'],
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
      'subgraphs: { a: { link: x } }',
      '`subgraphs.a.link` is unknown; known here: url, endpoints, timeout, identity, headers, arrayBatching, auth, appsync, subscriptions, tls, cache.',
    ],
    [
      'subgraphs: { a: { url: file:///x } }',
      '`subgraphs.a.url` must be an http or https URL, or a target such as dns://stock.internal:4001/graphql, dns+srv://_graphql._tcp.stock.internal/graphql or cloudmap://shop.internal/stock/graphql, but got: "file:///x".',
    ],
    ['timeouts: 3', '`timeouts` must be a map, but got: 3.'],
    [
      'timeouts: { request: 30 s }',
      '`timeouts.request` must be milliseconds, or a number with its unit (ms, s, m or h) such as 30s, but got: "30 s".',
    ],
    [
      'timeouts: { request: -1 }',
      '`timeouts.request` must be milliseconds, or a number with its unit (ms, s, m or h) such as 30s, but got: -1.',
    ],
    [
      'timeouts: { request: 25h }',
      '`timeouts.request` must be longer than 0 and not longer than 24h, but got: "25h".',
    ],
    [
      'limits: { body: 1GB }',
      '`limits.body` must be bytes, or a number with its unit (B, KiB or MiB) such as 1MiB, but got: "1GB".',
    ],
    ['limits: { body: 0 }', '`limits.body` must be from 1B to 1024MiB, but got: 0.'],
    [
      'cors: { origins: shop.example }',
      '`cors.origins` must be \'*\' or a list of origins, but got: "shop.example".',
    ],
    [
      'cors: { origins: [https://a.example/x] }',
      '`cors.origins.0` must be an origin such as https://shop.example, without a path; * may stand for one label of the host, as in https://*.shop.example, but got: "https://a.example/x".',
    ],
    [
      "cors: { origins: '*', credentials: true }",
      "`cors` must not allow credentials for every origin: list the origins in place of '*'.",
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
      'headers: { forward: [x-*, Content-Language] }',
      '`headers.forward.1` must not be a header that the gateway itself writes, but got: "Content-Language".',
    ],
    [
      'headers: { forward: ["x a"] }',
      '`headers.forward.0` must be the name of a header, or a pattern such as x-*, but got: "x a".',
    ],
    [
      'headers: { response: { cache-control: last } }',
      'The key of `headers.response.cache-control` must not be a header that the gateway itself writes.',
    ],
    [
      'headers: { response: { x-a: all } }',
      '`headers.response.x-a` must be append, first or last, but got: "all".',
    ],
    [
      'csrf: { headers: [Authorization] }',
      '`csrf.headers.0` must be a header that a page of another origin cannot send without a CORS preflight, such as x-shop-client, but got: "Authorization".',
    ],
    ['csrf: { headers: [] }', '`csrf.headers` must be a list of at least one header name.'],
    [
      'headers: { rename: { "x-*": y } }',
      'The key of `headers.rename.x-*` must be the name of a header, such as x-tenant.',
    ],
    [
      'headers: { set: { x-a: b }, claims: { X-A: c } }',
      '`headers` must set x-a by `set` or by `claims`, not by both.',
    ],
    ['headers: { claims: { x-a: 1 } }', '`headers.claims.x-a` must be text, but got: 1.'],
    [
      'subgraphs: { a: { headers: { forward: [Host] } } }',
      '`subgraphs.a.headers.forward.0` must not be a header that the gateway itself writes, but got: "Host".',
    ],
    [
      'subgraphs: { a: { identity: independent, headers: { claims: { x-a: b } } } }',
      '`subgraphs.a` must not have both `identity: independent` and `headers` other than `set`: those depend on the client.',
    ],
    ['headers: { set: { x-a: "a\\nb" } }', '`headers.set.x-a` must be printable ASCII on one line.'],
    ['supergraph: {}', '`supergraph` must have exactly one of `file`, `url` and `registry`.'],
    [
      'supergraph: { file: a, url: http://b }',
      '`supergraph` must have exactly one of `file`, `url` and `registry`.',
    ],
    ['supergraph: { registry: a }', '`supergraph` must have `registry` and `graph` together.'],
    [
      'supergraph: registry:a',
      '`supergraph` must be a file, an http(s) or s3:// URL, registry:LOCATION#GRAPH@VARIANT or a map, but got: "registry:',
    ],
    [
      'supergraph: 3',
      '`supergraph` must be a file, an http(s) or s3:// URL, registry:LOCATION#GRAPH@VARIANT or a map, but got: 3.',
    ],
    [
      'subgraphs: { a: { url: http://a, endpoints: [http://b] } }',
      '`subgraphs.a` must have `url` or `endpoints`, not both',
    ],
    ['subgraphs: { a: { endpoints: [] } }', 'must be a list of at least one endpoint'],
    ['breaker: { failures: 1 }', 'must be a share above 0 and below 1, such as 0.5'],
    ['retries: { max: 9 }', 'must be a whole number from 0 to 5'],
    ['[]', 'weir.yaml:1: The options must be a map.'],
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

  it('of two ports that are one, too, unless they are at different addresses', () => {
    expect(problemsOf(() => load('port: 4100\nadmin:\n  port: 4100'))).toEqual([
      'weir.yaml:3: `admin.port` must differ from the port of clients, but both are 4100.',
    ]);
    expect(problemsOf(() => parseOptions({ port: 9464, host: '0.0.0.0' }))).toEqual([
      '`admin.port` must differ from the port of clients, but both are 9464.',
    ]);
    for (const fine of [
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
