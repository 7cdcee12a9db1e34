import type {
  GraphQLDataSource,
  GraphQLDataSourceProcessOptions,
  SupergraphManager,
  SupergraphSdlHook,
} from '@apollo/gateway';
import { listSubgraphs, type SubgraphLocation } from './subgraphs';
import type { SupergraphSource } from './source';

export type { SupergraphManager };

/** Any of Apollo's `SupergraphManager`s as a source, such as `new IntrospectAndCompose({ subgraphs })`. */
export function apolloManagerSource(manager: SupergraphManager): SupergraphSource {
  let cleanup: (() => Promise<void>) | undefined;
  let stopped = false;

  return {
    start: async (listener) => {
      const getDataSource = await loadDataSource();
      const options: Parameters<SupergraphSdlHook>[0] = {
        update: (supergraphSdl) => {
          if (!stopped) listener.onSupergraph(supergraphSdl);
        },
        getDataSource,
        healthCheck: async (supergraphSdl) => {
          await Promise.all(
            listSubgraphs(supergraphSdl).map((subgraph) => checkHealth(subgraph, getDataSource)),
          );
        },
      };
      const result = await manager.initialize(options);
      cleanup = result.cleanup;
      if (stopped) await cleanup?.();
      return result.supergraphSdl;
    },
    stop: async () => {
      stopped = true;
      await cleanup?.();
    },
  };
}

type GetDataSource = (subgraph: { readonly name: string; readonly url?: string }) => GraphQLDataSource;

/** Loaded only for a manager that introspects subgraphs, as loading is slow. */
async function loadDataSource(): Promise<GetDataSource> {
  const { RemoteGraphQLDataSource } = await import('@apollo/gateway');
  return ({ url }) => new RemoteGraphQLDataSource(url === undefined ? {} : { url });
}

async function checkHealth(subgraph: SubgraphLocation, getDataSource: GetDataSource): Promise<void> {
  const request = { query: 'query Health { __typename }' };
  // Apollo does not export the enum with the kinds of requests.
  const options = {
    kind: 'health check',
    request,
    context: {},
  } as unknown as GraphQLDataSourceProcessOptions;
  await getDataSource(subgraph).process(options);
}
