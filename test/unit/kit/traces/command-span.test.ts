import { recordCommand } from '../../../../kit/traces/command-span';
import { recordSpans, traceId, traceparent, unsampled } from '../../../support/recorded-spans';

const { tracer, spans, reset } = recordSpans();
beforeEach(reset);
const cause = { correlationid: 'r1', traceparent };
const command = { name: 'BatchGetItem', table: 'books', size: 3 };

it('has table, operation, number of keys and capacity of a command', async () => {
  const asked: object[] = [];
  const answer = { ConsumedCapacity: [{ TableName: 'books', CapacityUnits: 1.5 }] };
  const send = (measured: object) => Promise.resolve((asked.push(measured), answer));
  expect(await recordCommand(command, { tracer, cause, send })).toBe(answer);
  expect(asked).toEqual([{ ReturnConsumedCapacity: 'TOTAL' }]);
  expect(spans()[0]).toMatchObject({ name: 'BatchGetItem books', kind: 2, parentSpanContext: { traceId } });
  expect(spans()[0]!.attributes).toEqual({
    'db.system.name': 'aws.dynamodb',
    'db.operation.name': 'BatchGetItem',
    'db.operation.batch.size': 3,
    'db.collection.name': 'books',
    'aws.dynamodb.table_names': ['books'],
    'aws.dynamodb.consumed_capacity': ['{"TableName":"books","CapacityUnits":1.5}'],
  });
});

it('asks for nothing where the trace is not sampled', async () => {
  const send = (measured: object) => Promise.resolve(measured);
  const asked = await recordCommand(command, { tracer, cause: { ...cause, traceparent: unsampled }, send });
  expect(asked).toEqual({});
  expect(spans()).toEqual([]);
});

it.each([
  ['ThrottlingException', 2],
  // Who sends a condition expects that it may not hold.
  ['ConditionalCheckFailedException', 0],
])('says that it failed with %s', async (name, code) => {
  const error = Object.assign(new Error('secret'), { name });
  await expect(recordCommand(command, { tracer, cause, send: () => Promise.reject(error) })).rejects.toBe(
    error,
  );
  const [{ status, attributes }] = spans() as [ReturnType<typeof spans>[0]];
  expect(status).toEqual({ code });
  expect(attributes).toMatchObject({ 'db.response.status_code': name });
  expect(attributes['error.type']).toBe(code === 2 ? name : undefined);
});
