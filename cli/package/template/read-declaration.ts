import { fork } from 'node:child_process';
import { extname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SubgraphDeclaration } from '../../../kit/declaration';
import { CommandFailure, type Context } from '../../context';

/** What is wrong with a file without a declaration, to follow its name. */
export const withoutDeclaration =
  'does not say what its subgraph declares: its `handler` must be what lambdaHandler of weir/subgraph has made.';

/** How long a subgraph may take to say what it declares, in milliseconds. */
const longest = 30_000;

/**
 * Loads the module of a subgraph's function in a process of its own, and reads what the code declares.
 *
 * @param file the file that exports `handler`; a relative path is one from the working folder
 * @param name what errors call it
 * @returns undefined if that is not what `lambdaHandler` of the kit has made
 * @throws {CommandFailure} if it cannot be loaded
 */
export async function readDeclaration(
  file: string,
  { env }: Context,
  name = file,
): Promise<SubgraphDeclaration | undefined> {
  const script = join(__dirname, `tell-declaration${extname(__filename)}`);
  const child = fork(script, [resolve(file)], { env: { ...env }, silent: true, timeout: longest });
  let declared: { readonly declaration: SubgraphDeclaration | null } | undefined;
  child.on('message', (message) => (declared = message as typeof declared));
  // What the module prints is no part of the answer.
  child.stdout!.resume();
  const ended = new Promise<string | null>((end) => child.once('exit', (_, signal) => end(signal)));
  const [errors, signal] = await Promise.all([text(child.stderr!), ended]);
  if (declared !== undefined) return declared.declaration ?? undefined;
  const reason = signal === null ? errors.trim() : 'It does not end.';
  throw new CommandFailure(`weir: ${name} does not say what its subgraph declares: ${reason}`, 2);
}
