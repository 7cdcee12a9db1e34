import { formatTraceparent, startTrace } from '../../../../gateway/telemetry/trace-context';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

it("continues the caller's trace with a span of its own", () => {
  const trace = startTrace(`00-${traceId}-${parentId}-01`, 'a=1');
  expect(trace).toEqual({
    traceId,
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    flags: '01',
    state: 'a=1',
  });
  expect(trace.spanId).not.toBe(parentId);
  expect(formatTraceparent(trace)).toBe(`00-${traceId}-${trace.spanId}-01`);
});

it('reads a later version by its first four fields', () => {
  expect(startTrace(`cc-${traceId}-${parentId}-01-more`, undefined).traceId).toBe(traceId);
});

it.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['a forbidden version', `ff-${traceId}-${parentId}-01`],
  ['a version 00 with more fields', `00-${traceId}-${parentId}-01-more`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
  ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${traceId.toUpperCase()}-${parentId}-01`],
  ['a line break', `00-${traceId}-${parentId}-01\r\nx: y`],
])('begins a new trace, without state, for %s', (_, traceparent) => {
  const trace = startTrace(traceparent, 'a=1');
  expect(trace).toMatchObject({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    flags: '00',
    state: undefined,
  });
  expect(trace.traceId).not.toBe(traceId);
});

it('hands on no state that is longer than what everybody must take', () => {
  expect(startTrace(`00-${traceId}-${parentId}-01`, 'a='.padEnd(5000, 'x')).state).toBeUndefined();
});
