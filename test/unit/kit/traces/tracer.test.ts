import { SubgraphError } from '../../../../kit';
import { during, errorTypeOf } from '../../../../kit/traces/tracer';
import { recordSpans, traceId, traceparent, unsampled } from '../../../support/recorded-spans';

const { tracer, spans, reset } = recordSpans();
beforeEach(reset);

describe('a span', () => {
  it('is in the trace of its cause, and is the cause of what is done within it', () => {
    const span = tracer.begin('one', {
      kind: 'server',
      cause: { traceparent, tracestate: 'a=1' },
      attributes: {},
    });
    expect(span.causing('r1')).toEqual({
      correlationid: 'r1',
      traceparent: `00-${traceId}-${span.id}-01`,
      tracestate: 'a=1',
    });
    span.end();
    expect(spans()[0]).toMatchObject({
      name: 'one',
      parentSpanContext: { traceId, spanId: 'b7ad6b7169203331' },
    });
  });

  it.each([undefined, {}, { traceparent: 'nonsense' }])('begins a trace without one: %j', (cause) => {
    const span = tracer.begin('one', { cause, attributes: {} });
    expect(span.causing('r1')).toEqual({
      correlationid: 'r1',
      traceparent: `00-${span.traceId}-${span.id}-01`,
    });
    span.end();
    expect(spans()[0]!.parentSpanContext).toBeUndefined();
  });

  it('records nothing where its trace is not sampled, and hands that on', () => {
    const span = tracer.begin('one', { cause: { traceparent: unsampled }, attributes: {} });
    expect(span.isRecording).toBe(false);
    expect(span.traceparent).toBe(`00-${traceId}-${span.id}-00`);
    span.fail('BAD');
    span.end();
    expect(spans()).toEqual([]);
  });

  it('links to what has a trace', () => {
    tracer.begin('one', { links: [{ traceparent }, {}], attributes: {} }).end();
    expect(spans()[0]!.links).toMatchObject([{ context: { traceId, spanId: 'b7ad6b7169203331' } }]);
  });

  it('ends with an action, and fails with it', async () => {
    expect(await during(tracer.begin('good', { attributes: {} }), async () => 1)).toBe(1);
    const bad = during(tracer.begin('bad', { attributes: {} }), () =>
      Promise.reject(new TypeError('secret')),
    );
    await expect(bad).rejects.toThrow('secret');
    expect(spans().map(({ name, status, attributes }) => ({ name, ...status, ...attributes }))).toEqual([
      { name: 'good', code: 0 },
      { name: 'bad', code: 2, 'error.type': 'TypeError' },
    ]);
  });
});

it.each([
  [new SubgraphError('NOT_FOUND', 'There is no secret.'), 'NOT_FOUND'],
  [Object.assign(new Error('secret'), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [
    new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    'ECONNREFUSED',
  ],
  [new RangeError('secret'), 'RangeError'],
  ['secret', '_OTHER'],
])('the type of %s is %s', (error, type) => {
  expect(errorTypeOf(error)).toBe(type);
});
