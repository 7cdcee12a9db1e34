import { buildSchema, graphql, type GraphQLSchema } from 'graphql';
import type { Json } from './running-gateway';
import { type Handler, type RunningServer, serveHttp1 } from './subgraph-servers';

/** A GraphQL API that is no federation subgraph. */
export interface PlainApi extends RunningServer {
  /** The requests so far. */
  readonly calls: { readonly query: string; readonly variables: Json; readonly headers: Json }[];
  /** Changes the answers. @default they stay as they are */
  change: ((answer: Json, query: string) => Json) | undefined;
  headers: Record<string, string>;
}

/** @param root the resolvers of root fields; values of objects may be functions */
export async function startPlainApi(sdl: string, root: Json): Promise<PlainApi> {
  const schema: GraphQLSchema = buildSchema(sdl);
  const calls: PlainApi['calls'] = [];
  const answer = async (...[request, response, body]: Parameters<Handler>): Promise<void> => {
    const { query, variables = {} } = JSON.parse(body.toString());
    calls.push({ query, variables, headers: request.headers });
    const result = await graphql({ schema, source: query, rootValue: root, variableValues: variables });
    response.setHeader('content-type', 'application/json');
    for (const [name, value] of Object.entries(api.headers)) response.setHeader(name, value);
    const changed = api.change === undefined ? result : api.change(JSON.parse(JSON.stringify(result)), query);
    response.end(typeof changed === 'string' ? changed : JSON.stringify(changed));
  };
  const server = await serveHttp1((...exchange) => void answer(...exchange));
  const api: PlainApi = { ...server, calls, change: undefined, headers: {} };
  return api;
}
