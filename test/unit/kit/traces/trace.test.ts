import { readTrace } from '../../../../kit/traces/trace';

const traceId = '0af7651916cd43dd8448eb211c80319c';

describe('readTrace', () => {
  it('hands on the trace of the caller as it came', () => {
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const { traceId: continued, propagation } = readTrace({ traceparent, tracestate: 'a=1' });
    expect(continued).toBe(traceId);
    expect(propagation).toMatchObject({ traceparent, tracestate: 'a=1' });
  });

  it.each([
    ['0'.repeat(31) + '1', '0'.repeat(15) + '1'],
    ['1' + '0'.repeat(31), '1' + '0'.repeat(15)],
  ])('continues a trace with an id of many zeros: %s', (id, span) => {
    expect(readTrace({ traceparent: `00-${id}-${span}-00` }).traceId).toBe(id);
  });

  it.each([
    undefined,
    `x00-${traceId}-b7ad6b7169203331-01`,
    `00-${traceId}-b7ad6b7169203331-01-more`,
    'nonsense',
    `00-${traceId}-b7ad6b7169203331`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-b7ad6b7169203331-01`,
  ])('makes up no trace when the caller says %s', (traceparent) => {
    const trace = readTrace({ ...(traceparent !== undefined && { traceparent }), tracestate: 'a=1' });
    expect(trace.traceId).toBeUndefined();
    expect(trace.propagation).toEqual({ 'x-request-id': trace.requestId });
  });

  it.each(['a', 'A-1_.:', 'x'.repeat(128)])('takes over the request id %s', (id) => {
    expect(readTrace({ 'x-request-id': id }).requestId).toBe(id);
  });

  it.each([undefined, '', ' ', 'a b', 'ü', 'x'.repeat(129), 'a\nb'])(
    'makes a request id instead of %j',
    (id) => {
      expect(readTrace({ 'x-request-id': id }).requestId).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});
