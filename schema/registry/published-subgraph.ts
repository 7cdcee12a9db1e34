import { RegistryReader } from './reader';
import { parseVariant } from './version';
import { openRegistryStore } from '../store/open';

export interface PublishedOptions {
  /** A folder, or `dynamodb://TABLE?region=REGION`. */
  readonly registry: string;
  /** Such as `shop@prod`. */
  readonly graph: string;
  /** @default the last version that ran */
  readonly version?: number | undefined;
  readonly subgraph: string;
}

/**
 * Reads a subgraph from a registry.
 *
 * @throws {RegistryError} if it is not there
 * @throws {StoreError} if the registry cannot be read
 */
export async function readPublishedSubgraph({
  registry,
  graph,
  version: number,
  subgraph,
}: PublishedOptions) {
  const store = await openRegistryStore(registry);
  try {
    const reader = new RegistryReader({ store, variant: parseVariant(graph) });
    const version =
      number === undefined
        ? ((await reader.lastRun()) ?? (await reader.newest()))
        : await reader.version(number);
    const sdl = await reader.schema(version, subgraph);
    return { sdl, routingUrl: version.subgraphs[subgraph]?.routingUrl };
  } finally {
    await store.close();
  }
}
