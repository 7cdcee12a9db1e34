import { createHash } from 'node:crypto';
import type { ApolloServerPlugin, GraphQLRequestContextDidEncounterErrors } from '@apollo/server';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
} from 'graphql';
import type { OperationContext } from '../../graph/engine';
import { isMap } from '../../options/is-map';
import { codeForStatus } from '../answers/format-error';
import type { IncomingRequest } from '../incoming-request';
import { explainDocument } from './explain-document';
import { explainError } from './explain-error';
import { longestDocument, type Refusal, type RefusedOperation, shortened } from './refusal';

export const refusalPlugin = (): ApolloServerPlugin<OperationContext> => ({
  requestDidStart: () =>
    Promise.resolve({
      didEncounterErrors: (context) => {
        // A valid one is refused by `partsNotTaken`, with a better reason.
        if (context.operation?.operation !== OperationTypeNode.SUBSCRIPTION) noteRefused(context);
        return Promise.resolve();
      },
    }),
});

function noteRefused(context: GraphQLRequestContextDidEncounterErrors<OperationContext>): void {
  const { contextValue, document, errors, request: sent, schema, source } = context;
  const { request } = contextValue;
  const operation = source === undefined ? undefined : refusedOperation(source, sent.operationName, document);
  if (operation !== undefined) request.refusedOperation = operation;
  const isInvalid = errors[0]?.extensions['code'] === 'GRAPHQL_VALIDATION_FAILED';
  if (isInvalid && document !== undefined) request.noteRefusals(explainOnce(schema, document, operation!.id));
  else request.noteRefusals(errors.map((error) => named(explainError(withOwnCode(error)), sent.extensions)));
}

/** Explaining takes as long as validating: a client that is out of date sends the same documents again and again. */
function explainOnce(schema: GraphQLSchema, document: DocumentNode, id: string): readonly Refusal[] {
  let known = explained.get(schema);
  if (known === undefined) explained.set(schema, (known = new Map<string, readonly Refusal[]>()));
  let refusals = known.get(id);
  if (refusals !== undefined) return refusals;
  refusals = explainDocument(schema, document);
  if (known.size === mostExplained) known.delete(known.keys().next().value!);
  known.set(id, refusals);
  return refusals;
}

/** By the hash of the document. */
const explained = new WeakMap<GraphQLSchema, Map<string, readonly Refusal[]>>();
const mostExplained = 200;

/** A refused operation. @param document undefined where it was not parsed */
export function refusedOperation(
  source: string,
  operationName: unknown,
  document?: DocumentNode,
): RefusedOperation {
  const operations = (document?.definitions ?? []).filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const operation = operations.find((each) => each.name?.value === operationName) ?? operations[0];
  const name = operation === undefined ? nameFrom(operationName) : operation.name?.value;
  const isKept = document !== undefined && source.length <= longestDocument;
  return {
    id: createHash('sha256').update(source).digest('hex'),
    name: name === undefined ? null : shortened(name),
    type: operation?.operation ?? '',
    ...(isKept && { document: source }),
  };
}

/** The name in the request, if it is one: nothing has checked it. */
const nameFrom = (name: unknown): string | undefined =>
  typeof name === 'string' && name.length <= 1000 && /^[_A-Za-z]\w*$/.test(name) ? name : undefined;

/** Notes the errors of an answer of Apollo Server to a request without operations: those of others are known. */
export function noteInvalidRequest(
  request: Pick<IncomingRequest, 'refusals' | 'noteRefusals'>,
  answer: unknown,
): void {
  if (request.refusals !== undefined) return;
  const { errors = [] } = (isMap(answer) ? answer : {}) as {
    readonly errors?: readonly GraphQLFormattedError[];
  };
  request.noteRefusals(
    errors.map(({ message, extensions }) =>
      explainError(new GraphQLError(message, { extensions: extensions ?? {} })),
    ),
  );
}

function withOwnCode(error: GraphQLError): GraphQLError {
  const code = codeForStatus(error.extensions);
  return code === undefined ? error : new GraphQLError(error.message, { extensions: { code } });
}

/** Names an operation that is not known by the beginning of its hash. */
function named(refusal: Refusal, extensions: unknown): Refusal {
  const persisted = isMap(extensions) ? extensions['persistedQuery'] : undefined;
  const hash = isMap(persisted) ? persisted['sha256Hash'] : undefined;
  if (
    refusal.code !== 'PERSISTED_QUERY_NOT_FOUND' ||
    typeof hash !== 'string' ||
    !/^[0-9a-f]{64}$/.test(hash)
  )
    return refusal;
  return { ...refusal, message: `The gateway knows no operation with the hash \`${hash.slice(0, 8)}…\`.` };
}
