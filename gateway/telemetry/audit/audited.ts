import { OperationTypeNode } from 'graphql';
import type { Executor, KnownOperation } from '../../executor';
import { ClientGone, type ClientRequest } from '../../client-request';
import type { Audit } from './audit';
import { factsOfMutation, type MutationFacts } from './mutation-facts';

/** Has the mutations that an executor runs written to the audit trails. Nothing is done for queries. */
export function audited(executor: Executor, audit: Audit): Executor {
  const facts = new WeakMap<KnownOperation, MutationFacts>();

  const auditKnown = (
    operation: KnownOperation,
    document: string,
    operationName: string | undefined,
  ): KnownOperation => ({
    ...operation,
    prepare(variables, client) {
      const start = operation.prepare(variables, client);
      if (start === undefined) return undefined;
      let known = facts.get(operation);
      if (known === undefined) facts.set(operation, (known = factsOfMutation(document, operationName)));
      const done = known;
      return async () => {
        await admitted(audit, client);
        const record = (errors: readonly CodedError[]): void =>
          audit.mutation({ client, facts: done, variables, errors: codesOf(errors) });
        return recorded(start(), ({ errors }) => errors, record);
      };
    },
  });

  return {
    ...executor,
    async execute(request) {
      if (request.operation.operation !== OperationTypeNode.MUTATION) return executor.execute(request);
      const { client } = request.context;
      await admitted(audit, client);
      const { variables = {}, operationName } = request.request;
      const done = factsOfMutation(request.source, operationName ?? undefined);
      return recorded(
        executor.execute(request),
        ({ errors = [] }) => errors,
        (errors) => audit.mutation({ client, facts: done, variables, errors: codesOf(errors) }),
      );
    },
    known(document, operationName) {
      const operation = executor.known(document, operationName);
      return operation?.type === 'mutation' ? auditKnown(operation, document, operationName) : operation;
    },
  };
}

/** Waits until there is room for the record. What has taken too long by then is not run: its client was told so. */
async function admitted(audit: Audit, client: ClientRequest): Promise<void> {
  await audit.ready();
  if (client.isGone) throw new ClientGone();
}

interface CodedError {
  readonly extensions?: { readonly [name: string]: unknown };
}

const codesOf = (errors: readonly CodedError[]): string[] =>
  errors.map(({ extensions }) => {
    const code = extensions?.['code'];
    return typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
  });

/** Records what came of a mutation, also when nothing did. */
async function recorded<Result>(
  running: Promise<Result>,
  errorsOf: (result: Result) => readonly CodedError[],
  record: (errors: readonly CodedError[]) => void,
): Promise<Result> {
  try {
    const result = await running;
    record(errorsOf(result));
    return result;
  } catch (error) {
    record([error as CodedError]);
    throw error;
  }
}
