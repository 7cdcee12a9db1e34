import { readSourceSchema } from '../../../schema/supergraph/sources/source-schema';
import type { SubgraphSource } from '../../../schema/supergraph/sources/sources-of';
import type { Interceptor, Send, Subscribe } from '../contract/transport';
import { callGraphQL, subscribeGraphQL } from './graphql/call-graphql';
import { callRest } from './rest/call-rest';
import type { OpenedSource, OpenExecutor } from './source-executor';

type UnreadSource = Omit<OpenedSource, 'schema'> & SubgraphSource;

/** Answers the requests of a graph by calls of its source. Reads the schema at the first one. */
export function openSource(source: UnreadSource): Interceptor {
  return (next) => {
    let send: Send | undefined;
    return (request) => {
      if (send === undefined) {
        const schema = readSourceSchema(source.schema);
        send = executors[schema.kind]({ ...source, schema })(next);
      }
      return send(request);
    };
  };
}

/** Subscribes at the source of a graph. REST sources have no subscriptions. @param send calls the source */
export function subscribeSource(source: UnreadSource, next: Subscribe, send: Send): Subscribe {
  let subscribe: Subscribe | undefined;
  return (request) => {
    subscribe ??= subscribeGraphQL({ ...source, schema: readSourceSchema(source.schema) }, next, send);
    return subscribe(request);
  };
}

const executors: Readonly<Record<OpenedSource['schema']['kind'], OpenExecutor>> = {
  graphql: callGraphQL,
  rest: callRest,
};
