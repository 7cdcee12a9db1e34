/**
 * `weir package`: what it writes is run as AWS Lambda runs it, in a process of its own. Over 300 lines: one package is written
 * for all of it.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gatewayTemplate } from '../../cli/package/template/gateway-template';
import { subgraphTemplate } from '../../cli/package/template/subgraph-template';
import { loadOptions } from '../../gateway';
import type { LambdaAnswer } from '../../gateway/lambda/index';
import type { LambdaHead } from '../../gateway/lambda/lambda-answer';
import { readManifest, readPackage } from '../../gateway/packaged/loader';
import { openLambda } from '../../gateway/lambda/lambda-handler';
import { sha256 } from '../../gateway/request/persisted/manifest';
import { accounts } from '../../subgraphs/accounts';
import { openEmbeddedDynamoDB } from '../../kit';
import { declarationOf } from '../../kit/declaration';
import { lambdaEvent } from '../support/lambda-events';
import { weirMain } from '../support/process';
import { certificates } from '../support/tls-certificates';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

interface Ended {
  readonly exitCode: number;
  readonly stderr: string;
}

const weir = (args: readonly string[], cwd = process.cwd()): Promise<Ended> =>
  promisify(execFile)(process.execPath, [weirMain, ...args], {
    cwd,
    env: { ...process.env, MODE: 'production' },
  }).then(
    ({ stderr }) => ({ exitCode: 0, stderr }),
    (error: unknown) => {
      const { code: exitCode, stderr } = error as { readonly code: number; readonly stderr: string };
      return { exitCode, stderr };
    },
  );

const folder = mkdtempSync(join(tmpdir(), 'weir-package-'));
const out = join(folder, 'out');
const code = join(out, 'code');
const config = join(folder, 'weir.yaml');
const manifest = {
  item: '{ item(id: "1") { name stock } }',
  named:
    'query Named($id: ID!) { item(id: $id) { name ...Stock @include(if: true) } } fragment Stock on Item { stock }',
  two: 'query One { item(id: "1") { name } } query Two { item(id: "2") { stock } }',
  rename: 'mutation { rename(id: "1", name: "ö") { id stock } }',
  secret: '{ secret }',
  old: '{ gone }',
};
let subgraphs: TestSubgraph[];
let printed: string;

beforeAll(async () => {
  const names: Record<string, string> = { 1: 'ä', 2: 'b' };
  subgraphs = [
    await startSubgraph({
      name: 'items',
      typeDefs: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@policy"])
        type Query { item(id: ID!): Item  secret: String @policy(policies: [["staff"]]) }
        type Mutation { rename(id: ID!, name: String!): Item }
        type Item @key(fields: "id") { id: ID! name: String }
      `,
      resolvers: {
        Query: {
          item: (_: unknown, { id }: { id: string }) => ({ id, name: names[id] }),
          secret: () => 'hush',
        },
        Mutation: { rename: (_: unknown, item: object) => item },
      },
    }),
    await startSubgraph({
      name: 'stock',
      typeDefs: 'type Item @key(fields: "id") { id: ID! stock: Int }',
      resolvers: { Item: { stock: ({ id }: { id: string }) => Number(id) * 10 } },
    }),
  ];
  writeFileSync(join(folder, 'supergraph.graphql'), compose(subgraphs));
  writeFileSync(join(folder, 'operations.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'policies.cjs'), "module.exports = require('./everybody.cjs');");
  writeFileSync(join(folder, 'everybody.cjs'), 'module.exports = () => ({ staff: true });');
  writeFileSync(join(folder, 'none.cjs'), '');
  writeFileSync(join(folder, 'ca.pem'), certificates.first.cert);
  writeFileSync(
    config,
    `supergraph: supergraph.graphql
mode: \${MODE}
persistedOperations: { manifest: operations.json }
lambda: { perInstance: true }
logging: { level: error }
connections: { ca: ca.pem }
authorization: { policies: { module: policies.cjs } }
`,
  );
  const { exitCode, stderr } = await weir([
    'package',
    'gateway',
    '--config',
    config,
    '--out',
    out,
    '--stream',
  ]);
  printed = stderr;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) });
});
afterAll(async () => {
  await Promise.all(subgraphs.map((each) => each.close()));
  rmSync(folder, { recursive: true });
});

const eventOf = (body: object) =>
  lambdaEvent('http api', {
    method: 'POST',
    path: '/graphql',
    headers: [['content-type', 'application/json']],
    body: Buffer.from(JSON.stringify(body)),
  });

interface Answered {
  readonly answer: LambdaAnswer;
  /** Threads that were started so far. */
  readonly threads: number;
}

const runIn = async (...given: Parameters<typeof runAndTell>): Promise<Answered[]> =>
  (await runAndTell(...given)).answers;

/** Opens a package in a process of its own, and sends it these operations. */
async function runAndTell(folderOfPackage: string, bodies: readonly object[], env: Record<string, string>) {
  const events = JSON.stringify(bodies.map(eventOf));
  const script = join(__dirname, '../support/packaged-process.mjs');
  const entry = join(folderOfPackage, 'code', 'index.mjs');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, entry, events], {
    env: { ...process.env, ...env },
  });
  return { answers: JSON.parse(stdout) as Answered[], stderr };
}

const run = (bodies: readonly object[]) => runIn(out, bodies, { MODE: 'production' });

/** As `packaged-process.mjs` has it. */
const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => 60_000 };

/** What a gateway answers that reads the same options itself. */
async function answersOfGateway(bodies: readonly object[]): Promise<LambdaAnswer[]> {
  const { gateway, handler } = await openLambda(loadOptions({ config, env: { MODE: 'production' } }));
  const answers = [];
  for (const body of bodies) answers.push(await handler(eventOf(body), context));
  await gateway.stop();
  return answers;
}

const known = [
  { query: manifest.item },
  { documentId: 'item' },
  {
    extensions: { persistedQuery: { version: 1, sha256Hash: sha256(manifest.named) } },
    variables: { id: '2' },
  },
  { query: manifest.named, operationName: 'Named', variables: { id: '1' } },
  { query: manifest.named, variables: { id: 1.5 } },
  { query: manifest.two, operationName: 'Two' },
  { query: manifest.two, operationName: 'Three' },
  { query: manifest.two },
  { query: manifest.rename },
  { query: manifest.secret },
];

it('answers the operations of the manifests as any gateway does, and others, too, without a thread', async () => {
  const unknown = { query: '{ item(id: "2") { id name stock } }' };
  const bodies = [...known, { query: manifest.old }, unknown];
  const answered = await run(bodies);
  expect(answered.map(({ answer }) => answer)).toEqual(await answersOfGateway(bodies));
  const threads = answered.map((each) => each.threads);
  expect(threads).toEqual(bodies.map(() => 0));
});

it('has the certificates and the modules that options name', async () => {
  const parts = Object.keys(readManifest(code).parts);
  expect(parts).toEqual(expect.arrayContaining(['authorization-policies-module.js', 'certificate-1.pem']));
  const [answered] = await run([{ query: manifest.secret }]);
  expect(JSON.parse(answered!.answer.body)).toEqual({ data: { secret: 'hush' } });
});

it('signs calls with the key of the environment, as any gateway does', async () => {
  const env = { MODE: 'production', WEIR_LINK_KEYS: 'a-key-of-the-private-link-for-tests' };
  await runIn(out, [{ query: manifest.item }], env);
  expect(subgraphs[0]!.requests.at(-1)!.headers).toHaveProperty('signature-input');
});

it('says what it has written, and which operations do not fit', () => {
  expect(printed).toContain('the operation "old" has no plan in the package: Cannot query field "gone"');
  expect(printed).toMatch(
    /code has the gateway with the plans of 5 of 6 operations, \d+\.\d MB\. The handler is index\.streamHandler\./,
  );
});

it('keeps what options take from the environment as it was written', () => {
  const options = readFileSync(join(code, 'weir.yaml'), 'utf8');
  expect(options).toContain('mode: ${MODE}');
  expect(options).not.toContain('supergraph.graphql');
});

it('refuses each part that is not what was packaged, or is missing', () => {
  const parts = Object.keys(readManifest(code).parts);
  expect(parts).toEqual(
    expect.arrayContaining(['code.js', 'code.cache', 'graph.json', 'supergraph.graphql']),
  );
  for (const name of parts) {
    const file = join(code, name);
    const content = readFileSync(file);
    const changed = Buffer.from(content);
    changed[content.length >> 1]! ^= 1;
    writeFileSync(file, changed);
    expect(() => readPackage(code)).toThrow(`${name} is not what was packaged, as its SHA-256 differs`);
    rmSync(file);
    expect(() => readPackage(code)).toThrow(`${name} cannot be read`);
    writeFileSync(file, content);
  }
});

it('does not open a package that was changed', async () => {
  const file = join(code, 'graph.json');
  const content = readFileSync(file);
  writeFileSync(file, '{}');
  const failed = run([]);
  await expect(failed).rejects.toThrow(/PackageError: The package in .* is not run: graph\.json is not what/);
  writeFileSync(file, content);
});

describe('what V8 has compiled', () => {
  /** Whether V8 takes it, in a process with these flags. */
  const isTaken = async (...flags: string[]) => {
    const read = `const { script } = require(process.argv[1] + '/loader.js').readPackage(process.argv[1]);`;
    const args = [...flags, '-e', `${read} console.log(script.cachedDataRejected)`, code];
    return (await promisify(execFile)(process.execPath, args)).stdout.trim();
  };

  it('is taken as Lambda starts Node', async () => {
    const flags = ['--expose-gc', '--max-semi-space-size=51', '--max-old-space-size=922'];
    expect(await isTaken(...flags)).toBe('false');
  });

  it('imports nothing, which it cannot do on Node 20', () => {
    expect(readFileSync(join(code, 'code.js'), 'utf8')).not.toMatch(/\bimport\(/);
  });

  it('is not taken by another Node, which V8 alone would not notice', async () => {
    const file = join(code, 'weir-package.json');
    const written = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(written), node: '20.19.0 linux x64' }));
    expect(await isTaken()).toBe('undefined');
    const { stderr, answers } = await runAndTell(out, [known[0]!], { MODE: 'production' });
    expect(answers[0]!.answer.statusCode).toBe(200);
    expect(stderr).toMatch(
      /Warning: The package starts slower than it could, without its code\.cache: it is of Node 20\.19\.0 linux x64, but this is Node /,
    );
    writeFileSync(file, written);
  });
});

describe('as a function that streams', () => {
  it('answers in parts', async () => {
    const accept = 'multipart/mixed;incrementalSpec=v0.2, application/json';
    const query = '{ item(id: "1") { name ... @defer { stock } } }';
    const event = lambdaEvent('function url', {
      method: 'POST',
      path: '/graphql',
      headers: [
        ['content-type', 'application/json'],
        ['accept', accept],
      ],
      body: Buffer.from(JSON.stringify({ query })),
    });
    const script = join(__dirname, '../support/packaged-stream-process.ts');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...['-r', join(__dirname, '../support/typescript.cjs'), script],
        ...[join(code, 'index.mjs'), JSON.stringify(event)],
      ],
      { env: { ...process.env, MODE: 'production' } },
    );
    const { head, body } = JSON.parse(stdout) as { head: LambdaHead; body: string };
    expect([head.statusCode, head.headers!['content-type']]).toEqual([
      200,
      'multipart/mixed; boundary=graphql; incrementalSpec=v0.2',
    ]);
    expect(body).toContain('"data":{"item":{"name":"ä"}}');
    expect(body).toContain('"stock":10');
  });

  it("is refused outside of Lambda's runtime, event by event", async () => {
    const says = 'There is no global `awslambda`, so no answer can be streamed.';
    await expect(runIn(out, [known[0]!], { MODE: 'production', HANDLER: 'streamHandler' })).rejects.toThrow(
      says,
    );
  });
});

describe('a subgraph', () => {
  const subgraph = join(folder, 'accounts');

  it('is packaged with its schema, also where a folder has its name, and answers', async () => {
    mkdirSync(subgraph);
    const { exitCode, stderr } = await weir(['package', 'subgraph', 'accounts', '--out', subgraph], folder);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringMatching(
        /accounts\/code has the subgraph, \d+\.\d MB\. The handler is index\.handler\.\nweir: .*accounts\/template\.yaml deploys it\.\n$/,
      ),
    });
    expect(readFileSync(join(subgraph, 'template.yaml'), 'utf8')).toBe(
      subgraphTemplate(declarationOf(accounts), { uri: 'code', handler: 'index.handler' }),
    );
    const database = await openEmbeddedDynamoDB();
    try {
      const [answered] = await runIn(subgraph, [{ query: '{ user(id: "u1") { id } }' }], {
        DYNAMODB_ENDPOINT: database.endpoint,
        LOG_LEVEL: 'silent',
        WEIR_DEVELOPMENT: 'true',
      });
      expect(JSON.parse(answered!.answer.body)).toEqual({ data: { user: { id: 'u1' } } });
    } finally {
      await database.stop();
    }
  });

  it('has no files of an earlier package below the folder of its module', async () => {
    const own = join(folder, 'own');
    const module = join(own, 'index.js');
    mkdirSync(own);
    writeFileSync(module, 'exports.handler = () => undefined;');
    writeFileSync(join(own, 'schema.graphql'), 'type Query { a: Int }');
    const args = ['package', 'subgraph', module, '--out', join(own, 'package')];
    expect(await weir(args)).toMatchObject({ exitCode: 0 });
    expect(await weir(args)).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('there is no template, as the module does not say'),
    });
    const parts = Object.keys(readManifest(join(own, 'package', 'code')).parts);
    expect(parts.filter((name) => name.endsWith('.graphql'))).toEqual(['schema.graphql']);
  });

  it('may have characters beyond ASCII anywhere', async () => {
    const module = join(folder, 'words.js');
    const replaces = String.raw`.replace(/[ä\–]/g, '1').replace(/^a11😀\\$/u, 'ö')`;
    writeFileSync(module, `exports.handler = () => ({ body: 'aä–😀\\\\'${replaces} });`);
    const to = join(folder, 'words');
    expect(await weir(['package', 'subgraph', module, '--out', to])).toMatchObject({ exitCode: 0 });
    const [answered] = await runIn(to, [{ query: '{ a }' }], {});
    expect(answered!.answer.body).toBe('ö');
  });

  it('is refused if its module exports no handler, or is not there', async () => {
    const file = join(folder, 'nothing.js');
    writeFileSync(file, 'exports.subgraph = {};');
    const refused = (name: string) => weir(['package', 'subgraph', name, '--out', join(folder, 'none')]);
    expect(await refused(file)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('does not run: Error: The module exports no `handler`'),
    });
    expect(await refused('nowhere.js')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("there is no file 'nowhere.js', and no subgraph"),
    });
    expect(existsSync(join(folder, 'none', 'code'))).toBe(false);
  });
});

const packageTo = (to: string, text: string) => {
  const file = join(folder, 'other.yaml');
  writeFileSync(file, text);
  return weir(['package', 'gateway', '--config', file, '--out', to]);
};

it('has a template beside it that deploys it, without permission to read what is in it', () => {
  const options = loadOptions({ config, env: { MODE: 'production' } });
  expect(readFileSync(join(out, 'template.yaml'), 'utf8')).toBe(
    gatewayTemplate({
      ...{ options, variables: ['MODE'], isPackaged: true, streams: true },
      code: { uri: 'code', handler: 'index.streamHandler' },
    }),
  );
});

it('does not overwrite what is no package', async () => {
  const other = join(folder, 'other');
  mkdirSync(join(other, 'code'), { recursive: true });
  writeFileSync(join(other, 'code', 'precious.txt'), '');
  const { exitCode, stderr } = await packageTo(
    other,
    'supergraph: supergraph.graphql\nlambda: { perInstance: true }\n',
  );
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: `weir: ${join(other, 'code')} exists, and is no package of weir: name another folder as --out.\n`,
  });
  expect(readdirSync(join(other, 'code'))).toEqual(['precious.txt']);
});

it.each([
  ['what cannot work on Lambda', 'lambda: {}\n', '`cache.store` is the memory of one instance'],
  [
    'a supergraph that cannot be run',
    'supergraph: weir.yaml\nlambda: { perInstance: true }\n',
    'cannot be run',
  ],
  [
    'secrets in files',
    'privateLinks: { keysFile: keys }\n',
    '`privateLinks.keysFile` names a file with secrets, which a package does not have',
  ],
  [
    'a file that is no certificate',
    'connections: { ca: weir.yaml }\nlambda: { perInstance: true }\n',
    '`connections.ca` must be a file of certificates in PEM',
  ],
  [
    'a module without a function',
    'auth: { iam: { module: none.cjs } }\nlambda: { perInstance: true }\n',
    'none.cjs must have a function as its default export',
  ],
])('refuses %s, and writes nothing', async (_, options, says) => {
  const text = options.startsWith('supergraph') ? options : `supergraph: supergraph.graphql\n${options}`;
  const { exitCode, stderr } = await packageTo(join(folder, 'none'), text);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(says);
  expect(existsSync(join(folder, 'none', 'code'))).toBe(false);
});
