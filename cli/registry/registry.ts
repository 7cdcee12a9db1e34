import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type {
  Authorship,
  ChangeResult,
  Problem,
  PublishResult,
  Registry,
  RegistryStore,
  Version,
} from '../../schema';
import { paintFor } from '../terminal/colours';
import { CommandFailure, type Context } from '../context';
import { describeChanges } from '../../schema/registry/version';
import type * as Schema from '../../schema';
import { showProblem } from '../terminal/problems';

/** The flags of all registry commands. */
export interface RegistryFlags {
  readonly registry?: string;
  readonly graph?: string;
}

export interface AuthorFlags {
  readonly author?: string;
  readonly commit?: string;
}

export function registryOption(): Option {
  return new Option('-r, --registry <LOCATION>', 'a folder, or dynamodb://TABLE?region=REGION');
}

export function addRegistryFlags(command: Command): Command {
  return command.addOption(registryOption()).option('-g, --graph <GRAPH@VARIANT>', 'such as shop@prod');
}

export function addAuthorFlags(command: Command): Command {
  return command
    .option('--author <NAME>', 'the author (default: from the pipeline, or your user name)')
    .option('--commit <ID>', 'the commit it comes from (default: from the pipeline or git)');
}

export function formatOption(...formats: string[]): Option {
  return new Option('--format <FORMAT>', 'of the report').choices(formats).default('text');
}

/**
 * Opens the registry of the flags and calls `run`. An error of the registry ends the command with a sentence and exit
 * code 2.
 */
export function withRegistry<Result>(
  flags: RegistryFlags,
  work: (registry: Registry) => Promise<Result>,
): Promise<Result> {
  return withStore(flags, async (store, graph) => {
    const { parseVariant, Registry } = require('../../schema') as typeof Schema;
    return work(new Registry({ store, variant: parseVariant(graph) }));
  });
}

/** Opens the store of the flags and calls `work` with it and the graph. Errors end the command as in `withRegistry`. */
export async function withStore<Result>(
  { registry: location, graph }: RegistryFlags,
  work: (store: RegistryStore, graph: string) => Promise<Result>,
): Promise<Result> {
  if (location === undefined || location === '')
    throw new CommandFailure(
      'weir: which registry? Name it with --registry LOCATION, or in WEIR_REGISTRY.',
      2,
    );
  if (graph === undefined || graph === '')
    throw new CommandFailure('weir: which graph? Name it with --graph GRAPH@VARIANT, or in WEIR_GRAPH.', 2);
  const { openRegistryStore, RegistryError, StoreError } = require('../../schema') as typeof Schema;
  try {
    const store = await openRegistryStore(location);
    try {
      return await work(store, graph);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof StoreError)) throw error;
    throw new CommandFailure(`weir: ${error.message}`, 2);
  }
}

/** The author and commit for the audit record: from flags, the CI environment, or this machine. */
export async function authorshipOf(flags: AuthorFlags, { env }: Context): Promise<Authorship> {
  const by = flags.author ?? env['GITHUB_ACTOR'] ?? env['GITLAB_USER_LOGIN'] ?? userInfo().username;
  const commit = flags.commit ?? env['GITHUB_SHA'] ?? env['CI_COMMIT_SHA'] ?? (await gitCommit());
  return { by, commit };
}

/** The commit of the working folder, if it is a git repository. */
async function gitCommit(): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD']).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

/**
 * Prints the result of a change, and of the contracts that follow it. A rejected change ends the command with exit code
 * 1.
 */
export function reportResult(
  result: ChangeResult | PublishResult,
  { name }: Registry,
  format: string,
  { stdout, stderr, env }: Context,
): void {
  const paint = paintFor(stderr, { env });
  const all = Object.entries({ [name]: result, ...('contracts' in result ? result.contracts : {}) });
  if (format === 'json') stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    for (const [each, changed] of all) {
      for (const problem of problemsOf(changed)) stderr.write(`${showProblem(problem, paint)}\n\n`);
      if (changed.outcome !== 'rejected') stdout.write(`${describeResult(each, changed)}\n`);
    }
  }
  const rejected = all.filter(([, { outcome }]) => outcome === 'rejected');
  if (rejected.length === 0) return;
  const sentences = rejected.map(
    ([each, { version }]) =>
      `weir: does not compose: version ${version.number} of ${each} is rejected, and the running graph is unchanged.`,
  );
  throw new CommandFailure(sentences.join('\n'), 1);
}

function problemsOf(result: ChangeResult): readonly Problem[] {
  if (result.outcome === 'rejected') return result.errors;
  return result.outcome === 'published' ? result.hints.filter(({ level }) => level === 'warning') : [];
}

function describeResult(name: string, { outcome, version }: ChangeResult): string {
  if (outcome !== 'unchanged') return `${name} is at version ${version.number}: ${describeChanges(version)}.`;
  return `${name} has this already: nothing to do at version ${version.number}.`;
}

/** One line about a version: who did what, and when. */
export function versionLine(version: Version): string {
  const { number, kind, at, by, commit } = version;
  const from = commit === undefined ? '' : ` from ${commit.slice(0, 12)}`;
  return `${String(number).padStart(4)}  ${kind.padEnd(11)}  ${at}  ${describeChanges(version)}, by ${by}${from}`;
}

export function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be the number of a version, as `weir history` lists them.');
}
