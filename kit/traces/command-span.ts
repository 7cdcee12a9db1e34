import { type Command } from '../table/commands';
import { type Cause } from '../events/event';
import { errorTypeOf, type Tracer } from './tracer';

/** A part of the input of a command, which asks for the capacity that it consumes. */
export interface CapacityRequest {
  readonly ReturnConsumedCapacity?: 'TOTAL';
}

/** Sends a command of DynamoDB as a span, which has no key and no value. */
export async function recordCommand<Result>(
  { name, table, size }: Command,
  {
    tracer,
    cause,
    send,
  }: {
    readonly tracer: Tracer;
    readonly cause: Cause;
    readonly send: (measured: CapacityRequest) => Promise<Result>;
  },
): Promise<Result> {
  const span = tracer.begin(`${name} ${table}`, {
    ...{ kind: 'client', cause },
    attributes: {
      'db.system.name': 'aws.dynamodb',
      'db.operation.name': name,
      'db.collection.name': table,
      'aws.dynamodb.table_names': [table],
      ...(size > 1 && { 'db.operation.batch.size': size }),
    },
  });
  try {
    const answer = await send(span.isRecording ? { ReturnConsumedCapacity: 'TOTAL' } : {});
    const { ConsumedCapacity: capacity } = answer as { readonly ConsumedCapacity?: unknown };
    if (capacity !== undefined)
      span.set({
        'aws.dynamodb.consumed_capacity': [capacity].flat().map((each) => JSON.stringify(each)),
      });
    return answer;
  } catch (error) {
    const type = errorTypeOf(error);
    span.set({ 'db.response.status_code': type });
    // A condition that does not hold is an answer.
    if (type !== 'ConditionalCheckFailedException') span.fail(type);
    throw error;
  } finally {
    span.end();
  }
}
