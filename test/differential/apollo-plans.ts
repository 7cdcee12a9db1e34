/** What Apollo's planner finds: an oracle for operations that Weir's refuses. */
import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
// Comes with `@apollo/gateway`.
import { QueryPlanner } from '@apollo/query-planner';
import { type RandomOperation } from '../support/random-operation';
import { type Graph } from './systems';

const planners = new WeakMap<Graph, QueryPlanner>();

/** Whether it finds no plan either: composition lets pass some graphs in which a field cannot be reached. */
export function cannotBePlanned(graph: Graph, { document, operationName }: RandomOperation): boolean {
  let planner = planners.get(graph);
  if (planner === undefined)
    planners.set(graph, (planner = new QueryPlanner(Supergraph.build(graph.supergraphSdl))));
  const schema = Supergraph.build(graph.supergraphSdl).apiSchema();
  try {
    planner.buildQueryPlan(
      operationFromDocument(schema, document, operationName === undefined ? {} : { operationName }),
    );
    return false;
  } catch (error) {
    return (error as Error).message.includes('not able to find any options');
  }
}
