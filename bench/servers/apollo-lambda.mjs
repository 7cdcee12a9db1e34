/** Apollo Server with Apollo Gateway on Lambda, as their documentation sets them up. The supergraph is bundled with it. */
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { handlers, startServerAndCreateLambdaHandler } from '@as-integrations/aws-lambda';
import supergraphSdl from 'supergraph.graphql';

const gateway = new ApolloGateway({ supergraphSdl });
const server = new ApolloServer({ gateway });

export const handler = startServerAndCreateLambdaHandler(
  server,
  handlers.createAPIGatewayProxyEventV2RequestHandler(),
);
