import { buildSchema, getOperationAST, getVariableValues, GraphQLError, parse, validate } from 'graphql';
import { createPlanner } from './planning';
import { requestError } from './errors';

export interface ExplainOptions {
  readonly supergraphSdl: string;
  /** A GraphQL document. */
  readonly query: string;
  /** Which operation of the document; needed when it has several. */
  readonly operationName?: string | undefined;
  /** Checked against the operation when they are given. A plan does not depend on them. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

/** The plan as text, or why there is none: a syntax error, a field that does not exist, a variable that is missing. */
export type Explanation = { readonly plan: string } | { readonly errors: readonly GraphQLError[] };

/** Plans an operation without running it. Rejects when the supergraph does not build. */
export async function explainOperation(options: ExplainOptions): Promise<Explanation> {
  const { supergraphSdl, query, operationName, variables } = options;
  const planner = createPlanner({ supergraphSdl });
  try {
    const { apiSchemaSdl } = await planner.ready;
    const schema = buildSchema(apiSchemaSdl.join(''), { assumeValid: true, assumeValidSDL: true });
    const document = parse(query);
    const invalid = validate(schema, document);
    if (invalid.length > 0) return { errors: invalid };
    const operation = getOperationAST(document, operationName);
    if (operation == null) {
      const reason =
        operationName === undefined
          ? 'The document has several operations: name one.'
          : `The document has no operation "${operationName}".`;
      return { errors: [requestError('OPERATION_RESOLUTION_FAILURE', { reason })] };
    }
    if (variables !== undefined) {
      const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
      if (errors !== undefined) return { errors };
    }
    return { plan: await planner.describe(query, operationName) };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [error] };
    throw error;
  } finally {
    await planner.close();
  }
}
