import { readDatadog, writeDatadog } from '../../../../../gateway/telemetry/traces/datadog';

const high = '67891233000000ab';
const low = 'f000000000000001';
const spanId = '463ac35c9f6413ad';

const sent = {
  'x-datadog-trace-id': '17293822569102704641',
  'x-datadog-parent-id': '5060571933882717101',
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': `_dd.p.dm=-4,_dd.p.tid=${high}`,
};
const context = { traceId: high + low, spanId, isSampled: true };

it.each([
  ['ids of 128 bits', {}, {}],
  ['priority 2, of a user', { 'x-datadog-sampling-priority': '2' }, {}],
  ['priority 0', { 'x-datadog-sampling-priority': '0' }, { isSampled: false }],
  ['priority -1, of a user', { 'x-datadog-sampling-priority': '-1' }, { isSampled: false }],
  ['no priority', { 'x-datadog-sampling-priority': undefined }, { isSampled: undefined }],
  ['a priority that is no number', { 'x-datadog-sampling-priority': 'keep' }, { isSampled: undefined }],
  ['an id of 64 bits', { 'x-datadog-tags': undefined }, { traceId: '0'.repeat(16) + low }],
  ['tags that say something else', { 'x-datadog-tags': '_dd.p.tid' }, { traceId: '0'.repeat(16) + low }],
  [
    'upper bits in capital letters',
    { 'x-datadog-tags': `_dd.p.tid=${high.toUpperCase()}` },
    { traceId: '0'.repeat(16) + low },
  ],
  [
    'tags longer than Datadog sends',
    { 'x-datadog-tags': `${'_dd.p.x=y,'.repeat(60)}_dd.p.tid=${high}` },
    { traceId: '0'.repeat(16) + low },
  ],
  ['no parent', { 'x-datadog-parent-id': '0' }, { spanId: undefined }],
])('reads %s', (_, headers, fields) => {
  expect(readDatadog({ ...sent, ...headers })).toEqual({ ...context, ...fields });
});

it.each([undefined, '', '0', '-1', '1.5', '0x1f', '1, 2', '18446744073709551616', '9'.repeat(21)])(
  'takes no trace from the id %s',
  (id) => {
    expect(readDatadog({ ...sent, 'x-datadog-trace-id': id })).toBeUndefined();
  },
);

it('writes nothing that it has read as text', () => {
  expect(writeDatadog(context.traceId, spanId, true)).toEqual({
    ...sent,
    'x-datadog-tags': `_dd.p.tid=${high}`,
  });
  expect(writeDatadog('0'.repeat(16) + low, spanId, false)).toEqual({
    'x-datadog-trace-id': '17293822569102704641',
    'x-datadog-parent-id': '5060571933882717101',
    'x-datadog-sampling-priority': '0',
  });
});

it('reads what it writes', () => {
  for (const isSampled of [true, false])
    expect(readDatadog(writeDatadog(context.traceId, spanId, isSampled))).toEqual({ ...context, isSampled });
});
