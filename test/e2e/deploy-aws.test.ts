/**
 * The commands of docs/deploy-aws.md, and the steps of its pipeline, are run as they stand there, in a folder of a team. What
 * needs AWS or the registry of npm is the boundary: `sam`, `aws` and `npm` are stand-ins that look whether the files are
 * there which they are given, and the registry's table is in the embedded DynamoDB.
 */
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { examplesOf, readPage, root } from '../support/documentation';
import { registryStoreKinds, type TestRegistryStores } from '../support/registry-stores';

const page = 'docs/deploy-aws.md';
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-deploy-')));
const programs = join(folder, '.programs');
let registry: TestRegistryStores;

beforeAll(async () => {
  const [, openDynamoDB] = registryStoreKinds.find(([kind]) => kind === 'DynamoDB')!;
  registry = await openDynamoDB();
  // As `npm install` leaves it, for who takes a folder.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/weir'));
  symlinkSync(join(root, 'node_modules/esbuild'), join(folder, 'node_modules/esbuild'));
  symlinkSync('../weir/cli/weir.mjs', join(folder, 'node_modules/.bin/weir'));
  for (const name of ['src', 'services/boats']) {
    write(`${name}/index.ts`, boats);
    write(`${name}/schema.graphql`, schema);
  }
  write(
    'dist/boats/index.js',
    boats.replaceAll(/import (.*) from (.*);/g, 'const $1 = require($2);').replace('export const', 'const') +
      'module.exports = { handler };\n',
  );
  write('dist/boats/schema.graphql', schema);
  write('weir.yaml', 'supergraph: supergraph.graphql\nlambda: { perInstance: true }\n');
  write('supergraph.graphql', readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8'));
  write('.gitignore', 'node_modules\ndeploy/code\n');
  for (const [name, script] of Object.entries(standIns)) write(`.programs/${name}`, script, 0o755);
});
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

const schema = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { boats: [Boat!]! }
type Boat @key(fields: "id") { id: ID! }
`;
const boats = `import { join } from 'node:path';
import { defineSubgraph, defineTable, lambdaHandler } from 'weir/subgraph';

const table = defineTable()({ name: 'boats', partitionKey: 'id', operations: ['BatchGetItem'] });
export const handler = lambdaHandler(
  defineSubgraph({
    name: 'boats',
    schema: join(__dirname, 'schema.graphql'),
    tables: [table],
    resolvers: { Query: { boats: () => [] } },
  }),
);
`;

const standIns = {
  npm: '#!/bin/sh\n',
  sam: `#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in --template*) test -s "$2" || { echo "sam: no $2" >&2; exit 1; };; esac; shift; done
`,
  aws: '#!/bin/sh\necho https://boats.lambda-url.eu-west-1.on.aws/graphql\n',
};

function write(name: string, text: string, mode?: number): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}

/** Runs lines of shell as GitHub Actions does: the first that fails ends them. */
const run = async (lines: string, env: Record<string, string> = {}): Promise<string> => {
  const { PATH, HOME } = process.env;
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['--noprofile', '--norc', '-eo', 'pipefail', '-c', lines],
    {
      cwd: folder,
      env: { PATH: `${programs}:${PATH}`, HOME, ...env },
    },
  );
  return stdout + stderr;
};

const examples = examplesOf(page);

describe('docs/deploy-aws.md', () => {
  const blocks = examples.filter(({ language }) => language === 'sh').map(({ text }) => text);
  const inline = [...readPage(page).matchAll(/`(weir (?:package|template) \w+ [^`]+)`/g)].map(
    ([, command]) => `npx --no-install ${command}`,
  );

  it('has commands to run', () => {
    expect([blocks.length, inline.length]).toEqual([3, 2]);
  });

  it.each([...blocks, ...inline])('has a command that runs: %s', async (lines) => {
    await run(lines);
  });

  it('has a pipeline whose steps all run', async () => {
    const { text } = examples.find(({ file }) => file === '.github/workflows/deploy.yaml')!;
    const { env, jobs } = parseYaml(text) as {
      env: Record<string, string>;
      jobs: { boats: { steps: { run?: string }[] } };
    };
    const steps = jobs.boats.steps.flatMap(({ run: lines = [] }) => lines);
    // The first template is committed by hand.
    await run('npx --no-install weir package subgraph src/index.ts --out deploy');
    await run('git init -q && git add . && git -c user.name=a -c user.email=a@b.c commit -qm first');

    const printed: string[] = [];
    for (const lines of steps)
      printed.push(
        await run(lines, {
          ...env,
          AWS_ENDPOINT_URL_DYNAMODB: new URLSearchParams(registry.location.split('?')[1]).get('endpoint')!,
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        }),
      );

    expect(printed.join('')).toContain('shop@prod is at version 1: added boats.');
  });
});
