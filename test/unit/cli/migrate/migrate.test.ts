/**
 * Whole configurations of each gateway, and random ones. What becomes of the whole ones is in `weir.yaml` and
 * `weir-migration.md` beside each; after a change, `WRITE_DOCS=1 npx jest cli/migrate` writes them anew. Over
 * 300 lines: each format goes through the same checks.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { stringify as stringifyToml } from 'smol-toml';
import { parse, stringify } from 'yaml';
import { type GivenFile, migrate, type Migration } from '../../../../cli/migrate/migrate';
import type { Peer } from '../../../../cli/migrate/peer';
import { peers } from '../../../../cli/migrate/peers';
import { NotMigrated } from '../../../../cli/migrate/recognise';
import { pathsOf } from '../../../../cli/migrate/table';
import { readOptions } from '../../../../gateway/options';

const fixtures = join(__dirname, 'fixtures');

const wholeFiles: Readonly<Record<string, readonly string[]>> = {
  'apollo-router': ['router.yaml'],
  'hive-gateway': ['gateway.config.ts'],
  'hive-router': ['router.config.yaml'],
  cosmo: ['config.yaml', 'router-execution-config.json'],
  grafbase: ['grafbase.toml'],
};

const read = (folder: string, file: string): GivenFile => {
  const path = join(fixtures, folder, file);
  return { file, text: readFileSync(existsSync(path) ? path : `${path}.txt`, 'utf8') };
};

const output = 'weir.yaml';

/** What variables stand for, by their names. */
const env = new Proxy<Record<string, string | undefined>>(
  {},
  {
    get: (_, name) => {
      const text = String(name);
      if (text.startsWith('WEIR_')) return undefined;
      if (text.endsWith('PORT')) return '4000';
      if (text.startsWith('REDIS')) return text.endsWith('URL') ? 'redis://redis.test:6379' : 'secret';
      return /URL|JWKS|ENDPOINT|ISSUER/.test(text)
        ? `https://some.test/${text}`
        : `value-of-${text}-${'x'.repeat(64)}`;
    },
  },
);

/** Reads options as `weir gateway` does. */
const readAsGateway = (text: string) =>
  readOptions({
    config: join(fixtures, output),
    text: text
      .replaceAll(/(jwks: )\$\{file:[^}]+\}/g, '$1{ keys: [] }')
      .replaceAll(/\$\{file:[^}]+\}/g, 's'.repeat(32)),
    env,
  }).options;

describe.each(Object.entries(wholeFiles))('a whole configuration of %s', (folder, files) => {
  const migration = migrate(
    files.map((file) => read(folder, file)),
    { output },
  );
  const written = [
    ['weir.yaml', migration.options],
    ['weir-migration.md', migration.report],
    ...migration.files,
  ] as const;

  it.each(written)('becomes %s', (name, text) => {
    const file = join(fixtures, folder, 'becomes', name);
    if (process.env['WRITE_DOCS']) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('becomes options that a gateway takes', () => {
    expect(readAsGateway(migration.options)).toMatchObject({ headers: {} });
  });

  it('has no option that Weir would have refused', () => {
    expect(migration.entries.filter(({ note }) => note.includes('is unknown;'))).toEqual([]);
  });

  it('has each of its keys in the report, and no value of a secret', () => {
    for (const { path } of migration.entries)
      expect(migration.report).toContain(path.length > 4 ? path.slice(0, 2).join('.') : path[0]!);
    expect(migration.report).not.toMatch(/hvk_|hvo_/);
  });
});

/** How a value is written in each language, and read back by somebody else. */
const languages: Readonly<
  Record<Peer['format'], { readonly write: (value: unknown) => string; readonly file: string }>
> = {
  yaml: { write: (value) => stringify(value, { aliasDuplicateObjects: false }), file: 'foreign.yaml' },
  json: { write: (value) => JSON.stringify(value), file: 'foreign.json' },
  code: {
    write: (value) => `export const gatewayConfig = defineConfig(${JSON.stringify(value)});`,
    file: 'foreign.ts',
  },
  toml: { write: (value) => stringifyToml(value), file: 'foreign.toml' },
};

/** TOML has no nothing. */
const withoutNull = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, each: unknown) => each ?? false);

/** Names that stand in the table of a gateway, and others. */
const wordsOf = (name: string): string[] => {
  const { table } = peers.find((peer) => peer.name === name)!;
  const words = table.rows.flatMap((row) => pathsOf(row)).flatMap((path) => path.split('.'));
  return [...new Set(words.filter((word) => !word.startsWith('*')))];
};

const scalar = fc.oneof(
  fc.boolean(),
  fc.integer({ min: -5, max: 1e6 }),
  fc.constant(null),
  fc.constantFrom(
    '30s',
    '1MiB',
    'https://a.test/',
    '0.0.0.0:4000',
    '${NAME}',
    '$${x}',
    '^x-.*$',
    'a: b # c',
    '',
    'propagate',
    'http',
  ),
  fc.string({ maxLength: 8 }),
);

/** A configuration with keys of the table, at their places and elsewhere. */
function randomConfiguration(name: string): fc.Arbitrary<unknown> {
  const key = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...wordsOf(name)) },
    { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const rows = peers.find((peer) => peer.name === name)!.table.rows;
  const placed = fc
    .tuple(
      fc.constantFrom(...rows.flatMap((row) => pathsOf(row))),
      fc.oneof(scalar, tree),
      fc.constantFrom('one', 'x-two', '__proto__'),
    )
    .map(
      ([path, value, star]) =>
        [path.split('.').map((word) => (word.startsWith('*') ? star : word)), value] as const,
    );
  return fc
    .tuple(fc.dictionary(key, tree, { maxKeys: 3 }), fc.array(placed, { maxLength: 12 }))
    .map(([base, places]) => {
      for (const [path, value] of places) place(base, path, value);
      return base;
    });
}

function place(base: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let map = base;
  for (const key of path.slice(0, -1)) {
    if (
      !Object.hasOwn(map, key) ||
      typeof map[key] !== 'object' ||
      map[key] === null ||
      Array.isArray(map[key])
    )
      Object.defineProperty(map, key, { value: {}, enumerable: true, writable: true, configurable: true });
    map = map[key] as Record<string, unknown>;
  }
  Object.defineProperty(map, path.at(-1)!, { value, enumerable: true, writable: true, configurable: true });
}

/** The paths of all values, as they are known of the input alone. */
function leaves(value: unknown, path: readonly string[] = []): string[] {
  const isList = Array.isArray(value);
  if (typeof value !== 'object' || value === null) return [JSON.stringify(path)];
  const members = Object.entries(value);
  const isOneValue = isList && value.every((item) => typeof item !== 'object' || item === null);
  if (isOneValue || members.length === 0) return path.length === 0 ? [] : [JSON.stringify(path)];
  return members.flatMap(([key, member]) => leaves(member, [...path, key]));
}

/** Undefined if all keys happen to be those of another gateway. */
function migrated(make: () => Migration): Migration | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof NotMigrated && error.message.endsWith('leave out --from.')) return undefined;
    throw error;
  }
}

describe.each(peers.map(({ name, format }) => [name, format] as const))(
  'any configuration that is read as one of %s',
  (name, format) => {
    it('has each of its keys in the report, and becomes options that are valid', () => {
      fc.assert(
        fc.property(randomConfiguration(name), (random) => {
          const { write, file } = languages[format];
          const input = format === 'toml' ? withoutNull(random) : random;
          const migration = migrated(() => migrate([{ file, text: write(input) }], { from: name, output }));
          if (migration === undefined) return;
          const reported = new Set(migration.entries.map(({ path }) => JSON.stringify(path)));
          expect(leaves(input).filter((leaf) => !reported.has(leaf))).toEqual([]);
          // What references stand for is not known, so that it may be refused.
          if (!/\$\{/.test(migration.options)) readAsGateway(migration.options);
        }),
        { numRuns: 40 },
      );
    });
  },
);

it('keeps who has no token out where what it needs of an issuer is not known', () => {
  const text = stringify({
    jwt: {
      enabled: true,
      jwks_providers: [{ source: 'remote', url: 'https://a.test/jwks' }],
      issuers: ['not a url'],
    },
  });
  const { options } = migrate([{ file: 'router.config.yaml', text }], { output });
  expect((parse(options) as { auth: unknown }).auth).toMatchObject({
    oidc: [{ issuer: '${JWT_ISSUER}', audience: '${JWT_AUDIENCE}', jwks: 'https://a.test/jwks' }],
  });
  expect(() => readOptions({ config: output, text: options, env: {} })).toThrow(
    'JWT_ISSUER, which is not set',
  );
});

describe('callbacks at the port of the clients', () => {
  const portOf = (yaml: string): unknown => {
    const { options } = migrate([{ file: 'router.yaml', text: yaml }], { output });
    return parse(options).subscriptions?.callback?.port;
  };
  const callback = (port: number): string =>
    `subscription: { mode: { callback: { public_url: "https://a.test/c", listen: "127.0.0.1:${port}" } } }`;

  it('are given no port, as they need one of their own', () => {
    expect(portOf(callback(4000))).toBeUndefined();
    expect(portOf(`supergraph: { listen: "0.0.0.0:4100" }\n${callback(4100)}`)).toBeUndefined();
    expect(portOf(callback(4001))).toBe(4001);
  });
});

describe('a secret of an issuer', () => {
  const migrateCosmo = (jwks: object) => {
    const text = stringify({ listen_addr: ':1', authentication: { jwt: { jwks: [jwks] } } });
    const { options, report } = migrate([{ file: 'config.yaml', text }], { from: 'cosmo', output });
    return { options: parse(options) as { auth: { oidc: unknown } }, report };
  };

  it.each([['HS256'], ['HS512']])('stays a reference, with its algorithm %s', (algorithm) => {
    const { options } = migrateCosmo({ secret: '${SHOP_SECRET}', symmetric_algorithm: algorithm });
    expect(options.auth.oidc).toEqual([
      {
        issuer: '${JWT_ISSUER}',
        audience: '${JWT_AUDIENCE}',
        secret: '${SHOP_SECRET}',
        algorithms: [algorithm],
      },
    ]);
  });

  it('is not copied where it stands in the file', () => {
    const { options, report } = migrateCosmo({ secret: 'hvk_secret', symmetric_algorithm: 'HS384' });
    expect(options.auth.oidc).toMatchObject([{ secret: '${JWT_SECRET}', algorithms: ['HS384'] }]);
    expect(JSON.stringify([options, report])).not.toContain('hvk_secret');
  });
});

describe('headers of tokens', () => {
  const jwks = [{ url: 'https://a.test/jwks' }, { url: 'https://b.test/jwks' }];
  const oidcOf = (jwt: object) => {
    const text = stringify({ supergraph: {}, authentication: { router: { jwt } } });
    const { options } = migrate([{ file: 'router.yaml', text }], { output });
    expect(readAsGateway(options).auth.oidc.length).toBeGreaterThan(0);
    const { oidc } = (parse(options) as { auth: { oidc: Record<string, unknown>[] } }).auth;
    return oidc.map(({ jwks: url, header, prefix }) => [url, header, prefix]);
  };

  it('are those of each issuer', () => {
    expect(oidcOf({ jwks, header_name: 'x-jwt', header_value_prefix: '' })).toEqual([
      ['https://a.test/jwks', 'x-jwt', ''],
      ['https://b.test/jwks', 'x-jwt', ''],
    ]);
  });

  it('beside the usual one make as many items of an issuer', () => {
    const sources = [
      { type: 'header', name: 'x-jwt', value_prefix: 'Token ' },
      { type: 'cookie', name: 'session' },
    ];
    expect(oidcOf({ jwks: jwks.slice(0, 1), sources })).toEqual([
      ['https://a.test/jwks', 'authorization', undefined],
      ['https://a.test/jwks', 'x-jwt', 'Token'],
    ]);
  });

  it('are none without an issuer', () => {
    const text = stringify({ authentication: { router: { jwt: { header_name: 'x-jwt' } } } });
    const { options } = migrate([{ file: 'router.yaml', text }], { from: 'apollo-router', output });
    expect(parse(options)).not.toHaveProperty('auth');
  });

  it('have a secret in each, and none that Weir refuses', () => {
    const jwt = {
      jwks: [{ secret: '${SHOP_SECRET}', symmetric_algorithm: 'HS256' }],
      header_sources: ['x-jwt', 'x-api-key', 'user-agent'].map((name) => ({ type: 'header', name })),
    };
    const text = stringify({ listen_addr: ':1', authentication: { jwt } });
    const { options, report } = migrate([{ file: 'config.yaml', text }], { from: 'cosmo', output });
    const { oidc } = (parse(options) as { auth: { oidc: Record<string, unknown>[] } }).auth;
    expect(oidc.map(({ secret, header }) => [secret, header])).toEqual(
      ['authorization', 'x-jwt', '${JWT_HEADER}', '${JWT_HEADER}'].map((each) => ['${SHOP_SECRET}', each]),
    );
    expect(report).toContain('must be a header that has nothing but tokens');
    expect(() => readOptions({ config: output, text: options, env: {} })).toThrow('JWT_HEADER');
  });
});

it('quotes references in lists, and leaves what only looks like one as it is', () => {
  const text = stringify({
    headers: {
      all: {
        request: [
          { propagate: { named: ['${env.NAME}', 'x-a'] } },
          { insert: { name: 'x-b', value: 'a ${b} c' } },
        ],
      },
    },
  });
  const { options } = migrate([{ file: 'router.yaml', text }], { output });
  expect(readAsGateway(options)).toMatchObject({ headers: { set: { 'x-b': 'a ${b} c' } } });
});

describe('headers of Hive Gateway', () => {
  const migrateCode = (config: string) => {
    const text = `export const gatewayConfig = defineConfig({ ${config} });`;
    const { options, report, entries } = migrate([{ file: 'gateway.config.ts', text }], { output });
    readAsGateway(options);
    const becomes = new Map(entries.map((entry) => [entry.path.at(-1)!, entry.becomes]));
    return { options: parse(options) as { headers: object; subgraphs?: object }, report, becomes };
  };
  const propagate = (toSubgraphs: string) =>
    migrateCode(`propagateHeaders: { fromClientToSubgraphs${toSubgraphs} }`);

  it('are handed on, renamed and set, and have their defaults', () => {
    const { options, becomes } = propagate(`({ request: req }) {
      const trail = req.headers.get('x-trail');
      return {
        'X-Tenant': req.headers.get('x-tenant') ?? 'public',
        'x-trail': trail!,
        'x-region': req.headers.get('x-zone') || process.env.REGION,
        'x-empty': req.headers.get('x-empty') ?? '',
        'x-plain': context.headers['x-plain'],
        'x-gateway': 'hive',
      };
    }`);
    expect(options.headers).toEqual({
      forward: ['x-tenant', 'x-trail', 'x-empty', 'x-plain'],
      rename: { 'x-zone': 'x-region' },
      set: { 'x-gateway': 'hive' },
      defaults: { 'x-tenant': 'public', 'x-region': '${REGION}' },
    });
    expect(new Set(becomes.values())).toEqual(new Set(['same']));
  });

  it.each([
    ['is computed', ': ({ context }) => ({ "x-user": context.jwt?.payload.sub })'],
    [
      'comes under a condition',
      '({ request, subgraphName }) { if (subgraphName === "a") { return { "x-user": request.headers.get("x-user") }; } }',
    ],
    ['is one of two', '({ request }) { return request.ok ? { "x-user": "1" } : {}; }'],
    [
      'has a computed default',
      '({ request }) { return { "x-user": request.headers.get("x-user") ?? make() }; }',
    ],
  ])('have a line in the report where one %s', (_, toSubgraphs) => {
    const { options, report, becomes } = propagate(toSubgraphs);
    expect(becomes.get('x-user')).toBe('none');
    expect(report).toContain('`propagateHeaders.fromClientToSubgraphs.x-user`');
    expect(JSON.stringify(options)).not.toContain('x-user');
  });

  it('get one other name, and the second is reported', () => {
    const { options, becomes } = propagate(
      ': ({ request }) => ({ "x-a": request.headers.get("x-user"), "x-b": request.headers.get("x-user") })',
    );
    expect(options.headers).toMatchObject({ rename: { 'x-user': 'x-a' } });
    expect(becomes.get('x-b')).toBe('different');
  });

  it('of subgraphs reach clients: all values, or the last ones', () => {
    const back = `fromSubgraphsToClient: ({ response }) => ({
      'set-cookie': response.headers.get('set-cookie'), 'x-cost': response.headers.get('x-cost') })`;
    expect(migrateCode(`propagateHeaders: { ${back} }`).options.headers).toMatchObject({
      response: { 'set-cookie': 'append', 'x-cost': 'append' },
    });
    expect(
      migrateCode(`propagateHeaders: { ${back}, deduplicateHeaders: true }`).options.headers,
    ).toMatchObject({
      response: { 'set-cookie': 'append', 'x-cost': 'last' },
    });
  });

  it('of transports are set, for one subgraph or for all', () => {
    const { options, becomes } = migrateCode(`transportEntries: {
      products: { headers: [['X-Api-Key', process.env.KEY!], ['x-team', 'shop'], ['x-user', '{context.headers.x-user}']] },
      reviews: { headers: { 'x-team': 'web' } },
      '*.http': { headers: [['x-gateway', 'hive']] },
      '*.rest': { headers: [['x-rest', '1']] },
    }`);
    expect(options).toMatchObject({
      headers: { set: { 'x-gateway': 'hive' } },
      subgraphs: {
        products: { headers: { set: { 'x-api-key': '${KEY}', 'x-team': 'shop' }, forward: ['x-user'] } },
        reviews: { headers: { set: { 'x-team': 'web' } } },
      },
    });
    expect(becomes.get('0')).toBe('different');
  });
});

it.each([
  ['openTelemetry: { exporters: [createOtlpHttpExporter({ url: "http://otel:4318" })] }', undefined],
  ['openTelemetry: { exporters: [createOtlpGrpcExporter({ url: "http://otel:4317" })] }', undefined],
  ['openTelemetry: { exporters: [{ url: "http://otel:4318/v1/traces" }] }', undefined],
  ['openTelemetry: { traces: true }', 'new OTLPTraceExporter({ url: "http://otel:4318/v1/traces" })'],
])('takes the collector of Hive Gateway over: %s', (config, exporter) => {
  const setup =
    exporter === undefined
      ? ''
      : `openTelemetrySetup({ traces: { exporter: ${exporter} }, resource: { serviceName: 'shop' } });`;
  const text = `${setup}\nexport const gatewayConfig = defineConfig({ ${config} });`;
  const { options } = migrate([{ file: 'gateway.config.ts', text }], { output });
  const { telemetry } = parse(options) as { telemetry: unknown };
  expect(telemetry).toMatchObject(
    config.includes('Grpc')
      ? { traces: { otlp: { url: 'http://otel:4317', protocol: 'grpc' } } }
      : { traces: { otlp: { url: 'http://otel:4318/v1/traces' } } },
  );
  if (exporter !== undefined) expect(telemetry).toMatchObject({ resource: { 'service.name': 'shop' } });
});

describe('a key set in a file', () => {
  it.each([
    [
      'router.config.yaml',
      'hive-router',
      { jwt: { enabled: true, jwks_providers: [{ source: 'file', path: './jwks.json' }] } },
      './jwks.json',
    ],
    [
      'router.yaml',
      'apollo-router',
      { authentication: { router: { jwt: { jwks: [{ url: 'file:///etc/jwks.json' }] } } } },
      '/etc/jwks.json',
    ],
  ])('of %s is read from it', (file, from, config, path) => {
    const { options } = migrate([{ file, text: stringify(config) }], { from, output });
    expect(readAsGateway(options).auth.oidc).toMatchObject([{ jwks: { keys: [] } }]);
    expect(parse(options)).toMatchObject({ auth: { oidc: [{ jwks: `\${file:${path}}` }] } });
  });
});

// It was once read again for each of its keys, for minutes.
describe('a long configuration', () => {
  it.each([
    [
      'a.yaml',
      'supergraph: { listen: ":4000" }\noverride_subgraph_url:',
      (i: number) => `  s${i}: http://s${i}.test/`,
    ],
    ['a.yaml', 'supergraph: { listen: ":4000" }\noverride_subgraph_url:', (i: number) => `  s${i}: no url`],
    ['a.yaml', 'supergraph: { listen: ":4000" }\nplugins:', (i: number) => `  p${i}: { a: 1 }`],
    ['a.yaml', 'supergraph: { listen: ":4000" }\nx:', (i: number) => `  unknown${i}: 1`],
    ['a.toml', '[gateway]\ntimeout = "1s"', (i: number) => `[[subgraphs.s${i}.headers]]\nname = "x-a"`],
  ])('is reported to its last key: %s of %j', (file, head, line) => {
    const text = [head, ...Array.from({ length: 12_000 }, (_, i) => line(i))].join('\n');
    const { options, report } = migrate([{ file, text }], { output });
    expect(`${options}${report}`).toMatch(/11999|11980 more keys/);
  });
});
