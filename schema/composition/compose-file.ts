import type { Composition, SubgraphSchema } from './compose';
import { composerVersion, composeSupergraph } from './composer';
import type { Problem } from './problem';
import { asSubgraphs } from './sources/read-sources';
import { readSubgraphSchemas, type ReadSubgraphSchemasOptions } from './subgraph-schemas';
import {
  loadSupergraphConfig,
  type SupergraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './supergraph-config';

/** The result of composing a configuration file: a supergraph, or the problems. */
export type FileComposition = Composition & {
  /** Absent when the configuration itself cannot be read. */
  readonly config?: SupergraphConfig;
  /** The schemas as read, in the order of the configuration; empty if one could not be read. */
  readonly subgraphs: readonly SubgraphSchema[];
  /** Whether reading failed, so that nothing was composed. */
  readonly unreadable: boolean;
};

export interface ComposeFileOptions
  extends SupergraphConfigOptions, Pick<ReadSubgraphSchemasOptions, 'sign' | 'fetch' | 'instead'> {
  /**
   * Reads the configuration, in place of the file.
   *
   * @throws {SupergraphConfigError} if it cannot be read
   */
  readonly load?: (() => Promise<SupergraphConfig>) | undefined;
  /**
   * Called with the configuration before the schemas are read. The configuration that it returns is composed.
   *
   * @default the configuration is not changed
   */
  readonly prepare?: ((config: SupergraphConfig) => Promise<SupergraphConfig>) | undefined;
  /** Sources that mocks answer for, as federation subgraphs. @default none */
  readonly mocked?: readonly string[] | undefined;
}

/** Reads a configuration file and all files that it names, and composes it. Returns problems and never throws them. */
export async function composeFile(options: ComposeFileOptions): Promise<FileComposition> {
  return composeInputs(await readInputs(options));
}

/** All inputs of a composition. Equal inputs give equal compositions. */
export type CompositionInputs =
  | {
      readonly config: SupergraphConfig;
      readonly subgraphs: readonly SubgraphSchema[];
      readonly errors?: undefined;
    }
  | { readonly config: SupergraphConfig | undefined; readonly errors: readonly Problem[] };

export async function readInputs({
  sign,
  fetch,
  instead,
  load,
  prepare = (config) => Promise.resolve(config),
  mocked = [],
  ...options
}: ComposeFileOptions): Promise<CompositionInputs> {
  let config: SupergraphConfig | undefined;
  try {
    config = await prepare(await (load?.() ?? loadSupergraphConfig(options)));
    const subgraphs = await readSubgraphSchemas(config, { sign, fetch, instead });
    return {
      config,
      subgraphs: mocked.length === 0 ? subgraphs : asSubgraphs(subgraphs, (name) => mocked.includes(name)),
    };
  } catch (error) {
    if (!(error instanceof SupergraphConfigError)) throw error;
    return { config, errors: error.problems };
  }
}

export function composeInputs(inputs: CompositionInputs): FileComposition {
  const { config, errors } = inputs;
  if (errors) return { errors, ...(config ? { config } : {}), subgraphs: [], unreadable: true };
  const { subgraphs } = inputs;
  const composition = composeSupergraph({ subgraphs });
  if (composition.errors) return { ...composition, config, subgraphs, unreadable: false };
  const hints = [...versionHint(config), ...composition.hints];
  return { ...composition, hints, config, subgraphs, unreadable: false };
}

/** A hint for a file that asks for a newer composer. It is composed nevertheless. */
function versionHint({ file, federationVersion }: SupergraphConfig): Problem[] {
  const wanted = federationVersion?.replace('=', '');
  const own = composerVersion();
  if (wanted === undefined || wanted.localeCompare(own, 'en', { numeric: true }) <= 0) return [];
  const message = `${file} asks for Federation ${wanted}, but Weir composes with ${own}.`;
  return [{ level: 'warning', code: 'FEDERATION_VERSION', message, locations: [] }];
}
