/**
 * cli/ and gateway/options/: every sentence that a wrong option, file, variable or flag is answered with, in one file to
 * be read: `refusals.txt` beside this one. After a change, `WRITE_DOCS=1 npx jest cli/refusals` writes it anew. Options
 * and flags are walked by their definitions, so that a new one is in it. Over 300 lines: each way to make an option, file
 * or flag wrong is here.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { subgraphNames } from '../../../cli/own-package';
import { isGroup } from '../../../cli/command-line';
import { createProgram } from '../../../cli/program';
import { loadOptions, OptionsError, optionsSchema, parseOptions } from '../../../gateway/options';
import { optionsJsonSchema } from '../../support/reference/json-schema';
import { openLinkKeys } from '../../../kit/identity/link-keys';
import { readSettings } from '../../../kit/serve/settings';
import { exampleOf, type OptionPlace, optionPlaces } from '../../support/options-schema';
import { startCli } from '../../support/run-cli';

const file = join(__dirname, 'refusals.txt');
const folder = mkdtempSync(join(tmpdir(), 'weir-refusals-'));
const config = join(folder, 'weir.yaml');
const before = process.cwd();
beforeAll(() => {
  // A sentence names the subgraphs that are built.
  if (subgraphNames().length === 0) throw new Error('Run `npm run build` first.');
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

it('are what the file says', async () => {
  const text = [
    ...section('A value that an option does not take', valuesRefused()),
    ...section('A name that is unknown, or missing', namesRefused()),
    ...section('Options that do not go together', yamlRefused(together)),
    ...section('A file of options that cannot be read', [...yamlRefused(unreadable), ...filesRefused()]),
    ...section('`weir gateway --check` with files that the options name', await checksRefused()),
    ...section('Flags', await flagsRefused()),
    ...section('Variables', await variablesRefused()),
    ...section('Ports that are taken', await portsRefused()),
    ...section('Commands', await commandsRefused()),
    ...section('`weir subgraph NAME`, which hands its flags and variables on', subgraphsRefused()),
  ].join('\n');
  if (process.env['WRITE_DOCS']) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
  // It runs some 300 commands.
});

it('hold every rule that an option has', () => {
  const options = join(__dirname, '../../../gateway/options');
  const rules = readdirSync(options)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(options, name), 'utf8').matchAll(/(?:error:|Rule =)\s*(['"])(must .*?[^\\])\1/g),
    ])
    .map(([, , rule]) => rule!.replace(/\\'/g, "'"));
  const text = readFileSync(file, 'utf8');
  expect(rules.length).toBeGreaterThan(60);
  expect(rules.filter((rule) => !text.includes(rule))).toEqual([]);
});

/** Sentences, and what each is said of. */
type Refusals = readonly (readonly [sentence: string, of: string])[];

function section(title: string, refusals: Refusals): string[] {
  const byRule = new Map<string, { readonly sentence: string; readonly of: Set<string> }>();
  for (const [sentence, of] of refusals) {
    const rule = sentence.replace(/, but (got: .*|it is empty)\.$/, '').replace(/\.$/, '');
    const said = byRule.get(rule) ?? { sentence, of: new Set() };
    byRule.set(rule, said);
    said.of.add(of.length > 110 ? `${of.slice(0, 110)}…` : of);
  }
  return [
    `## ${title}`,
    '',
    ...[...byRule.values()].flatMap(({ sentence, of }) => [sentence, ...few([...of])]),
    '',
  ];
}

/** The first of what a sentence is of, and of how many it is. */
function few(all: readonly string[]): string[] {
  const more = all.length > 1 ? [`… ${all.length} in all`] : [];
  return [all[0]!, ...more].map((each) => `    ${each}`);
}

const places = optionPlaces(optionsJsonSchema());

const hideFolder = (text: string): string => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'FOLDER');

/** What Node and OpenSSL say is said in other words by other versions. */
const withoutNode = (text: string): string =>
  text.replace(/\(error:[^)]*\)/, '(…)').replace(/(is not valid JSON: )[^\n]*/, '$1…');

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof OptionsError) return error.problems.map((problem) => hideFolder(problem));
    throw error;
  }
}

function problemsIn(yaml: string, env: Record<string, string> = {}): readonly string[] {
  writeFileSync(config, yaml);
  return problemsOf(() => loadOptions({ config, env }));
}

/** Of each rule of each option one sentence: the values in it differ, the rest does not. */
function valuesRefused(): Refusals {
  return places.flatMap((place) => {
    const [group] = place.path as [keyof typeof optionsSchema.shape];
    const rules = new Set<string>();
    const sentences = wrongValues.flatMap((value) => {
      const options = place.with(value);
      // Each group on its own: to check all others each time would take long.
      const { error } = optionsSchema.shape[group].safeParse(options[group]);
      const rule = JSON.stringify(error?.issues.map(({ path, code, message }) => [path, code, message]));
      if (error === undefined || rules.has(rule)) return [];
      rules.add(rule);
      return problemsOf(() => parseOptions(options)).map((problem) => anonymous(problem, place));
    });
    // What is inside has a place of its own.
    return sentences
      .filter(
        (sentence) => /^(`OPTION`|The key of)/.test(sentence) && !/ is (unknown|missing);/.test(sentence),
      )
      .map((sentence) => [sentence, place.name] as const);
  });
}

const wrongValues: readonly unknown[] = [
  ...[
    'x y',
    3.5,
    -1,
    1e12,
    0,
    true,
    '',
    '999d',
    '1000h',
    '9000000000B',
    '200MiB',
    'http://x y',
    'file:///x',
    'é',
    'te',
    'x-a',
  ],
  ...[
    '/health',
    'x://y',
    'registry:a',
    '300.1.1.1/99',
    'https://a.example/x',
    'user-agent',
    'accept-language',
    '2027-13-01',
    null,
  ],
  ...[
    [],
    ['x y'],
    [3.5],
    ['te'],
    ['user-agent'],
    [''],
    {},
    { 'x y': 'a' },
    { te: 'x' },
    { x: 3.5 },
    { x: 'é' },
  ],
];

/** A problem without its place, and with OPTION for the name of the option. */
function anonymous(problem: string, { path }: OptionPlace): string {
  return problem.replace(`\`${path.join('.')}`, '`OPTION');
}

function namesRefused(): Refusals {
  const maps = places.filter(({ node }) => node.additionalProperties === false);
  return [
    ...problemsIn('unknwon: 1').map((problem) => [problem, 'any option'] as const),
    ...maps.flatMap((place) => {
      const example = exampleOf(place.node) as Record<string, unknown>;
      const missing = (place.node.required ?? []).map((name) =>
        Object.fromEntries(Object.entries(example).filter(([each]) => each !== name)),
      );
      return [{ ...example, unknwon: 1 }, ...missing].flatMap((value) =>
        problemsOf(() => parseOptions(place.with(value))).map(
          (problem) => [anonymous(problem, place), place.name] as const,
        ),
      );
    }),
  ];
}

function yamlRefused(cases: readonly (string | readonly [string, Record<string, string>])[]): Refusals {
  return cases.flatMap((each) => {
    const [yaml, env] = typeof each === 'string' ? [each, {}] : each;
    const problems = problemsIn(yaml, env);
    expect([yaml, problems.length > 0]).toEqual([yaml, true]);
    return problems.map((problem) => [problem, yaml.replaceAll('\n', ' ⏎ ')] as const);
  });
}

const together = [
  'path: /mcp\nmcp: { operations: [agents/*.graphql] }',
  'mcp: { operations: [agents/*.graphql] }\nauth: { oidc: [{ issuer: "https://id.example", audience: shop }] }',
  'port: 9464',
  'headers: { operationName: authorization }',
  'port: 4000\nadmin: { port: 4000 }',
  "cors: { origins: '*', credentials: true }",
  'supergraph: {}',
  'supergraph: { file: a, url: http://a }',
  'supergraph: { registry: a }',
  'graphs: { default: a@b }',
  '{ supergraph: a, graphs: { default: a@b } }',
  '{ supergraph: { registry: a, graph: a@c }, graphs: { default: a@b } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, choose: [{ graph: a@c }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, choose: [{ header: x-graph, graph: a@c }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, choose: [{ header: x-api-key, groups: [c], graph: "a@{value}" }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, choose: [{ host: a.example, graph: "a@{value}" }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, allow: [{ graph: a@c }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, allow: [{ graph: a@c, groups: [] }] } }',
  '{ supergraph: { registry: a }, graphs: { default: a@b, allow: [{ graph: a@c, modes: [] }] } }',
  'supergraph: { file: a, webhooks: { a: { url: http://a, secrets: [AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA] } } }',
  'supergraph: { registry: a, graph: a@b, webhooks: { a: { url: http://a:b@c, secrets: [AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA] } } }',
  'subgraphs: { a: { url: http://a, endpoints: [http://b] } }',
  'subgraphs: { a: { auth: { type: BEARER, token: a }, appsync: { auth: { type: NONE } } } }',
  'subgraphs: { a: { arrayBatching: true, appsync: { auth: { type: NONE } } } }',
  'subgraphs: { a: { url: dns://a.internal/graphql, appsync: { auth: { type: NONE } } } }',
  'subgraphs: { a: { tls: { cert: a } } }',
  'subgraphs: { a: { auth: { type: BASIC } } }',
  'subgraphs: { a: { auth: { type: TOKEN_EXCHANGE, tokenUrl: https://a.example, audience: a, clientId: a, clientSecret: a, clientAuthentication: private_key_jwt } } }',
  'subgraphs: { a: { identity: independent, auth: { type: TOKEN_EXCHANGE, tokenUrl: https://a.example, audience: a, clientId: a, clientSecret: a } } }',
  'subgraphs: { a: { auth: { type: BEARER, key: a } } }',
  `privateLinks: { keysFile: a, keys: [${'k'.repeat(32)}] }`,
  'rates: [{ name: a, per: client, limit: 1, window: 1s }, { name: a, per: client, limit: 1, window: 1s }]',
  'auth: { iam: {} }',
  'auth: { oidc: [{ issuer: https://a }] }',
  `auth: { oidc: [{ issuer: https://a, audience: b, jwks: https://a/keys, secret: ${'s'.repeat(32)} }] }`,
  `auth: { oidc: [{ issuer: https://a, audience: b, algorithms: [RS256], secret: ${'s'.repeat(32)} }] }`,
  'auth: { oidc: [{ issuer: https://a, audience: b, algorithms: [HS256] }] }',
  'auth: { oidc: [{ issuer: https://a, audience: b, header: cookie }] }',
  'auth: { oidc: [{ issuer: https://a, audience: b, prefix: "Bearer " }] }',
  'auth: { oidc: [{ issuer: https://a, audience: b, header: x-jwt }] }\nheaders: { operationName: x-jwt }',
  `auth: { oidc: [{ issuer: https://a, audience: b, algorithms: [HS512], secret: ${'s'.repeat(63)} }] }`,
  `auth: { oidc: [{ issuer: https://a, audience: b, secret: '-----BEGIN PUBLIC KEY-----${'s'.repeat(32)}' }] }`,
  'auth: { oidc: [{ issuer: https://a, audience: b, secret: "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd" }] }',
  `auth: { oidc: [{ issuer: https://a, audience: b }, { issuer: https://a, audience: b, secret: ${'s'.repeat(32)} }] }`,
  'auth: { lambda: {} }',
  'authorization: { policies: {} }',
  'cache: { mutations: { drop: { a: {} } } }',
  "events: { types: { A: { drop: { entities: [{ type: B, key: { a: 'data.b[*].c[*]' } }] } } } }",
  "events: { types: { A: { drop: { entities: [{ type: B, key: { a: 'data.b[*]', c: 'data.d[*]' } }] } } } }",
  "events: { subscriptions: { a: { types: [A], key: { b: 'data.c[*]' } } } }",
  "events: { subscriptions: { a: { types: [A], key: { b: subject }, only: { subject: { eq: '{$args.b}' } } } } }",
  "events: { subscriptions: { a: { types: [A], key: { b: subject }, only: { subject: { eq: '{$claim.b}' } } } } }",
  'cache: { store: redis://a, redis: { iam: { cache: a, user: b, region: eu-west-1 } } }',
  'planning: { timeout: 5s }',
  'lambda: { stream: 200MiB }',
  'logging: { fields: { a: { header: x-a, claim: a } } }',
  'telemetry: { traces: { otlp: { url: http://a/v1/traces, protocol: grpc } } }',
  'logging: { fields: { a: { header: cookie }, ms: { header: x-a } } }',
  'headers: { set: { x-a: b }, claims: { x-a: c } }',
  'headers: { set: { x-a: b }, operationName: x-a }',
  'headers: { claims: { x-a: b }, operationName: X-A }',
  'subgraphs: { a: { identity: independent, headers: { claims: { x-a: b } } } }',
  `cache: { mutations: { drop: { a: { tags: [${'a, '.repeat(1001)}] } } } }`,
  `cache: { mutations: { drop: { a: { entities: [${'{ type: a, key: { b: c } }, '.repeat(1001)}] } } } }`,
];

const unreadable = [
  '- 1',
  'port: 1\nport: 2',
  'admin: { port: ${PORT} }',
  'port: 1\nadmin:\n\tport: 2',
  'port: [1',
  'port: 1\n---\nport: 2',
  'host: !secret a',
  'port: *none',
  `a: &a [${'1, '.repeat(50)}]\nb: &b [${'*a, '.repeat(50)}]\nc: [${'*b, '.repeat(50)}]`,
  'port: ${PORT}',
  'host: ${HOST?}',
  'admin: { token: "${file:none}" }',
  'admin: { token: "${file:.}" }',
  ['port: ${PORT}', { PORT: 'x' }],
  ['admin: { token: "${TOKEN}" }', { TOKEN: 'hunter2' }],
  ['cache: { store: "${STORE}" }', { STORE: 'http://user:hunter2@host' }],
  'port:',
  'limits:',
] satisfies (string | readonly [string, Record<string, string>])[];

function filesRefused(): Refusals {
  return ['none.yaml', folder].flatMap((name) =>
    problemsOf(() => loadOptions({ config: name })).map(
      (problem) => [problem.replace(folder, 'FOLDER'), `--config ${name.replace(folder, 'FOLDER')}`] as const,
    ),
  );
}

async function checksRefused(): Promise<Refusals> {
  const files: Record<string, string> = {
    'supergraph.graphql': supergraph('http://127.0.0.1:9/'),
    'no-url.graphql': supergraph(''),
    'no-graph.graphql': 'type Query {',
    'empty.graphql': '',
    'not-json.json': '{',
    'elsewhere.yaml': 'supergraph: registry:none#shop@prod',
    'one.yaml': 'subgraphs: { a: { routing_url: http://a.test, schema: { sdl: x } } }',
    'list.json': '[1]',
    'not-graphql.json': '{ "id": "{" }',
    'no-function.cjs': 'module.exports = 3;',
    'short-keys': 'short\n',
    'no-keys': '\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'empty-registry'), { recursive: true });
  const fine = 'supergraph: supergraph.graphql\n';
  const cases: (string | [string, Record<string, string>])[] = [
    'port: 1',
    'supergraph: none.graphql',
    'supergraph: no-graph.graphql',
    'supergraph: empty.graphql',
    'supergraph: no-url.graphql',
    `${fine}tls: { cert: none.pem, key: none.pem }`,
    `${fine}connections: { ca: none.pem }`,
    `${fine}subgraphs: { a: { tls: { ca: none.pem } } }`,
    `${fine}subgraphs: { a: { tls: { cert: short-keys, key: short-keys } } }`,
    `${fine}persistedOperations: { manifest: none.json }`,
    `${fine}persistedOperations: { manifest: not-json.json }`,
    `${fine}persistedOperations: { manifest: list.json }`,
    `${fine}persistedOperations: { manifest: not-graphql.json }`,
    `${fine}authorization: { policies: { module: none.cjs } }`,
    `${fine}authorization: { policies: { module: no-function.cjs } }`,
    `${fine}auth: { iam: { module: none.cjs } }`,
    `${fine}auth: { lambda: { module: no-function.cjs } }`,
    `${fine}privateLinks: { keysFile: none }`,
    `${fine}privateLinks: { keysFile: short-keys }`,
    `${fine}privateLinks: { keysFile: no-keys }`,
    `${fine}audit: { trails: [{ to: none/audit.jsonl }] }`,
    [fine, { WEIR_LINK_KEYS: 'short' }],
    [fine, { WEIR_LINK_KEYS_FILE: 'none' }],
    [fine, { WEIR_LINK_KEYS: 'a', WEIR_LINK_KEYS_FILE: 'b' }],
  ];
  const refusals = [];
  for (const each of cases) {
    const [yaml, env] = typeof each === 'string' ? [each, {}] : each;
    writeFileSync(config, yaml);
    const said = await saidBy(['gateway', '--check', '--config', config], env);
    const names = Object.entries(env).map(([name, value]) => `${name}=${value} `);
    refusals.push([said, `${names.join('')}${yaml.replace(fine, '… ').replaceAll('\n', ' ⏎ ')}`] as const);
  }
  return refusals;
}

/** Each flag of each command: unknown, without its value, and with one that it does not take. */
async function flagsRefused(): Promise<Refusals> {
  const refusals: (readonly [string, string])[] = [];
  const say = async (args: readonly string[]): Promise<void> => {
    const said = (await saidBy(args))
      .replace(/(-\w, )?--[\w-]+ <[^>]*>/, 'FLAG')
      .replace(/`weir [^`]* --help`/, '`weir COMMAND --help`')
      .replace(/ for '.*?'/, " for 'COMMAND'");
    refusals.push([said, args.join(' ')]);
  };
  for (const [names, command] of commandsIn(program())) {
    // It hands its flags on to a subgraph.
    if (command.name() === 'subgraph') continue;
    await say([...names, '--unknwon']);
    for (const option of command.options) {
      if (option.long === '--help' || option.long === '--version') continue;
      if (option.required) await say([...names, option.long!]);
      if (option.argChoices !== undefined || option.parseArg !== undefined)
        await say([...names, option.long!, 'x y']);
    }
    if (!isGroup(command) && !command.registeredArguments.some(({ variadic }) => variadic))
      await say([...names, ...Array.from({ length: 5 }, (_, i) => `x${i}`)]);
  }
  for (const args of [
    ['--port', 'x'],
    ['--admin-port', '70000'],
    ['--log-level', 'loud'],
    ['--host', ''],
    ['--supergraph', 'registry:a'],
    ['--port', '4100', '--admin-port', '4100', '--supergraph', 'a'],
  ])
    await say(['gateway', ...args]);
  return refusals;
}

/** Variables that stand for flags. */
async function variablesRefused(): Promise<Refusals> {
  const refusals = [];
  for (const [args, env] of [
    [['gateway'], { WEIR_PORT: 'x' }],
    [['gateway'], { WEIR_ADMIN_PORT: '70000' }],
    [['gateway'], { WEIR_PORT: '4100', WEIR_ADMIN_PORT: '4100' }],
    [['gateway'], { WEIR_WORKERS: 'x' }],
    [['gateway'], { WEIR_CHECK: 'x' }],
    [['gateway'], { WEIR_SUPERGRAPH: 'none.graphql' }],
    [['gateway'], { WEIR_CONFIG: 'none.yaml' }],
    [['explain'], { WEIR_QUERY: 'none.graphql' }],
    [['publish', 'a'], { WEIR_SCHEMA: 'none.graphql' }],
    [['publish', 'a'], { WEIR_SCHEMA: 'supergraph.graphql', WEIR_ROUTING_URL: 'x y' }],
    [['audit', 'verify', 'none.jsonl'], { WEIR_KEY_FILE: 'none' }],
  ] as [string[], Record<string, string>][]) {
    const registry = { WEIR_REGISTRY: 'empty-registry', WEIR_GRAPH: 'shop@prod' };
    const names = Object.entries(env).map(([name, value]) => `${name}=${value} `);
    refusals.push([
      await saidBy(args, { ...registry, ...env }),
      `${names.join('')}weir ${args.join(' ')}`,
    ] as const);
  }
  return refusals;
}

/** With `--workers` it is the same sentence, as the test of the workers shows. */
async function portsRefused(): Promise<Refusals> {
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
  const { port } = taken.address() as AddressInfo;
  const refusals = [];
  for (const flag of ['--port', '--admin-port']) {
    const other = flag === '--port' ? '--admin-port' : '--port';
    const given = ['--supergraph', 'supergraph.graphql', '--log-level', 'silent', other, '0'];
    const said = await saidBy(['gateway', ...given, flag, String(port)]);
    refusals.push([said.replace(String(port), 'PORT'), `gateway ${flag} PORT`] as const);
  }
  await new Promise((closed) => taken.close(closed));
  return refusals;
}

/** As the process of a subgraph says it, after its name. */
function subgraphsRefused(): Refusals {
  const options = { inventoryUrl: { description: 'a URL', default: 'http://127.0.0.1:1' } };
  const cases: [readonly string[], Record<string, string>][] = [
    [['--unknwon'], {}],
    [['--port'], {}],
    [['x'], {}],
    [['--port', 'x'], {}],
    [['--seed', 'x'], {}],
    [[], { PORT: 'x' }],
    [[], { LOG_LEVEL: 'x' }],
    [[], { WEIR_SEED: 'x' }],
    [[], { WEIR_DEVELOPMENT: 'x' }],
    [[], { DYNAMODB_ENDPOINT: 'x' }],
    [[], { WEIR_LINK_KEYS: 'short' }],
    [[], { WEIR_LINK_KEYS_FILE: 'none' }],
    [[], { WEIR_LINK_KEYS_FILE: 'no-keys' }],
    [[], { WEIR_LINK_KEYS: 'a', WEIR_LINK_KEYS_FILE: 'b' }],
  ];
  return cases.flatMap(([args, env]) => {
    const names = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    try {
      const { link } = readSettings({ options }, args, env);
      if (link !== undefined) openLinkKeys(link).close();
    } catch (error) {
      return [[(error as Error).message, [...names, ...args].join(' ')] as const];
    }
    throw new Error(`${[...names, ...args].join(' ')} is not refused.`);
  });
}

/** Commands without what they need. */
async function commandsRefused(): Promise<Refusals> {
  const refusals = [];
  for (const args of [
    ['nothing'],
    ['compose', 'none.yaml'],
    ['compose', '--watch'],
    ['source', 'users', '--config', 'none.yaml'],
    ['source', 'users', '--config', 'one.yaml'],
    ['explain', '--query', 'none.graphql'],
    ['explain', '--query', 'supergraph.graphql'],
    ['explain', '--query', 'supergraph.graphql', '--config', 'elsewhere.yaml'],
    ['explain', '--query', 'supergraph.graphql', '--supergraph', 'none.graphql'],
    ['explain', '--query', 'supergraph.graphql', '--supergraph', 'no-graph.graphql'],
    ['explain', '--query', 'supergraph.graphql', '--variables', 'list.json'],
    ['subgraph', 'nothing'],
    ['publish'],
    ['publish', 'a', '--schema', 'supergraph.graphql', '--expires', '1d'],
    ['publish', 'a', '--schema', 'supergraph.graphql', '--from', 'shop@prod', '--expires', '91d'],
    ['publish', 'a', '--from', 'shop@prod', '--remove'],
    ['publish', 'a', '--expires', 'now'],
    ['status', '--registry', 'empty-registry', '--graph', 'shop', '--wait', '1s'],
    ['status', '--registry', 'empty-registry', '--graph', 'sh op'],
    ['check'],
    ['history'],
    ['history', '--registry', 'none'],
    ['history', '--registry', 'empty-registry', '--graph', 'shop'],
    ['history', '--registry', 'empty-registry', '--graph', 'shop@prod'],
    ['diff', '--registry', 'empty-registry', '--graph', 'shop@prod'],
    ['rollback', '--registry', 'empty-registry', '--graph', 'shop@prod'],
    ['status', '--registry', 'empty-registry', '--graph', 'shop@prod'],
    ['publish', 'a', '--registry', 'empty-registry', '--graph', 'shop@prod'],
    ['check', 'a', '--registry', 'empty-registry', '--graph', 'shop@prod', '--schema', 'none.graphql'],
    ['contract', 'shop@public', '--registry', 'empty-registry'],
    ['audit', 'verify', 'none.jsonl'],
    ['audit', 'verify', '--key-file', 'none', 'none.jsonl'],
    ['audit', 'events', 'orders=127.0.0.1:4005', '--folder', '.'],
    ['audit', 'events', 'orders=http://127.0.0.1:1', 'orders=http://127.0.0.1:2', '--folder', '.'],
    ['audit', 'events', 'orders=http://127.0.0.1:1', '--folder', 'none'],
    ['audit', 'events', 'orders=http://127.0.0.1:1', '--folder', 's3:///events'],
    ['audit', 'events', 'orders=http://127.0.0.1:1', '--folder', '.', '--key-file', 'short-keys'],
    ['events', 'failed'],
    ['events', 'failed', '--subgraph', 'orders=127.0.0.1:4005'],
    ['events', 'failed', '--subgraph', 'orders=http://a@127.0.0.1:4005'],
    ['events', 'failed', '--supergraph-config', 'none.yaml'],
    ['events', 'failed', '--options', 'none.yaml', '--subgraph', 'orders=http://127.0.0.1:4005'],
    ['events', 'retry'],
    ['events', 'drop', 'x'],
    ['events', 'replay', '--projection', 'x', '--to', '2999-01-01T00:00:00Z'],
    ['workflow', 'show', 'x'],
    ['workflow', 'retry', 'x'],
    ['rehearse-recovery'],
    ['rehearse-recovery', '--endpoint', 'https://dynamodb.eu-west-1.amazonaws.com'],
    ['rehearse-recovery', '--endpoint', '127.0.0.1:8000'],
    ['rehearse-recovery', '--endpoint', 'http://127.0.0.1:1', '--embedded'],
    ['rehearse-recovery', '--endpoint', 'http://127.0.0.1:1'],
    ['rehearse-recovery', '--embedded', '--folder', 'weir.yaml'],
    ['rehearse-recovery', '--embedded', '--folder', 's3:///rehearsals'],
    ['report'],
    ['replay', 'report'],
    ['replay', 'report', '--admin', 'http://127.0.0.1:1'],
    ['replay', 'http://127.0.0.1:1/', 'http://127.0.0.1:1/'],
    ['report', '--admin', '127.0.0.1:9464'],
    ['report', '--admin', 'http://user:password@127.0.0.1:9464'],
    ['report', '--admin', 'http://127.0.0.1:1'],
    ['report', '--admin', 'http://127.0.0.1:1', '--token', 'two words'],
  ])
    refusals.push([await saidBy(args), `weir ${args.join(' ')}`] as const);
  return refusals;
}

async function saidBy(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await startCli(args, env).result;
  expect([args, exitCode > 0]).toEqual([args, true]);
  return withoutNode(hideFolder(`${stdout}${stderr}`)).trim();
}

/** The commands that a definition has, with the words that call each. */
function commandsIn(command: Command, names: readonly string[] = []): [readonly string[], Command][] {
  return command.commands.flatMap((inner) => {
    const called = [...names, inner.name()];
    return [[called, inner] as [readonly string[], Command], ...commandsIn(inner, called)];
  });
}

const silent = { write: () => true };
const program = (): Command =>
  createProgram({ stdout: silent, stderr: silent, env: {}, signal: new AbortController().signal });

/** The least that is a supergraph, of one subgraph. */
function supergraph(url: string): string {
  return `
    schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
    directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
    directive @join__graph(name: String!, url: String!) on ENUM_VALUE
    directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
    directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
    directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
    directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
    directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
    scalar join__FieldSet
    scalar link__Import
    enum link__Purpose { SECURITY EXECUTION }
    enum join__Graph { A @join__graph(name: "a", url: "${url}") }
    type Query @join__type(graph: A) { hello: String }`;
}
