/** What Apollo's planner finds: an oracle for operations that Weir's refuses. */
import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
// Comes with `@apollo/gateway`.
import { QueryPlanner } from '@apollo/query-planner';
import { parse } from 'graphql';
import { type RandomOperation } from '../support/random-operation';
import { fieldsNotResolved } from './not-resolved';
import { type Graph } from './systems';

/**
 * Whether it finds no plan either, or one that asks a subgraph for what it does not resolve: composition lets pass some
 * graphs in which a field cannot be reached.
 */
export function cannotBePlanned(graph: Graph, { document, operationName }: RandomOperation): boolean {
  const supergraph = Supergraph.build(graph.supergraphSdl);
  const named = operationName === undefined ? {} : { operationName };
  let plan;
  try {
    const operation = operationFromDocument(supergraph.apiSchema(), document, named);
    plan = new QueryPlanner(supergraph).buildQueryPlan(operation);
  } catch (error) {
    return /not able to (find any options|plan)/.test((error as Error).message);
  }
  return fetchesIn(plan).some(
    ({ serviceName, operation }) =>
      fieldsNotResolved(
        graph.subgraphSchemas.get(serviceName)!,
        parse(operation, { noLocation: true }),
        graph.overridden.get(serviceName) ?? new Set(),
      ).length > 0,
  );
}

interface Fetch {
  readonly serviceName: string;
  readonly operation: string;
}

function fetchesIn(node: unknown): Fetch[] {
  if (typeof node !== 'object' || node === null) return [];
  if ('kind' in node && node.kind === 'Fetch') return [node as unknown as Fetch];
  return Object.values(node).flatMap(fetchesIn);
}
