import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeSupergraph } from '../../../schema';
import { startCli } from '../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const supergraph = file('supergraph.graphql', composed());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('weir explain', () => {
  it('prints the query plan of an operation', async () => {
    const query = file('query.graphql', '{ me { name karma } }');

    const { exitCode, stdout, stderr } = await explain('--query', query);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(
      /^QueryPlan \{\n {2}Sequence \{\n {4}Fetch\(service: "accounts"\)[^]*service: "reviews"/,
    );
  });

  it('plans one operation of several, with its variables', async () => {
    const query = file(
      'two.graphql',
      'query A { me { name } } query B($more: Boolean!) { me { karma @include(if: $more) } }',
    );
    const variables = file('variables.json', '{ "more": true }');

    const { stdout } = await explain('--query', query, '--operation', 'B', '--variables', variables);

    expect(stdout).toContain('service: "reviews"');
  });

  it('exits 1 with line and column of everything that is not valid', async () => {
    const query = file('invalid.graphql', '{\n  me { nam }\n  you\n}');

    const { exitCode, stdout, stderr } = await explain('--query', query);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('error: Cannot query field "nam" on type "User". Did you mean "name"?');
    expect(stderr).toContain(`${query}:2:8\n`);
    expect(stderr).toContain(`${query}:3:3\n`);
  });

  it('exits 1 for a syntax error', async () => {
    const query = file('broken.graphql', '{ me ');

    expect(await explain('--query', query)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Syntax Error: Expected Name, found <EOF>.'),
    });
  });

  it.each([
    [
      'a query that does not exist',
      ['--query', 'nowhere.graphql'],
      'weir: nowhere.graphql does not exist.\n',
    ],
    ['no query', [], "weir: required option '-q, --query <FILE>' not specified\n"],
  ])('exits 2 for %s', async (_what, args, stderr) => {
    expect(await explain(...args)).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  it('exits 2 for variables that are no JSON object, and for a supergraph that is none', async () => {
    const query = file('query.graphql', '{ me { name } }');
    const list = file('list.json', '[]');

    expect(await explain('--query', query, '--variables', list)).toMatchObject({
      exitCode: 2,
      stderr: `weir: ${list} must hold a JSON object, one member for each variable.\n`,
    });
    expect(await explain('--query', query, '--supergraph', query)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^weir: .*query\.graphql cannot be planned for: [^\n]+\n$/),
    });
  });
});

function explain(...args: string[]) {
  const given = args.includes('--supergraph') ? [] : ['--supergraph', supergraph];
  return startCli(['explain', ...given, ...args]).result;
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function composed(): string {
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])';
  const subgraph = (name: string, sdl: string) => ({
    name,
    routingUrl: `http://${name}.test/graphql`,
    sdl: `${link} ${sdl}`,
    file: `${name}.graphql`,
  });
  return composeSupergraph({
    subgraphs: [
      subgraph('accounts', 'type Query { me: User } type User @key(fields: "id") { id: ID! name: String }'),
      subgraph('reviews', 'type User @key(fields: "id") { id: ID! karma: Int }'),
    ],
  }).supergraphSdl!;
}
