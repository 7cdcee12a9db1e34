/**
 * Composition, contracts and executable subgraphs, as functions that load Apollo's packages (Elastic-2.0) with their
 * first call: who composes nothing can do without these packages.
 */
import { createRequire } from 'node:module';
import { loadPackages, missingOf, MissingPackage } from '../../optional-packages';
import type * as Compose from './compose';
import type * as Contract from './contract';
import type * as Executable from './executable-subgraph';
import type * as Recovered from './recovered-subgraphs';

/** See `compose.ts`. @throws {MissingPackage} */
export const composeSupergraph: typeof Compose.composeSupergraph = (given) =>
  compose().composeSupergraph(given);

/** See `contract.ts`. @throws {MissingPackage} */
export const contractSupergraph: typeof Contract.contractSupergraph = (...given) =>
  contract().contractSupergraph(...given);

/** See `executable-subgraph.ts`. @throws {MissingPackage} */
export const executableSubgraph: typeof Executable.executableSubgraph = (given) =>
  executable().executableSubgraph(given);

/** See `recovered-subgraphs.ts`. @throws {MissingPackage} */
export const recoverSubgraphs: typeof Recovered.recoverSubgraphs = (...given) =>
  loadPackages(
    'composition',
    packages,
    () => requireHere('./recovered-subgraphs') as typeof Recovered,
  ).recoverSubgraphs(...given);

/** The version of Federation that is used for composition, such as `2.14.4`. @throws {MissingPackage} */
export const composerVersion = (): typeof Compose.composerVersion => compose().composerVersion;

/** For who does much before composing: loads nothing. @throws {MissingPackage} */
export function requireComposer(): void {
  const missing = missingOf(packages);
  if (missing.length > 0) throw new MissingPackage('composition', missing);
}

const requireHere = createRequire(__filename);

const packages = ['@apollo/composition', '@apollo/federation-internals'] as const;

const compose = () => loadPackages('composition', packages, () => requireHere('./compose') as typeof Compose);
const contract = () =>
  loadPackages('composition', packages, () => requireHere('./contract') as typeof Contract);
const executable = () =>
  loadPackages('composition', packages, () => requireHere('./executable-subgraph') as typeof Executable);
