import { readTrace } from '../../../../gateway/telemetry/trace-context';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

it.each([
  ['sampled', `00-${traceId}-${parentId}-01`, '01'],
  ['not sampled', `00-${traceId}-${parentId}-00`, '00'],
  ['with flags that are not known', `00-${traceId}-${parentId}-fe`, '02'],
  ['of a later version, with more fields', `cc-${traceId}-${parentId}-01-more`, '01'],
])('writes a trace anew from its ids and known flags: %s', (_, sent, flags) => {
  const traceparent = `00-${traceId}-${parentId}-${flags}`;
  expect(readTrace(sent, 'a=1')).toEqual({ traceId, traceparent, tracestate: 'a=1' });
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
  ['a later version with what no header may have', `cc-${traceId}-${parentId}-01-\u2603`],
])('makes up no trace for %s', (_, traceparent) => {
  expect(readTrace(traceparent, 'a=1')).toBeUndefined();
});

it.each([
  ['is longer than what everybody must take', 'a='.padEnd(5000, 'x')],
  ['would end its header', 'a=1\r\nx: y'],
  ['no header may have', 'a=\u2603'],
])('hands on no state that %s', (_, tracestate) => {
  expect(readTrace(`00-${traceId}-${parentId}-01`, tracestate)).toMatchObject({ tracestate: undefined });
});
