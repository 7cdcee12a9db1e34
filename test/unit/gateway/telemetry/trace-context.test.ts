import { readTrace } from '../../../../gateway/telemetry/trace-context';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

it.each([
  ['sampled', `00-${traceId}-${parentId}-01`],
  ['not sampled', `00-${traceId}-${parentId}-00`],
  ['of a later version, with more fields', `cc-${traceId}-${parentId}-01-more`],
])('keeps a trace as it came: %s', (_, traceparent) => {
  expect(readTrace(traceparent, 'a=1')).toEqual({ traceId, traceparent, tracestate: 'a=1' });
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
])('makes up no trace for %s', (_, traceparent) => {
  expect(readTrace(traceparent, 'a=1')).toBeUndefined();
});

it('hands on no state that is longer than what everybody must take', () => {
  const trace = readTrace(`00-${traceId}-${parentId}-01`, 'a='.padEnd(5000, 'x'));
  expect(trace).toMatchObject({ tracestate: undefined });
});
