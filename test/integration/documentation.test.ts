/**
 * Every example of the README and the docs is checked: options and supergraph configurations are read as Weir reads them,
 * and each `weir`, `npm` and `node` in a command line is one that exists. `npm run lint:examples` compiles TypeScript and
 * JavaScript; `documentation-calls.test.ts` runs what has `curl`. Over 300 lines: a check for each language of an example.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse as parseGraphQL, print } from 'graphql';
import type { Command } from 'commander';
import { parse as parseYaml, parseAllDocuments } from 'yaml';
import { readTemplate } from '../support/cloudformation';
import { isGroup } from '../../cli/command-line';
import { createProgram } from '../../cli/program';
import { readScalarValues } from '../../cli/dev/mocks/scalars-file';
import { loadOptions } from '../../gateway';
import { readOpenApi } from '../../schema/composition/openapi';
import { loadSupergraphConfig, openRegistryStore, Registry } from '../../schema';
import {
  commandsIn,
  type Example,
  examplesOf,
  pages,
  readPage,
  root,
  runsIn,
} from '../support/documentation';

const folder = mkdtempSync(join(tmpdir(), 'weir-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const examples = pages().flatMap((page) => examplesOf(page));
const inLanguage = (...languages: string[]): [string, Example][] =>
  examples.filter(({ language }) => languages.includes(language)).map((example) => [example.at, example]);

const shells = ['sh', 'console'];

/** How an example is checked, by the language after its three backticks. */
const checks: Record<string, string> = {
  yaml: 'is read as what it is: weir.yaml, unless its first line names another file, as in `# supergraph.yaml`',
  json: 'is parsed',
  graphql: 'is parsed',
  ts: 'is compiled by lint; what it imports from a file beside it may be anything',
  js: 'is compiled, as `ts`',
  sh: 'its commands must exist; those that call the sample shop by `curl` are run, and a block of `json` after it is the answer',
  console: 'as `sh`, for commands after a `$`, with what they print after them; `…` is anything',
  mermaid: 'must begin with `flowchart`',
  text: 'is not checked: for output, drawings and formats, never for what a reader copies',
};

/** Pages for maintainers, which name sources by paths below these folders. */
const maintainers = {
  'CONTRIBUTING.md': ['', 'gateway', 'test', 'test/unit/cli'],
  'docs/request-lifecycle.md': ['', 'gateway'],
  'docs/execution.md': ['', 'gateway', 'gateway/execution'],
};

it.each(Object.entries(maintainers))('%s names only files that exist', (page, folders) => {
  const paths = readPage(page).match(/[\w.-]+(\/[\w.-]+)+\.(ts|cjs|mjs)\b/g) ?? [];
  const named = paths.filter((path) => !path.includes('NAME'));
  expect(named).not.toEqual([]);
  expect(named.filter((path) => !folders.some((folder) => existsSync(join(root, folder, path))))).toEqual([]);
});

describe('an example', () => {
  it.each(pages())('of %s is in a language that this test knows how to check', (page) => {
    const unknown = examplesOf(page)
      .filter(({ language }) => !Object.hasOwn(checks, language))
      .map(({ at, language }) => `${at}: "${language}" is none of ${Object.keys(checks).join(', ')}.`);
    expect(unknown).toEqual([]);
  });

  it.each(inLanguage('text'))('at %s, which is not checked, has nothing to copy', (at, { text }) => {
    const commands = text.split('\n').filter((line) => /^\s*(\$|curl|npx|npm|weir) /.test(line));
    const advice = `${at} has commands: write \`console\` or \`sh\`, so that they are checked.`;
    expect(commands.length > 0 ? advice : undefined).toBe(undefined);
  });

  it.each(inLanguage('mermaid'))('at %s is a drawing', (_, { text }) => {
    expect(text).toMatch(/^flowchart /);
  });

  it.each(inLanguage('json'))('at %s is JSON', (_, { text }) => {
    JSON.parse(text);
  });

  it.each(inLanguage('graphql'))('at %s is GraphQL', (_, { text }) => {
    parseGraphQL(text);
  });

  it.each(inLanguage('yaml'))(
    'at %s is a file that its reader takes',
    async (at, { text, file = 'weir.yaml' }) => {
      const read = Object.hasOwn(yamlReaders, file) ? yamlReaders[file] : undefined;
      const known = Object.keys(yamlReaders).join(', ');
      if (read === undefined)
        throw new Error(`${at}: nothing reads ${file}; this test knows ${known}. Add how it is checked.`);
      const written = join(folder, file.replaceAll('/', '-'));
      writeFileSync(written, text);
      await read(written, text);
    },
  );
});

/** Reads a YAML file as who it is for does, and throws what is wrong. */
const yamlReaders: Record<string, (file: string, text: string) => unknown> = {
  'weir.yaml'(file, text) {
    // Secret files are there, and variables without a default set, to what is long enough for a key.
    const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
    writeFileSync(file, text.replace(/\$\{file:[^}]*\}/g, '${SECRET}'));
    loadOptions({
      config: file,
      env: Object.fromEntries(['SECRET', ...names].map((name) => [name, 'a'.repeat(64)])),
    });
  },
  async 'supergraph.yaml'(file, text) {
    const registry = join(folder, 'registry');
    if (text.includes('dynamodb:')) {
      const store = await openRegistryStore(registry);
      const products = { name: 'products', sdl: 'type Query { a: Int }', file: '', routingUrl: 'http://a/' };
      const variant = { graph: 'shop', variant: 'prod' };
      await new Registry({ store, variant }).publish([products], { by: 'ana' });
      writeFileSync(file, text.replace(/dynamodb:[^']*/, registry));
    }
    await loadSupergraphConfig({
      file,
      env: Object.fromEntries([...text.matchAll(/\$\{env\.(\w+)\}/g)].map(([, name]) => [name!, 'secret'])),
    });
  },
  '.github/workflows/schema.yaml': (_, text) => expectGitHubActions(text),
  '.github/workflows/deploy.yaml': (_, text) => expectGitHubActions(text),
  '.github/workflows/preview.yaml': (_, text) => expectGitHubActions(text),
  '.gitlab-ci.yml'(_, text) {
    const jobs = Object.values(parseYaml(text) as Record<string, { script?: string | string[] }>);
    expect(jobs.flatMap(({ script = [] }) => script).flatMap(problemsOfCommands)).toEqual([]);
  },
  // Created from the page by aws-permissions.test.ts.
  'template.yaml': (_, text) => void readTemplate(text),
  'datasources.yaml'(_, text) {
    const { datasources } = parseYaml(text) as { datasources: { uid: string }[] };
    const named = [...text.matchAll(/datasourceUid: (\w+)/g)].map(([, uid]) => uid);
    expect(datasources.map(({ uid }) => uid)).toEqual(expect.arrayContaining(named));
  },
  // Checked against the schemas of Kubernetes by kubernetes.test.ts.
  'products.yaml': (_, text) => parseAllDocuments(text).forEach((each) => void each.toJS()),
  // The page has its overlay, and then what is imported.
  'pets.yaml'(file, text) {
    const [overlay, imported] = examplesOf('docs/sources-openapi.md').filter(
      ({ language }) => language === 'graphql',
    );
    const read = readOpenApi({ text, file }, parseGraphQL(overlay!.text));
    expect(print(parseGraphQL(read.sdl))).toBe(print(parseGraphQL(imported!.text)));
  },
  // An OpenAPI document: composed by the page that has it.
  'stock.yaml': (_, text) => expect(parseYaml(text)).toHaveProperty('openapi'),
  'scalars.yaml': (file) => readScalarValues(file),
  // Of the Helm chart: rendered by chart.test.ts.
  'values.yaml': (_, text) => void parseYaml(text),
  'prometheus.yml': (_, text) => expect(parseYaml(text)).toHaveProperty('scrape_configs'),
};

/** Each command of the steps is one that exists. */
function expectGitHubActions(text: string): void {
  const { jobs } = parseYaml(text) as { jobs: Record<string, { steps: { run?: string }[] }> };
  const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = [] }) => run));
  expect(runs.flatMap(problemsOfCommands)).toEqual([]);
}

describe('a link', () => {
  /** As GitHub names the headings of a page; of two equal ones the second would get a number, which none here needs. */
  const anchorsOf = (page: string): string[] =>
    [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(pages())('of %s leads somewhere', (page) => {
    const prose = readPage(page).replace(/^ *```[^]*?^ *```$/gm, '');
    const dead = [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
      .filter(([, path, anchor]) => {
        const target = path === '' ? page : join(dirname(page), path!);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
      })
      .map(([link]) => `${page}: ${link}`);
    expect(dead).toEqual([]);
  });

  it.each([
    ...[
      'authentication',
      'error masking',
      'health check',
      'liveness',
      'readiness',
      'rate limit',
      'CORS',
      'mTLS',
    ],
  ])('in the index stands beside the word that newcomers search: %s', (word) => {
    const rows = readPage('docs/README.md').split('\n');
    expect(rows.filter((row) => row.includes(word) && row.includes('.md'))).not.toEqual([]);
  });

  it('in the index leads to every page', () => {
    const index = readPage('docs/README.md');
    const missing = pages()
      .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
      .filter((page) => !index.includes(`(${page.slice('docs/'.length)}`));
    expect(missing).toEqual([]);
  });
});

it('names options in docs/coming-from.md that exist', () => {
  const options = new Set<string>();
  let group = '';
  for (const [, heading, option] of readPage('docs/configuration.md').matchAll(
    /^## (.*)$|^\| `([^`]+)` \|/gm,
  )) {
    if (heading !== undefined) group = /^`(.*)`$/.exec(heading)?.[1] ?? '';
    else options.add(group === '' ? option! : `${group}.${option}`);
    options.add(group);
    if (option?.startsWith('NAME.') === true) options.add(`${group}.NAME`);
  }
  const groups = new Set([...options].map((option) => option.split('.')[0]!));
  const unknown = [...readPage('docs/coming-from.md').matchAll(/^\|.*\|(.*)\|$/gm)]
    .flatMap(([, ours]) => [...ours!.matchAll(/`([a-z]\w*(?:\[\])?(?:\.\w+(?:\[\])?)+)[`:]/gi)])
    .map(([, option]) => option!)
    .filter((option) => groups.has(option.split('.')[0]!) && !options.has(option));
  expect(options.size).toBeGreaterThan(300);
  expect(unknown).toEqual([]);
});

describe('a command line', () => {
  it.each(inLanguage(...shells))('at %s has commands that exist', (_, example) => {
    const runs = runsIn(example);
    expect(runs.length).toBeGreaterThan(0);
    expect(problemsOfCommands(runs.map(({ command }) => command).join(''))).toEqual([]);
  });

  it.each([
    ['weir gateway --prot 1', ['`weir gateway` has no --prot']],
    ['npx weir dev', ['npx weir may download: write npx --no-install weir']],
    ['weir getaway', ['`weir` has no command `getaway`']],
    [
      'npx --no-install weir gateway --mode fast',
      ["option '--mode <MODE>' argument 'fast' is invalid. Allowed choices are development, production."],
    ],
    ['A=1 npx --no-install weir history 1 2', ['`weir history` takes 1 arguments at most, but got: 1 2']],
    ['npm run lint && npm run lnt | cat', ['package.json has no script `lnt`']],
    [
      'key=$(opensl rand 3)',
      ['opensl is not a program that this test knows: add it to `others`, if readers have it'],
    ],
    ['node bench/no-such.mjs', ['bench/no-such.mjs does not exist']],
    ['post() { curl -s "$1"; }\npost x > y # weir', []],
  ])('%s is checked', (line, problems) => {
    expect(problemsOfCommands(line)).toEqual(problems);
  });
});

/** Programs of others that examples name. Their flags are not checked. */
const others = [
  ...[
    'aws',
    'cat',
    'cd',
    'cp',
    'curl',
    'cut',
    'docker',
    'echo',
    'export',
    'gh',
    'git',
    'grep',
    'helm',
    'kubectl',
    'mkdir',
    'mv',
    'openssl',
    'printf',
    'rm',
    'rover',
    'sam',
  ],
  ...['sha256sum', 'kill'],
];
const npmCommands = ['ci', 'init', 'install', 'pack', 'prune', 'start', 'test'];

function problemsOfCommands(shell: string): string[] {
  const functions = [...shell.matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name!);
  return commandsIn(shell).flatMap(([program, ...args]) => {
    if (program === 'npx') {
      // The package of this name on the npm registry is somebody else's.
      if (args[0] !== '--no-install') return `npx ${args[0]} may download: write npx --no-install ${args[0]}`;
      return problemsOfCommands(args.slice(1).map(quote).join(' '));
    }
    if (program === 'weir') return problemsOfWeir(args);
    if (program === 'npm') return problemsOfNpm(args);
    if (program === 'node') return problemsOfNode(args);
    if (others.includes(program!) || functions.includes(program!) || program!.startsWith('./')) return [];
    return `${program} is not a program that this test knows: add it to \`others\`, if readers have it`;
  });
}

const quote = (word: string): string => `'${word}'`;
const scripts = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;

function problemsOfNpm([command, script]: string[]): string[] {
  if (command === 'run')
    return Object.hasOwn(scripts, script!) ? [] : [`package.json has no script \`${script}\``];
  return npmCommands.includes(command!)
    ? []
    : [`npm ${command} is not known to this test: add it to \`npmCommands\``];
}

/** A script is one of this checkout, or the reader's own, which a page then names. */
function problemsOfNode(args: string[]): string[] {
  const script = args.find((arg) => !arg.startsWith('-'));
  if (script === undefined || existsSync(join(root, script))) return [];
  return pages().some((page) => readPage(page).includes(`\`${script}\``)) ? [] : [`${script} does not exist`];
}

function problemsOfWeir(args: string[]): string[] {
  const silent = { write: () => true };
  let command: Command = createProgram({
    stdout: silent,
    stderr: silent,
    env: {},
    signal: new AbortController().signal,
  });
  let name = 'weir';
  let rest = args;
  for (;;) {
    const next = command.commands.find((each) => each.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    name += ` ${rest[0]}`;
    rest = rest.slice(1);
  }
  if (rest.some((arg) => ['--help', '-h'].includes(arg)) || (name === 'weir' && rest[0] === '--version'))
    return [];
  if (isGroup(command)) return [`\`${name}\` has no command \`${rest[0] ?? ''}\``];
  try {
    const { operands, unknown } = command.parseOptions(rest);
    if (unknown.length > 0) return [`\`${name}\` has no ${unknown[0]}`];
    const { registeredArguments } = command;
    const most = registeredArguments.some(({ variadic }) => variadic) ? Infinity : registeredArguments.length;
    if (operands.length > most)
      return [`\`${name}\` takes ${most} arguments at most, but got: ${operands.join(' ')}`];
    const missing = registeredArguments.slice(operands.length).find(({ required }) => required);
    return missing === undefined ? [] : [`\`${name}\` needs <${missing.name()}>`];
  } catch (error) {
    return [(error as Error).message.replace(/^error: /, '')];
  }
}
