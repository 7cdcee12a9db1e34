import { execFile } from 'node:child_process';
import type { SubgraphDeclaration } from '../../../subgraphs/kit/declaration';
import { CommandFailure, type Context } from '../../context';
import { subgraphModule, subgraphNames } from '../../own-package';

/** How long a subgraph may take to say what it declares, in milliseconds. */
const longest = 30_000;
const mostBytes = 16 * 1024 * 1024;

/**
 * Asks a subgraph, as a process of its own, what its code declares.
 *
 * @param subgraph the name of one of the sample shop, or the file of one that is built on `weir/subgraph`
 * @throws {CommandFailure} if there is none, or it declares nothing
 */
export async function readDeclaration(subgraph: string, { env }: Context): Promise<SubgraphDeclaration> {
  const script = subgraphModule(subgraph);
  if (script === undefined)
    throw new CommandFailure(
      `weir: there is no subgraph '${subgraph}', and no such file; there are: ${subgraphNames().join(', ')}.`,
      2,
    );
  const refuse = (reason: string): never => {
    throw new CommandFailure(`weir: the subgraph '${subgraph}' does not say what it declares: ${reason}`, 2);
  };
  const output = await new Promise<string>((resolve, reject) => {
    const options = { env: { ...env }, timeout: longest, maxBuffer: mostBytes };
    execFile(process.execPath, [script, '--declaration'], options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(error.killed === true ? new Error('It does not end.') : new Error(stderr.trim()));
    });
  }).catch((error: unknown) => refuse((error as Error).message));
  try {
    return JSON.parse(output) as SubgraphDeclaration;
  } catch {
    return refuse('It must end with runWhenMain of weir/subgraph.');
  }
}
