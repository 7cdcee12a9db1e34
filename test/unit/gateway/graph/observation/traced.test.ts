import { beginPlan, noteErrors } from '../../../../../gateway/graph/observation/traced';
import { type PlannedOperation } from '../../../../../gateway/planning';
import { OperationMemory, PlanCache } from '../../../../../gateway/graph/operation-cache';
import type { Span } from '../../../../../gateway/telemetry/traces/span';
import { Trace, UndecidedSpans } from '../../../../../gateway/telemetry/traces/trace';
import { GraphQLError } from 'graphql';

const begin = (): Span =>
  new Trace(
    {
      ...{ newSpanId: () => '0'.repeat(16), take: () => undefined, drop: () => undefined },
      ...{ undecided: new UndecidedSpans(0), writeHeaders: () => ({}) },
    },
    { id: '0'.repeat(32), isSampled: true },
  ).begin('POST /graphql', 'server', 0, undefined);

it('says of a plan whether another request has asked for it already', async () => {
  const plans = new PlanCache<object>({
    make: () => Promise.resolve({}),
    ...{ cache: new OperationMemory(1e6).open(1), sizeOf: () => 1 },
  });
  const planned: PlannedOperation = { document: '{a}', documentHash: 'a', operationName: undefined };
  const results = [0, 1, 2].map(() => {
    const result = beginPlan({ span: begin() }, planned, plans)!.attributes['weir.plan.result'];
    void plans.get(planned, '127.0.0.1');
    return result;
  });
  expect(results).toEqual(['miss', 'waited', 'waited']);
  await plans.get(planned, '127.0.0.1');
  expect(plans.peek(planned)).toBeDefined();
});

it('notes the place and the code of each error, and nothing of what it says', () => {
  const span = begin();
  const error = new GraphQLError('planted-message', {
    path: ['a', 0, 'b'],
    extensions: { code: 'TIMEOUT', service: 'reviews', secret: 'planted-extension' },
  });
  noteErrors(span, { errors: [error], errorsLeftOut: 2 } as unknown as Parameters<typeof noteErrors>[1]);
  expect(span.attributes).toEqual({ 'weir.errors': 3, 'error.type': 'TIMEOUT' });
  expect(span.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    [
      'graphql.error',
      { 'graphql.path': 'a.0.b', 'weir.error.code': 'TIMEOUT', 'weir.subgraph.name': 'reviews' },
    ],
  ]);
  expect(span.hasFailed).toBe(true);
});
