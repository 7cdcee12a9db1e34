/**
 * Composition and contracts, as functions that load Apollo's packages (Elastic-2.0) with their first call: who composes
 * nothing can do without these packages.
 */
import { createRequire } from 'node:module';
import type * as Compose from './compose';
import type * as Contract from './contract';

/** A package for composition is not installed. */
export class ComposerMissing extends Error {
  override readonly name = 'ComposerMissing';

  constructor(missing: string, options: ErrorOptions) {
    super(
      `composition needs the package ${missing}, which is not installed: run \`npm install @apollo/composition@2\`.`,
      options,
    );
  }
}

/** See `compose.ts`. @throws {ComposerMissing} */
export const composeSupergraph: typeof Compose.composeSupergraph = (given) =>
  compose().composeSupergraph(given);

/** See `contract.ts`. @throws {ComposerMissing} */
export const contractSupergraph: typeof Contract.contractSupergraph = (...given) =>
  contract().contractSupergraph(...given);

/** The version of Federation that is used for composition, such as `2.14.4`. @throws {ComposerMissing} */
export const composerVersion = (): typeof Compose.composerVersion => compose().composerVersion;

/** For who does much before composing: loads nothing. @throws {ComposerMissing} */
export function requireComposer(): void {
  for (const name of ['@apollo/composition', '@apollo/federation-internals'])
    reporting(() => requireHere.resolve(name));
}

const requireHere = createRequire(__filename);

const compose = () => reporting(() => requireHere('./compose') as typeof Compose);
const contract = () => reporting(() => requireHere('./contract') as typeof Contract);

function reporting<Result>(find: () => Result): Result {
  try {
    return find();
  } catch (error) {
    const missing = /^Cannot find module '(@apollo\/[\w-]+)/.exec((error as Error).message)?.[1];
    throw missing === undefined ? error : new ComposerMissing(missing, { cause: error });
  }
}
