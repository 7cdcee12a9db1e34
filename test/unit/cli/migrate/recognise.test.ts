/** cli/migrate/recognise.ts, and what cli/migrate/readers/ refuse. */
import { foreignTitle, recognise } from '../../../../cli/migrate/recognise';
import { migrate } from '../../../../cli/migrate/migrate';

const titles = (...files: [file: string, text: string][]): string[] =>
  recognise(files.map(([file, text]) => ({ file, text }))).map(({ peer }) => peer.title);

const jwt = 'authentication: { jwt: { jwks: [{ url: "https://a.test/jwks" }] } }';

it.each([
  ['a.yaml', 'supergraph: { listen: 0.0.0.0:4000 }\nsandbox: { enabled: true }', 'Apollo Router'],
  ['a.yaml', `supergraph: { listen: 0.0.0.0:4000 }\n${jwt}`, 'Apollo Router'],
  ['a.yaml', `listen_addr: localhost:3002\n${jwt}`, 'Cosmo'],
  ['a.yml', 'http: { port: 4000 }\njwt: { enabled: true }', 'Hive Router'],
  ['a.yaml', 'version: "1"\nlisten_addr: localhost:3002', 'Cosmo'],
  ['a.json', '{"engineConfig":{"graphqlSchema":""},"version":"1"}', 'Cosmo'],
  ['a.json', '{"supergraph":{"listen":"0.0.0.0:4000"}}', 'Apollo Router'],
  ['a.toml', '[gateway]\ntimeout = "1s"', 'Grafbase Gateway'],
  ['a.mts', 'export const gatewayConfig = { port: 4000 }', 'Hive Gateway'],
  ['router.yaml', 'headers: { all: { request: [{ propagate: { named: a } }] } }', 'Apollo Router'],
  ['router.config.yaml', 'headers: { all: { request: [{ propagate: { named: a } }] } }', 'Hive Router'],
])('knows %s with %j', (file, text, title) => {
  expect(titles([file, text])).toEqual([title]);
});

const depth = 20_000;

it.each([
  [
    'a.yaml',
    'headers: { all: { request: [{ propagate: { named: a } }] } }',
    'a.yaml may be of Apollo Router or of Hive Router: say which one with --from apollo-router or --from hive-router.',
  ],
  [
    'a.yaml',
    'one: 1\ntwo: 2',
    'a.yaml has no key of a gateway that `weir migrate` knows: Apollo Router, Hive Gateway, Hive Router, Cosmo, Grafbase Gateway.',
  ],
  ['a.yaml', '', 'a.yaml: this is not a map of options.'],
  ['a.yaml', '- 1', 'a.yaml: this is not a map of options.'],
  ['a.yaml', 'supergraph:\n  listen: [', /^a\.yaml:2: this is not valid YAML: /],
  ['a.yaml', 'supergraph: 1\nsupergraph: 2', /^a\.yaml:2: this is not valid YAML: Map keys must be unique/],
  [
    'a.yaml',
    'supergraph: !include other.yaml',
    'a.yaml:1: a tag stands here for something that is elsewhere, such as in another file: write it out.',
  ],
  [
    'a.yaml',
    'supergraph: 1\n---\nsupergraph: 2',
    'a.yaml:2: a second document begins here: give each document as a file of its own.',
  ],
  [
    'a.yaml',
    `a: &a [x, x]\n${Array.from({ length: 20 }, (_, i) => `a${i}: &a${i} [*a${i === 0 ? '' : i - 1}, *a${i === 0 ? '' : i - 1}]`).join('\n')}`,
    'a.yaml: too much of it is repeated by aliases (*name), or an alias has no anchor.',
  ],
  [
    'a.yaml',
    `supergraph: { listen: ${'x'.repeat(10 * 1024 ** 2)} }`,
    /^a\.yaml has \d+ bytes; a configuration has at most 2097152\.$/,
  ],
  ['a.toml', '[gateway\n', /^a\.toml:1: this is not valid TOML: /],
  ['a.toml', 'a = 1\na = 2', /^a\.toml:2: this is not valid TOML: /],
  ['a.ts', 'export const gatewayConfig = {', /^a\.ts:1: this is not valid TypeScript: /],
  ['a.ts', 'throw new Error();', /^a\.ts: this has no `gatewayConfig`/],
  ['a.json', '{', /^a\.json:1: this is not valid YAML: /],
])('refuses %s with %.40j', (file, text, message) => {
  expect(() => migrate([{ file, text }], { output: 'weir.yaml' })).toThrow(message);
});

it.each([
  ['a.yaml', `supergraph: ${'['.repeat(depth)}${']'.repeat(depth)}`],
  ['a.ts', `export const gatewayConfig = { a: ${'['.repeat(depth)}${']'.repeat(depth)} }`],
  ['a.json', `{"engineConfig":${'['.repeat(depth)}${']'.repeat(depth)}}`],
])('refuses %s that is nested too deeply', (file, text) => {
  expect(() => migrate([{ file, text }], { output: 'weir.yaml' })).toThrow(/nested too deeply|not valid/);
});

it('refuses files of two gateways', () => {
  expect(() =>
    titles(['a.yaml', 'listen_addr: localhost:3002'], ['b.toml', '[gateway]\ntimeout = "1s"']),
  ).toThrow('These files are of Cosmo and of Grafbase Gateway: migrate each of them into a file of its own.');
});

describe('a file with keys of two gateways', () => {
  const mixed =
    'supergraph: { listen: 0.0.0.0:4000 }\nsandbox: { enabled: true }\nlisten_addr: localhost:3002';
  const from = (name?: string) =>
    migrate([{ file: 'a.yaml', text: mixed }], { from: name, output: 'weir.yaml' });

  it('is refused with both, and with what chooses one', () => {
    expect(() => from()).toThrow(
      'a.yaml has keys of Apollo Router (supergraph.listen) and of Cosmo (listen_addr): make a file of each, or choose with --from apollo-router or --from cosmo, and the keys of the other are reported as unknown.',
    );
  });

  it.each([
    ['apollo-router', ['listen_addr']],
    ['cosmo', ['supergraph.listen', 'sandbox.enabled']],
  ])('is of %s if that is chosen', (name, others) => {
    const unknown = from(name).entries.filter(({ becomes }) => becomes === 'unknown');
    expect(unknown.map(({ path }) => path.join('.'))).toEqual(others);
  });

  it('is named as one that is not of Weir', () => {
    expect(foreignTitle('a.yaml', mixed)).toBe('Apollo Router');
  });
});

it('refuses a file that is said to be of a gateway of which it has no key', () => {
  const file = { file: 'a.yaml', text: 'supergraph: { listen: 0.0.0.0:4000 }\nsandbox: { enabled: true }' };
  expect(() => recognise([file], 'cosmo')).toThrow(
    'a.yaml is of Apollo Router (supergraph.listen), and has no key that only Cosmo has: leave out --from.',
  );
  expect(recognise([file], 'apollo-router')).toHaveLength(1);
});

it('reports a version that it does not know', () => {
  const noteOf = (version: string): string | undefined => {
    const file = { file: 'config.yaml', text: `version: ${version}\nlisten_addr: localhost:3002` };
    return migrate([file], { output: 'weir.yaml' }).entries.find(({ path }) => path[0] === 'version')?.note;
  };
  expect(noteOf('"1"')).toBe(noteOf('1'));
  expect(noteOf('"99"')).toContain('read as those of version 1');
});

it('lists the keys of another gateway, or of another version, as unknown', () => {
  const text =
    'supergraph: { listen: 0.0.0.0:4000, path: /, introspection: true, shard: 3 }\nlisten_addr: localhost:3002\nserver: { old_key: 1 }';
  const file = { file: 'router.yaml', text };
  const { entries, report, options } = migrate([file], { from: 'apollo-router', output: 'weir.yaml' });
  const unknown = entries.filter(({ becomes }) => becomes === 'unknown').map(({ path }) => path.join('.'));
  expect(unknown).toEqual(['supergraph.shard', 'listen_addr', 'server.old_key']);
  expect(report).toContain('## Unknown');
  expect(options).not.toContain('3002');
});

it('reads anchors, merge keys and references to the environment', () => {
  const text =
    'x: &limits { max_depth: 7 }\nlimits: { <<: *limits, max_aliases: 3 }\nsupergraph: { listen: "${env.HOST}:${env.PORT:-4000}" }';
  const { options } = migrate([{ file: 'router.yaml', text }], { output: 'weir.yaml' });
  expect(options).toContain('depth: 7 # ');
  expect(options).toContain('host: ${HOST} #');
  expect(options).toContain('port: ${PORT:-4000} #');
});

it('writes names that could end a comment as they are seen in a terminal', () => {
  const text = JSON.stringify({ override_subgraph_url: { 'a\nport: 1\u001b[31m': 'http://a.test/' } });
  const { options, report } = migrate([{ file: 'router.yaml', text }], { output: 'weir.yaml' });
  expect(options).not.toMatch(/^port: 1/m);
  expect(options + report).not.toContain('\u001b');
});

describe('as the options of Weir', () => {
  it.each([
    [
      'router.yaml',
      'supergraph: { listen: 0.0.0.0:4000, path: / }\nheaders: { all: { request: [] } }',
      'Apollo Router',
    ],
    ['grafbase.toml', '[gateway]\ntimeout = "1s"', 'Grafbase Gateway'],
    ['gateway.config.ts', 'export const gatewayConfig = { port: 4000 }', 'Hive Gateway'],
    [
      'weir.yaml',
      'port: 4000\nsupergraph: a.graphql\nlimits: { dept: 3 }\nheaders: { forward: [x-a] }',
      undefined,
    ],
    ['weir.yaml', 'port: x', undefined],
    ['weir.yaml', 'port: [', undefined],
    [
      'weir.yaml',
      'logging: { level: info }\ntelemetry: { resource: {} }\nheaders: { propagate: [x-a] }',
      undefined,
    ],
  ])('recognises %s with %.30j', (file, text, title) => {
    expect(foreignTitle(file, text)).toBe(title);
  });
});
