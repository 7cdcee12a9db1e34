import { getOperationAST, type GraphQLSchema, parse } from 'graphql';
import { anonymous } from '../../auth/identity';
import type { ClientLimits } from '../../limits/client-limits';
import { compileOperationCost } from '../../limits/cost/operation-cost';
import { refuseOperation } from '../../limits/operation-limits';
import type { Options } from '../../options';
import { createPages, explainEndpoint, type FindPage } from '../clients/exploration';
import { firstQuery } from '../clients/first-query';
import type { ProcessParts } from '../process-parts';

/** The pages that the options have. @param query with which GraphiQL opens */
export const createPageFinder = (
  { mode, path: endpoint }: Options,
  { extensions, consoleOrigins }: Pick<ProcessParts, 'extensions' | 'consoleOrigins'>,
  query: () => string,
): FindPage =>
  mode === 'development'
    ? createPages({ endpoint, query, headers: extensions.explorerHeaders, consoleOrigins })
    : explainEndpoint(endpoint);

/** The first query for a graph, within the limits of anonymous callers. */
export function firstQueryOf(
  schema: GraphQLSchema | undefined,
  limits: ClientLimits,
  assumedListSize: number,
): string {
  if (schema === undefined) return '';
  return firstQuery(schema, (query) => {
    const document = parse(query);
    const operation = getOperationAST(document)!;
    const cost = compileOperationCost(document, operation, {
      schema,
      directives: undefined,
      assumedListSize,
    });
    return refuseOperation(query, cost, limits)({}, anonymous) === undefined;
  });
}
