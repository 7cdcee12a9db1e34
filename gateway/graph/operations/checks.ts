import { GraphQLError } from 'graphql';
import { RequestErrors } from '../../errors';
import type { IncomingRequest } from '../../request/incoming-request';
import { explainVariable } from '../../request/refusals/explain-variable';
import type { VariableValues } from '../../limits/variables';
import { charge, type CompiledOperation, variableErrors } from '../compiled-operation';
import { noteOperation } from '../observation/traced';
import type { OperationOptions, OperationParts } from './options';

/** Throws where this client may not run the operation with these variables. Counts its cost. */
export function checkOperation(
  { isDevelopment, limits, schema }: OperationOptions & OperationParts,
  compiled: CompiledOperation,
  variables: VariableValues,
  request: IncomingRequest,
): void {
  const refusal = compiled.refuse(variables, request.identity);
  if (refusal !== undefined) throw refusal;
  noteOperation(request, compiled, variables, limits);
  const wrong = variableErrors(schema, compiled, variables);
  if (wrong !== undefined)
    throw new RequestErrors(
      isDevelopment ? wrong : wrong.map(withoutHint),
      wrong.map((error) => explainVariable(schema, error, variables)),
    );
  charge(request, compiled.cost, variables);
}

/** Removes suggestions of schema names, as Apollo Server does outside of development. */
function withoutHint({ message, nodes, originalError }: GraphQLError): GraphQLError {
  // No regular expression: the message quotes text of the client, which may contain the beginning of a hint many times.
  const hint = message.endsWith('?') ? message.lastIndexOf(' Did you mean ') : -1;
  const text = hint === -1 ? message : message.slice(0, hint);
  return new GraphQLError(text, { nodes: nodes ?? null, originalError: originalError ?? null });
}
