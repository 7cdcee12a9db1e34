import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError } from 'graphql';
import { runServiceWhenMain, type Service } from '../../kit';
import { seedWishLists } from './seed';

const lists = new Map(Array.from(seedWishLists(), (list) => [list.id, list]));

const schema = makeExecutableSchema({
  typeDefs: readFileSync(join(__dirname, 'schema.graphql'), 'utf8'),
  resolvers: {
    Query: {
      wishListsByIds: (_: unknown, { ids }: { ids: readonly string[] }) =>
        ids.flatMap((id) => lists.get(id) ?? []),
      wishListsOf(_: unknown, { ownerId, first }: { ownerId: string; first: number }) {
        if (first < 1 || first > 100)
          throw new GraphQLError(`\`first\` must be from 1 to 100, but got: ${first}.`);
        return [...lists.values()].filter((list) => list.ownerId === ownerId).slice(0, first);
      },
    },
  },
});

/** Wish lists: a plain GraphQL API, as a service that knows nothing of federation has one. */
export const wishlists: Service = {
  name: 'wishlists',
  port: 4009,
  path: '/graphql',
  async serve(app) {
    const apollo = new ApolloServer({
      schema,
      plugins: [
        ApolloServerPluginCacheControl({ defaultMaxAge: 30 }),
        ApolloServerPluginLandingPageDisabled(),
      ],
      stopOnTerminationSignals: false,
    });
    await apollo.start();
    app.addHook('onClose', () => apollo.stop());
    app.route({ method: ['GET', 'POST'], url: wishlists.path, handler: fastifyApolloHandler(apollo) });
  },
};

runServiceWhenMain(module, wishlists);
