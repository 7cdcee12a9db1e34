import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevProcess, endAll, eventually, startDev, startProcess } from '../support/process';
import { allBut } from '../support/reference-graph';

const root = join(__dirname, '../..');
const names = ['accounts', 'products', 'inventory', 'reviews', 'orders', 'payments', 'history', 'shipping'];
/** A copy of the checkout, whose files may be edited. */
const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
const main = join(folder, 'dist/cli/main.js');
const mocks = ['--mock', ...allBut('accounts', 'reviews')];
let weir: DevProcess;

beforeAll(async () => {
  mkdirSync(join(folder, 'schema'));
  for (const file of ['supergraph.yaml', 'suppliers.join.graphql', 'wishlists.join.graphql'])
    cpSync(join(root, 'schema', file), join(folder, 'schema', file));
  for (const file of ['package.json', 'setup.mjs']) cpSync(join(root, file), join(folder, file));
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const name of names) {
    mkdirSync(join(folder, 'subgraphs', name), { recursive: true });
    cpSync(join(root, 'subgraphs', name, 'schema.graphql'), schemaFile(name));
  }
  for (const file of ['suppliers/openapi.yaml', 'wishlists/schema.graphql'])
    cpSync(join(root, 'subgraphs', file), join(folder, 'subgraphs', file), { recursive: true });
  weir = await startDev(['--data', join(folder, 'dynamodb'), ...mocks], {}, main);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('weir dev, while a schema file is edited,', () => {
  it('has an edit that composes in the graph within 3 s', async () => {
    const query = '{ user(id: "u1") { name motto } }';
    expect((await weir.query(query)).errors?.[0]).toMatchObject({
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });

    edit('accounts', (sdl) => sdl.replace(/^type User .*$/m, (line) => `${line}\n  "New."\n  motto: String`));

    await eventually(async () => {
      const { data, errors } = await weir.query(query);
      return errors === undefined && data.user.name && data.user.motto === null;
    }, 3_000 * crowding());
    await weir.printed(/the new supergraph is live/);
  });

  it('does not start with schemas that do not compose', async () => {
    const before = edit('reviews', (sdl) => sdl.replace('author: User', 'author: Usr'));
    const second = startProcess([main, 'dev', '--port', '0', '--data', join(folder, 'second'), ...mocks]);

    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain(`${schemaFile('reviews')}:`);
    writeFileSync(schemaFile('reviews'), before);
  });
});

/** How many processes wait for a core: a promise in seconds is one for a machine that has nothing else to do. */
function crowding(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}

function schemaFile(name: string): string {
  return join(folder, 'subgraphs', name, 'schema.graphql');
}

/** Returns the text before the edit. */
function edit(name: string, change: (sdl: string) => string): string {
  const before = readFileSync(schemaFile(name), 'utf8');
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(schemaFile(name), after);
  return before;
}
