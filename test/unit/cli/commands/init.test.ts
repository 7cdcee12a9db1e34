import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { loadOptions } from '../../../../gateway';
import { composeFile } from '../../../../schema';
import { startCli } from '../../../support/run-cli';

const root = resolve(__dirname, '../../../..');
let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-test-')))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const init = (...args: string[]) => startCli(['init', folder, ...args]).result;
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const files = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const firstFiles = [
  'products/index.mjs',
  'products/index.test.mjs',
  'products/schema.graphql',
  'supergraph.yaml',
  'weir.yaml',
];

describe('weir init', () => {
  it('writes a graph that composes, and options that are valid', async () => {
    expect(await init()).toMatchObject({ exitCode: 0, stderr: '' });

    expect(files()).toEqual(firstFiles);
    const { errors, hints, config } = await composeFile({ file: join(folder, 'supergraph.yaml') });
    expect({ errors, hints }).toEqual({ errors: undefined, hints: [] });
    expect(config!.subgraphs).toEqual([
      {
        name: 'products',
        routingUrl: 'http://127.0.0.1:4001/graphql',
        schema: { kind: 'file', path: join(folder, 'products/schema.graphql') },
        command: { line: 'node products/index.mjs', folder, watch: [join(folder, 'products')] },
      },
    ]);
    expect(loadOptions({ config: join(folder, 'weir.yaml') })).toMatchObject({
      port: 4000,
      supergraph: { file: join(folder, 'supergraph.graphql') },
    });
  });

  it('says what it wrote and what comes next', async () => {
    const { stdout } = await init();
    const paths = firstFiles.toSorted((one, other) => one.split('/').length - other.split('/').length);
    expect(stdout).toContain(`weir: wrote ${paths.map((file) => join(folder, file)).join(', ')}.\n\nNext:\n`);
    expect(stdout.split('\n').slice(3, -1)).toEqual([
      `  cd ${folder}`,
      expect.stringMatching(`^  npm install ${root} +Weir is not installed there yet$`),
      expect.stringMatching(/^ {2}npx --no-install weir dev +runs the graph$/),
      expect.stringMatching(/^ {2}node --test products\/index\.test\.mjs +tests the subgraph$/),
      expect.stringMatching(/^ {2}npx --no-install weir init --subgraph NAME +adds another one$/),
    ]);
  });

  it('names the schema of its options where the project has it, for editors', async () => {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/weir'));
    for (const below of ['.', 'deep/down']) {
      const { stdout } = await startCli(['init', join(folder, below)]).result;
      expect(stdout).not.toContain('npm install');
      const file = join(folder, below, 'weir.yaml');
      const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(file, 'utf8'))!;
      expect(schema).toBe(`${below === '.' ? '' : '../../'}node_modules/weir/docs/configuration.schema.json`);
      expect(existsSync(resolve(dirname(file), schema!))).toBe(true);
    }
  });

  it('names the schema where it will be when Weir is not installed yet', async () => {
    await init();
    expect(read('weir.yaml')).toMatch(
      /^# yaml-language-server: \$schema=node_modules\/weir\/docs\/configuration\.schema\.json\n/,
    );
  });

  it('overwrites nothing: where a file exists, it names it and writes none', async () => {
    mkdirSync(join(folder, 'products'));
    writeFileSync(join(folder, 'products/index.mjs'), 'mine');
    writeFileSync(join(folder, 'weir.yaml'), 'port: 1');

    expect(await init()).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${join(folder, 'products/index.mjs')}, ${join(folder, 'weir.yaml')} exist already, and they are not overwritten: nothing was written.\n`,
    });
    expect(files()).toEqual(['products/index.mjs', 'weir.yaml']);
  });

  it('leaves none of its files when one cannot be written', async () => {
    writeFileSync(join(folder, 'products'), 'a file');

    expect(await init()).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^weir: nothing was written: (ENOTDIR|EEXIST).+\n$/),
    });
    expect(files()).toEqual(['products']);
  });

  it('says how to add a subgraph if there is a graph', async () => {
    await init();
    expect(await init()).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${join(folder, 'supergraph.yaml')} exists already, and nothing is overwritten: --subgraph NAME adds a subgraph to it.\n`,
    });
  });

  it('takes the name of the first subgraph, too', async () => {
    await init('--subgraph', 'accounts');
    expect(files()).toEqual(firstFiles.map((file) => file.replace('products', 'accounts')));
  });
});

describe('weir init --subgraph', () => {
  const mine = `# My graph.
federation_version: 2
subgraphs:
  # The first one.
  a:
    routing_url: http://localhost:4010/graphql # here
    schema: { sdl: "type Query { a: Int }" }
  far:
    routing_url: https://far.test:9000/graphql
    schema: { sdl: 'type Query { far: Int }' }
`;

  it('adds a subgraph with the next port, and changes nothing else', async () => {
    writeFileSync(join(folder, 'supergraph.yaml'), mine);
    const { exitCode, stdout } = await init('--subgraph', 'order-items');

    expect(exitCode).toBe(0);
    expect(stdout).toContain(`, and entered order-items in ${join(folder, 'supergraph.yaml')}.`);
    expect(read('supergraph.yaml')).toBe(`${mine}  order-items:
    routing_url: http://127.0.0.1:4011/graphql
    schema:
      file: order-items/schema.graphql
    command: node order-items/index.mjs
    watch: order-items
`);
    expect(read('order-items/schema.graphql')).toContain('orderItems: [OrderItem!]!');
    const { errors, hints } = await composeFile({ file: join(folder, 'supergraph.yaml') });
    expect({ errors, hints }).toEqual({ errors: undefined, hints: [] });
  });

  it('keeps the line ends of the file', async () => {
    writeFileSync(join(folder, 'supergraph.yaml'), mine.replaceAll('\n', '\r\n'));
    await init('--subgraph', 'b');
    expect(read('supergraph.yaml').replaceAll('\r\n', '')).not.toContain('\n');
  });

  it.each([
    ['categories', 'categories: [Category!]!'],
    ['news', 'news: [News!]!'],
    ['address', 'address: [Address!]!'],
    ['status', 'status: [Status!]!'],
    ['query', 'query: [QueryItem!]!'],
    ['Inventory', 'inventory: [Inventory!]!'],
  ])('names the type of %s', async (name, line) => {
    await init('--subgraph', name);
    expect(read(`${name}/schema.graphql`)).toContain(line);
    expect((await composeFile({ file: join(folder, 'supergraph.yaml') })).errors).toBeUndefined();
  });

  it.each(['', '1a', '../a', 'a/b', 'node_modules', 'a b', 'ä'])('refuses the name %j', async (name) => {
    expect(await init('--subgraph', name)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: --subgraph must be a name of letters, digits, - and _, such as reviews, but got: ${name}\n`,
    });
    expect(files()).toEqual([]);
  });

  it('refuses a name that is taken', async () => {
    writeFileSync(join(folder, 'supergraph.yaml'), mine);
    expect(await init('--subgraph', 'a')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${join(folder, 'supergraph.yaml')} has a subgraph a already: choose another name for the new one.\n`,
    });
    expect(files()).toEqual(['supergraph.yaml']);
  });

  it('says where supergraph.yaml is wrong, and does not change it', async () => {
    writeFileSync(join(folder, 'supergraph.yaml'), 'subgraphs:\n  a: 1\n');
    const { exitCode, stderr } = await init('--subgraph', 'b');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error CONFIG_INVALID: \`subgraphs.a\` must be a map, but got: 1.`);
    expect(stderr).toContain(`${join(folder, 'supergraph.yaml')}:2:6`);
    expect(files()).toEqual(['supergraph.yaml']);
  });
});
