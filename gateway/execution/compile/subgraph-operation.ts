import { parse } from 'graphql';
import { type SubgraphOperation } from '../../subgraph-calls/contract/transport';
import { contextVariables } from './contexts';
import { type FetchNode } from './plan';
import { shapeOfOperation } from './read-shape';
import { type Shape } from './shape';
import { type TypeTable } from './type-table';

/** An operation for a subgraph, shared by all fetches of a program that send it. */
export interface FetchOperation {
  /** Its number in the program. Operations that differ only in the planner's operation name have one number. */
  readonly number: number;
  readonly request: SubgraphOperation;
  /** The document without the operation name: equal for equal operations. */
  readonly selection: string;
  /** The client's variables that it uses. */
  readonly variableUsages: readonly string[];
  /** Variables whose values come from ancestors (`@fromContext`). */
  readonly contextVariables: readonly string[];
  readonly outputRewrites: FetchNode['outputRewrites'];
  readonly getsEntities: boolean;
  readonly shape: Shape;
  /** The shape of the fetched objects: of the entities, or of `data` itself. */
  readonly result: Shape;
  /** The record layouts that its entities join. At a layout's index a cell keeps the first record that requested it. */
  readonly targets: Shape[];
}

/** What a fetch has of the operation of the client. */
export type ClientOperation = Pick<SubgraphOperation, 'clientName' | 'tally'>;

/** Compiles the operation of a fetch, or returns the equal one that another fetch has compiled. */
export function compileSubgraphOperation(
  node: FetchNode,
  types: TypeTable,
  operations: Map<string, FetchOperation>,
  client: ClientOperation = {},
): FetchOperation {
  const { serviceName: subgraph, operation: document, operationName: name, outputRewrites } = node;
  const { operationKind } = node;
  const kind = operationKind === 'mutation' || operationKind === 'subscription' ? operationKind : 'query';
  const getsEntities = node.requires !== undefined;
  const nameless = name === undefined ? document : document.replace(`${kind} ${name}`, kind);
  const key = JSON.stringify([subgraph, nameless, outputRewrites ?? []]);
  const known = operations.get(key);
  if (known !== undefined) return known;
  const shape = shapeOfOperation(parse(document, { noLocation: true }), getsEntities, outputRewrites, types);
  const compiled: FetchOperation = {
    number: operations.size,
    request: { subgraph, kind, document, name, bodyPrefix: bodyPrefixOf(document, name), ...client },
    selection: nameless,
    variableUsages: (node.variableUsages ?? []).filter((variable) => variable !== representationsVariable),
    contextVariables: contextVariables(node.contextRewrites),
    outputRewrites,
    getsEntities,
    shape,
    result: getsEntities ? shape.fields.get('_entities')!.child! : shape,
    targets: [],
  };
  operations.set(key, compiled);
  return compiled;
}

/** The planner's name of the variable that holds the representations. */
export const representationsVariable = 'representations';

export function bodyPrefixOf(document: string, name: string | undefined): Buffer {
  const operationName = name === undefined ? '' : `,"operationName":${JSON.stringify(name)}`;
  return Buffer.from(`{"query":${JSON.stringify(document)}${operationName},"variables":`);
}
