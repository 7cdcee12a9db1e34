/**
 * What cli/weir.mjs prints without anything being compiled, and the tables of docs/commands.md. After a change of a
 * command or a flag, `WRITE_DOCS=1 npx jest cli/help` writes both anew.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { version } from '../../../package.json';
import { isGroup } from '../../../cli/command-line';
import { createProgram } from '../../../cli/program';
import { variableOf } from '../../../cli/variables';
import { startCli } from '../../support/run-cli';

const root = join(__dirname, '../../..');
const sink = { write: () => undefined };
const commands = below(
  createProgram({ stdout: sink, stderr: sink, env: {}, signal: new AbortController().signal }),
  'weir',
);

it('of each command is in cli/help.txt', async () => {
  const texts = await Promise.all(
    commands.map(async ({ path }) => (await startCli([...path.split(' ').slice(1), '--help']).result).stdout),
  );
  hold('cli/help.txt', texts.join('\n'));
});

it('is the same in the tables of docs/commands.md', () => {
  const page = readFileSync(join(root, 'docs/commands.md'), 'utf8');
  const parts = page.split(/^(?:\|.*\n)+/m);
  expect(parts).toHaveLength(3);
  hold('docs/commands.md', `${parts[0]}${commandTable()}\n${parts[1]}${variableTable()}\n${parts[2]}`);
});

describe('weir.mjs, where nothing is installed or compiled', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-help-'));
  beforeAll(() => {
    mkdirSync(join(folder, 'cli'));
    for (const name of ['package.json', 'cli/weir.mjs', 'cli/help.txt'])
      cpSync(join(root, name), join(folder, name));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const weir = (...args: string[]): string =>
    execFileSync(process.execPath, [join(folder, 'cli/weir.mjs'), ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    });

  it('prints version and help', () => {
    expect(weir('--version')).toBe(`${version}\n`);
    expect(weir()).toMatch(/^Usage: weir \[options\]/);
    expect(weir('check', '-h')).toMatch(/^Usage: weir check \[options\][^]*weir check --config[^]*\n$/);
    expect(weir('help', 'audit', 'verify')).toMatch(/^Usage: weir audit verify \[options\]/);
  });

  it('leaves everything else to the command line', () => {
    expect(() => weir('chek', '--help')).toThrow('is not compiled');
  });
});

/** Holds a file against what it should be, or writes it. */
function hold(file: string, text: string): void {
  if (process.env['WRITE_DOCS']) writeFileSync(join(root, file), text);
  expect(readFileSync(join(root, file), 'utf8')).toBe(text);
}

interface Named {
  readonly path: string;
  readonly command: Command;
}

function below(command: Command, path: string): Named[] {
  return [{ path, command }, ...command.commands.flatMap((each) => below(each, `${path} ${each.name()}`))];
}

const leaves = () => commands.filter(({ command }) => !isGroup(command));

const commandTable = (): string =>
  [
    '| command | does |',
    '| - | - |',
    ...leaves().map(({ path, command }) => `| \`${path}\` | ${command.summary()} |`),
  ].join('\n');

/** Each variable once, with the flags and commands that it stands for. */
function variableTable(): string {
  const rows = new Map<string, { readonly flags: Set<string>; readonly of: string[] }>();
  for (const { path, command } of leaves()) {
    for (const option of command.options) {
      const variable = variableOf(option, command) ?? 'NO_COLOR';
      const row = rows.get(variable) ?? { flags: new Set(), of: [] };
      rows.set(variable, row);
      row.flags.add(option.long!);
      row.of.push(path.slice('weir '.length));
    }
  }
  const lines = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([variable, { flags, of }]) => {
      const all = of.length > leaves().length - 2 ? 'all' : of.join(', ');
      return `| \`${variable}\` | \`${[...flags].join('`, `')}\` | ${all} |`;
    });
  return ['| variable | flag | commands |', '| - | - | - |', ...lines].join('\n');
}
