import { existsSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { Command, Option } from 'commander';
import { CommandFailure, type Context } from '../context';
import { readFileInput } from '../terminal/input';
import { makeFolder } from '../terminal/make-folder';
import { printable } from '../terminal/printable';
import type * as Migrate from '../migrate/migrate';
import type * as Recognise from '../migrate/recognise';
import type * as WriteReport from '../migrate/write-report';

interface MigrateFlags {
  readonly from?: string;
  readonly supergraph?: string;
  readonly output: string;
  readonly report: string;
  readonly force?: true;
}

/** `weir migrate`: makes options of the configuration of another gateway. */
export function migrateCommand(context: Context): Command {
  return new Command('migrate')
    .summary("make weir.yaml of another gateway's configuration")
    .description(
      'Reads the configuration of Apollo Router (router.yaml), Hive Gateway (gateway.config.ts), Hive Router ' +
        '(router.config.yaml), Cosmo (config.yaml, and the execution config) or Grafbase (grafbase.toml). Writes weir.yaml, ' +
        'with a comment at each option, and a report with every key: taken over, different, without counterpart, ' +
        'unknown. Code is read and never run. docs/coming-from.md has the tables.',
    )
    .argument('<FILE...>', 'the files of one gateway; what a later one sets counts')
    .addOption(
      new Option('--from <GATEWAY>', 'which gateway they are of, where the keys do not tell').choices(
        gateways,
      ),
    )
    .option('-s, --supergraph <SOURCE>', 'the supergraph to run, written as `supergraph`')
    .option('-o, --output <FILE>', 'where to write the options', 'weir.yaml')
    .option('--report <FILE>', 'where to write the report', 'weir-migration.md')
    .option('--force', 'overwrite files that exist')
    .addHelpText(
      'after',
      '\nExit code 2 if nothing was written.\n\nExamples:\n' +
        '  $ weir migrate router.yaml --supergraph supergraph.graphql\n' +
        '  $ weir migrate config.yaml router-execution-config.json\n' +
        '  $ weir migrate gateway.config.ts --output deploy/weir.yaml --force\n' +
        '\nThen `weir gateway --check --config weir.yaml` checks the result.',
    )
    .action((files: readonly string[], flags: MigrateFlags) => run(files, flags, context));
}

/** Those of `cli/migrate/peers/`, which is loaded only when it is needed. */
export const gateways = [
  'apollo-router',
  'hive-gateway',
  'hive-router',
  'cosmo',
  'cosmo-execution-config',
  'grafbase',
];

async function run(files: readonly string[], flags: MigrateFlags, { stdout, env }: Context): Promise<void> {
  const { output, report, from } = flags;
  const given = await Promise.all(
    files.map(async (file) => ({ file, text: await readFileInput('FILE', file, env) })),
  );
  const supergraph =
    flags.supergraph === undefined ? undefined : fromFolder(flags.supergraph, dirname(output));
  const migration = migrated(() => load().migrate(given, { from, supergraph, output }));
  const written = new Map([
    [output, migration.options],
    [report, migration.report],
    ...Array.from(migration.files, ([name, text]) => [join(dirname(output), name), text] as const),
  ]);
  if (written.size < migration.files.size + 2)
    throw new CommandFailure('weir: --output and --report must be different files.', 2);
  await writeAll(written, flags.force === true, files);
  stdout.write(describe(migration, [...written.keys()], output));
}

const load = () => require('../migrate/migrate') as typeof Migrate;

function migrated(make: () => Migrate.Migration): Migrate.Migration {
  try {
    return make();
  } catch (error) {
    const { NotMigrated } = require('../migrate/recognise') as typeof Recognise;
    if (error instanceof NotMigrated) throw new CommandFailure(`weir: ${printable(error.message)}`, 2);
    throw error;
  }
}

/** Files are relative to the folder of the options. */
function fromFolder(source: string, folder: string): string {
  const isFile = !/^[a-z\d]+:/.test(source) && !isAbsolute(source);
  return isFile ? relative(folder, source).replaceAll('\\', '/') : source;
}

/** Writes all of them or none. */
async function writeAll(
  texts: ReadonlyMap<string, string>,
  force: boolean,
  inputs: readonly string[],
): Promise<void> {
  const kept = inputs.find((file) => texts.has(file));
  if (kept !== undefined)
    throw new CommandFailure(
      `weir: ${kept} is read, and would be overwritten: name another file with --output or --report.`,
      2,
    );
  const existing = force ? [] : [...texts.keys()].filter((file) => existsSync(file));
  if (existing.length > 0)
    throw new CommandFailure(
      `weir: ${existing.join(', ')} exist${existing.length === 1 ? 's' : ''} already, and nothing was written: --force overwrites.`,
      2,
    );
  const taken = [...texts.keys()].find((file) => existsSync(file) && !statSync(file).isFile());
  if (taken !== undefined)
    throw new CommandFailure(
      `weir: nothing was written: ${taken} is ${statSync(taken).isDirectory() ? 'a folder' : 'no regular file'}.`,
      2,
    );
  const drafts: [draft: string, file: string][] = [];
  const folders: string[] = [];
  try {
    for (const [file, text] of texts) {
      const folder = await makeFolder(dirname(file));
      if (folder !== undefined) folders.push(folder);
      const draft = `${file}.${process.pid}.draft`;
      drafts.push([draft, file]);
      await writeFile(draft, text);
    }
    for (const [draft, file] of drafts) await rename(draft, file);
  } catch (error) {
    await Promise.all(drafts.map(([draft]) => rm(draft, { force: true })));
    for (const folder of folders.reverse()) await rm(folder, { recursive: true, force: true });
    throw new CommandFailure(`weir: nothing was written: ${(error as Error).message}.`, 2);
  }
}

function describe(
  { title, entries, files, hasSupergraph }: Migrate.Migration,
  written: readonly string[],
  output: string,
): string {
  const { countsOf, formatCounts, lostGuards } = require('../migrate/write-report') as typeof WriteReport;
  const guards = lostGuards(entries).length;
  const config = `--config ${output}`;
  return [
    `weir: wrote ${written.join(', ')} from ${printable(title)}: ${formatCounts(countsOf(entries))}.`,
    ...(guards === 0
      ? []
      : [
          `weir: ${guards} key${guards === 1 ? '' : 's'} that kept somebody out there: the report begins with them.`,
        ]),
    '',
    'Next:',
    `  read ${written[1]}`,
    ...(files.has('supergraph.yaml')
      ? [
          `  weir compose ${join(dirname(output), 'supergraph.yaml')} --out ${join(dirname(output), 'supergraph.graphql')}`,
        ]
      : []),
    `  weir gateway --check ${config}${hasSupergraph ? '' : ' --supergraph SOURCE'}`,
    `  weir gateway ${config}${hasSupergraph ? '' : ' --supergraph SOURCE'}`,
    '',
  ].join('\n');
}
