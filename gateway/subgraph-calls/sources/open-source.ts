import { readSourceSchema } from '../../../schema/supergraph/sources/source-schema';
import type { SupergraphSource } from '../../../schema/supergraph/sources/sources-of';
import type { Interceptor, Send } from '../contract/transport';
import { callGraphQL } from './graphql/call-graphql';
import { callRest } from './rest/call-rest';
import type { OpenedSource, OpenExecutor } from './source-executor';

/** Answers the requests of a graph by calls of its source. Reads the schema at the first one. */
export function openSource(source: Omit<OpenedSource, 'schema'> & SupergraphSource): Interceptor {
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

const executors: Readonly<Record<OpenedSource['schema']['kind'], OpenExecutor>> = {
  graphql: callGraphQL,
  rest: callRest,
};
