import { createRequire } from 'node:module';
import { loadPackages } from '../../optional-packages';
import { listSubgraphs, type SubgraphLocation } from './subgraphs';
import type { SupergraphSource } from './source';

/** Apollo's `SupergraphManager`, as far as it is used here: its package need not be installed. */
export interface SupergraphManager {
  initialize(options: {
    update(supergraphSdl: string): void;
    healthCheck(supergraphSdl: string): Promise<void>;
    getDataSource(subgraph: { readonly name: string; readonly url?: string }): ApolloDataSource;
  }): Promise<{ readonly supergraphSdl: string; readonly cleanup?: () => Promise<void> }>;
}

/** Apollo's `GraphQLDataSource`. */
interface ApolloDataSource {
  process(options: never): Promise<unknown>;
}

/** Any of Apollo's `SupergraphManager`s as a source, such as `new IntrospectAndCompose({ subgraphs })`. */
export function apolloManagerSource(manager: SupergraphManager): SupergraphSource {
  let cleanup: (() => Promise<void>) | undefined;
  let stopped = false;

  return {
    start: async (listener) => {
      const result = await manager.initialize({
        update: (supergraphSdl) => {
          if (!stopped) listener.onSupergraph(supergraphSdl);
        },
        getDataSource: createDataSource,
        healthCheck: async (supergraphSdl) => {
          await Promise.all(listSubgraphs(supergraphSdl).map(checkHealth));
        },
      });
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

interface ApolloGateway {
  readonly RemoteGraphQLDataSource: new (options: { readonly url?: string }) => ApolloDataSource;
}

/** Loads its class for the first manager that introspects subgraphs: it is slow to load, and few need it. */
function createDataSource({ url }: { readonly url?: string }): ApolloDataSource {
  const { RemoteGraphQLDataSource } = loadApolloGateway();
  return new RemoteGraphQLDataSource(url === undefined ? {} : { url });
}

const loadApolloGateway = (): ApolloGateway =>
  loadPackages(
    'A SupergraphManager that calls subgraphs',
    ['@apollo/gateway'],
    () => createRequire(__filename)('@apollo/gateway') as ApolloGateway,
  );

async function checkHealth(subgraph: SubgraphLocation): Promise<void> {
  const request = { query: 'query Health { __typename }' };
  // Apollo does not export the enum with the kinds of requests.
  const options = { kind: 'health check', request, context: {} } as never;
  await createDataSource(subgraph).process(options);
}
