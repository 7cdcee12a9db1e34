/** The files for pipelines in docs/graphs.md: their commands, as a runner has them, in a folder with only a schema. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startCli } from '../support/run-cli';
import { temporaryFolder } from '../support/subgraph-kit';

const page = readFileSync(join(__dirname, '../../docs/graphs.md'), 'utf8');
const files = new Map(
  Array.from(page.matchAll(/```yaml\n# (\S+)\n(.*?)```/gs), ([, name, text]) => [name!, text!] as const),
);

interface GitHub {
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: {
    readonly preview: { readonly steps: readonly { readonly if?: string; readonly run?: string }[] };
  };
}
interface GitLab {
  readonly variables: Readonly<Record<string, string>>;
  readonly preview: {
    readonly script: readonly string[];
    readonly environment: { readonly on_stop: string };
  };
  readonly 'end-preview': { readonly script: string; readonly environment: { readonly action: string } };
}

const github = parse(files.get('.github/workflows/preview.yaml')!) as GitHub;
const gitlab = parse(files.get('.gitlab-ci.yml')!) as GitLab;
const stepsOf = (isClosed: boolean) =>
  github.jobs.preview.steps
    .filter(({ if: condition = '' }) => condition === '' || condition.includes('==') === isClosed)
    .flatMap(({ run }) => run ?? []);

const folder = temporaryFolder();
const before = process.cwd();
afterAll(() => {
  process.chdir(before);
  folder.remove();
});

it.each([
  ['GitHub Actions', github.env['WEIR_GRAPH']!, stepsOf(false), stepsOf(true)],
  ['GitLab CI', gitlab.variables['WEIR_GRAPH']!, gitlab.preview.script, [gitlab['end-preview'].script]],
])('the pipeline for %s publishes a preview, again, and deletes it', async (name, graph, opened, closed) => {
  const work = join(folder.path, name);
  mkdirSync(work);
  process.chdir(work);
  writeFileSync('schema.graphql', 'type Query { reviews: Int }');
  const env = {
    WEIR_REGISTRY: 'registry',
    WEIR_GRAPH: graph.replace(/\$\{\{ github\.event\.number \}\}|\$CI_MERGE_REQUEST_IID/, '7'),
  };
  const weir = async (command: string) => {
    const { exitCode, stdout, stderr } = await startCli(command.split(' ').slice(1), env).result;
    expect([command, exitCode, stderr]).toEqual([command, 0, '']);
    return stdout;
  };
  const run = async (commands: readonly string[]) => {
    const own = commands.filter((command) => command.startsWith('weir '));
    expect(own).toHaveLength(1);
    return weir(own[0]!);
  };
  await weir('weir publish reviews --schema schema.graphql --routing-url http://r.test/ --graph shop@prod');
  writeFileSync('schema.graphql', 'type Query { reviews: Int, newer: Int }');

  expect(await run(opened)).toMatch(
    /^shop@pr-7 is at version 1: reviews of its own over shop@prod at version 1, expires 20/,
  );
  expect(await run(opened)).toContain('shop@pr-7 is at version 2');
  expect(await weir('weir fetch --api-schema')).toContain('newer: Int');
  expect(await weir('weir diff 1 2')).toContain('Clients see no difference.');
  expect(await weir('weir history')).toMatch(/^ +2 .*\n +1 .*\n$/);
  expect(await weir('weir check reviews --schema schema.graphql')).toBeTruthy();
  expect(await weir('weir status --graph shop')).toMatch(
    /^shop@pr-7, 0 gateways, expires in 14 days\n.*\nshop@prod, 0 gateways\n.*\n$/,
  );
  expect(await run(closed)).toBe('shop@pr-7 has ended, and is deleted with its usage.\n');
  expect(await run(closed)).toBe('There is no shop@pr-7: nothing to do.\n');
  expect(await weir('weir status --graph shop')).not.toContain('pr-7');
});

it('GitLab ends a preview by the job that its environment names', () => {
  expect(gitlab.preview.environment.on_stop).toBe('end-preview');
  expect(gitlab['end-preview'].environment.action).toBe('stop');
});
