import { parse } from 'graphql';
import { type OperationKind, type SubgraphOperation } from '../../subgraph-calls/transport';
import { contextVariables } from './contexts';
import { type FetchNode } from './plan';
import { type Shape, shapeOfOperation } from './shape';
import { type TypeTable } from './type-table';

/** What the fetches of a program have in common that send the same operation to the same subgraph. */
export interface CompiledOperation {
  /** Equal for fetches that ask the same, but for the name that the planner gave the operation. */
  readonly number: number;
  readonly request: SubgraphOperation;
  /** The document without its name: equal exactly where the same is asked. */
  readonly selection: string;
  /** Variables of the client's. */
  readonly variableUsages: readonly string[];
  /** Variables whose values come from objects around. */
  readonly contextVariables: readonly string[];
  readonly outputRewrites: FetchNode['outputRewrites'];
  readonly asksEntities: boolean;
  /** Of `data`. */
  readonly shape: Shape;
  /** Of the objects that the fetch is about: the entities, or `data` itself. */
  readonly result: Shape;
  /** The record layouts that its entities join; the index of one is where a cell remembers its first asker. */
  readonly targets: Shape[];
}

/** Compiles the operation of a fetch, or finds that it was compiled for another. */
export function compileSubgraphOperation(
  node: FetchNode,
  types: TypeTable,
  operations: Map<string, CompiledOperation>,
): CompiledOperation {
  const { serviceName: subgraph, operation: document, operationName: name, outputRewrites } = node;
  const kind = kindOf(node);
  const asksEntities = node.requires !== undefined;
  const nameless = name === undefined ? document : document.replace(`${kind} ${name}`, kind);
  const key = JSON.stringify([subgraph, nameless, outputRewrites ?? []]);
  const known = operations.get(key);
  if (known !== undefined) return known;
  const shape = shapeOfOperation(parse(document, { noLocation: true }), asksEntities, outputRewrites, types);
  const compiled: CompiledOperation = {
    number: operations.size,
    request: {
      subgraph,
      kind,
      document,
      name,
      bodyPrefix: bodyPrefixOf(document, name),
    },
    selection: nameless,
    variableUsages: (node.variableUsages ?? []).filter((variable) => variable !== representationsVariable),
    contextVariables: contextVariables(node.contextRewrites),
    outputRewrites,
    asksEntities,
    shape,
    result: asksEntities ? shape.fields.get('_entities')!.child! : shape,
    targets: [],
  };
  operations.set(key, compiled);
  return compiled;
}

function kindOf({ operationKind: kind }: FetchNode): OperationKind {
  return kind === 'mutation' || kind === 'subscription' ? kind : 'query';
}

/** What the planner calls the variable of the entities that an operation is about. */
export const representationsVariable = 'representations';

export function bodyPrefixOf(document: string, name: string | undefined): Buffer {
  const operationName = name === undefined ? '' : `,"operationName":${JSON.stringify(name)}`;
  return Buffer.from(`{"query":${JSON.stringify(document)}${operationName},"variables":`);
}
