import type { OperationResult } from '../../cache/responses/response-cache';
import { goneClient, type IncomingRequest } from '../../request/incoming-request';
import type { Engine, KnownOperation } from '../engine';
import type { Flow } from '../../subgraph-calls/contract/source';
import type { Audit } from '../../telemetry/audit/audit';
import { factsOfMutation, type MutationFacts } from '../../telemetry/audit/mutation-facts';

/** Wraps an engine so that its mutations are written to the audit trails. Queries are not affected. */
export function audited(engine: Engine, audit: Audit): Engine {
  const facts = new WeakMap<KnownOperation, MutationFacts>();

  const withRecord = (
    operation: KnownOperation,
    document: string,
    operationName: string | undefined,
  ): KnownOperation => ({
    ...operation,
    async run(variables, request, format) {
      let known = facts.get(operation);
      if (known === undefined) facts.set(operation, (known = factsOfMutation(document, operationName)));
      await admitted(audit, request);
      const record = (errors: readonly CodedError[]): void =>
        audit.mutation({ request, facts: known, variables, errors: codesOf(errors) });
      try {
        const answered = await operation.run(variables, request, format);
        if ('data' in answered) record(answered.errors);
        else return recordedAtEnd(answered, record);
        return answered;
      } catch (error) {
        record([error as CodedError]);
        throw error;
      }
    },
  });

  return {
    ...engine,
    learn(context) {
      const operation = engine.learn(context);
      const { source, request } = context;
      return operation.type === 'mutation'
        ? withRecord(operation, source, request.operationName ?? undefined)
        : operation;
    },
    known(document, operationName) {
      const operation = engine.known(document, operationName);
      return operation?.type === 'mutation' ? withRecord(operation, document, operationName) : operation;
    },
  };
}

/** A mutation that is answered in parts is recorded once, when it is over, with the errors of all parts. */
function recordedAtEnd(
  parts: Flow<OperationResult>,
  record: (errors: readonly CodedError[]) => void,
): Flow<OperationResult> {
  const errors: CodedError[] = [];
  let isRecorded = false;
  const end = (): void => {
    if (!isRecorded) record(errors);
    isRecorded = true;
  };
  return {
    async forEach(take) {
      try {
        await parts.forEach((part) => {
          errors.push(...part.errors);
          return take(part);
        });
      } catch (error) {
        errors.push(error as CodedError);
        throw error;
      } finally {
        end();
      }
    },
    close() {
      end();
      parts.close();
    },
  };
}

/** Waits until the audit trail has room for the record. A mutation whose deadline passes meanwhile is not run. */
async function admitted(audit: Audit, request: IncomingRequest): Promise<void> {
  await audit.ready();
  if (request.isGone) throw goneClient;
}

interface CodedError {
  readonly extensions?: { readonly [name: string]: unknown };
}

const codesOf = (errors: readonly CodedError[]): string[] =>
  errors.map(({ extensions }) => {
    const code = extensions?.['code'];
    return typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
  });
