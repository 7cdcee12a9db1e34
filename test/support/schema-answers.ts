import { type ExecutionResult, execute, type GraphQLSchema, parse, validate } from 'graphql';
import type { Json } from './running-gateway';

type Prepared = Pick<ExecutionResult, 'errors'> & { readonly document?: ReturnType<typeof parse> };

/** Answers as `graphql` of graphql-js does, but parses and validates each operation once: a gateway sends the same ones. */
export function schemaAnswers(schema: GraphQLSchema) {
  const known = new Map<string, Prepared>();
  return async (
    { query, variables, operationName }: Json,
    contextValue?: unknown,
  ): Promise<ExecutionResult> => {
    let prepared = known.get(query);
    if (prepared === undefined) {
      if (known.size >= 1000) known.clear();
      known.set(query, (prepared = prepare(schema, query)));
    }
    const { document, errors } = prepared;
    if (document === undefined) return { errors: errors! };
    return execute({ schema, document, variableValues: variables, operationName, contextValue });
  };
}

function prepare(schema: GraphQLSchema, query: string): Prepared {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: [error as never] };
  }
  const errors = validate(schema, document);
  return errors.length > 0 ? { errors } : { document };
}
