/**
 * Apollo Server with Apollo Gateway as its documentation sets them up, forwarding `authorization`. A file of a third argument
 * may say that tokens are checked (`jwt`), or that spans are exported (`traces`): `features.mjs` writes it.
 */
import { readFileSync } from 'node:fs';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const [port, supergraphFile, featuresFile] = process.argv.slice(2);
const { jwt, traces } = featuresFile === undefined ? {} : JSON.parse(readFileSync(featuresFile, 'utf8'));
if (traces !== undefined) (await import('../lib/open-telemetry.mjs')).openTelemetry(traces).register();
const admit = jwt && (await import('../lib/admit-by-jose.mjs')).admitByJose(jwt);

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(supergraphFile, 'utf8'),
  buildService: ({ url }) =>
    new RemoteGraphQLDataSource({
      url,
      willSendRequest({ request, context }) {
        if (context.authorization) request.http.headers.set('authorization', context.authorization);
      },
    }),
});

await startStandaloneServer(new ApolloServer({ gateway }), {
  listen: { host: '127.0.0.1', port: Number(port) },
  context: async ({ req: { headers, body } }) => {
    const { authorization } = headers;
    if (admit !== undefined) await admit(authorization, body.query);
    return { authorization };
  },
});
