import { readXRay, writeXRay, xRayTraceId } from '../../../../../gateway/telemetry/traces/x-ray';

const root = '1-67891233-abcdef012345678912345678';
const traceId = '67891233abcdef012345678912345678';
const spanId = '463ac35c9f6413ad';

it.each([
  [`Root=${root};Parent=${spanId};Sampled=1`, { traceId, spanId, isSampled: true }],
  [`Self=1-6789-x; Root=${root}; Parent=${spanId}; Sampled=0`, { traceId, spanId, isSampled: false }],
  [`Root=${root}`, { traceId, spanId: undefined, isSampled: undefined }],
  [`Root=${root};Parent=${'0'.repeat(16)}`, { traceId, spanId: undefined, isSampled: undefined }],
  [`Root=${root};Parent=nothing;Sampled=?`, { traceId, spanId: undefined, isSampled: undefined }],
])('reads %s', (header, context) => {
  expect(readXRay(header)).toEqual(context);
});

it.each([
  undefined,
  '',
  'Root=',
  `Root=2-67891233-abcdef012345678912345678`,
  `Root=${root}0`,
  `Root=${root.toUpperCase()}`,
  `Root=1-00000000-${'0'.repeat(24)};Parent=${spanId};Sampled=1`,
  `Parent=${spanId};Sampled=1`,
  `Root=${root};${'x=y;'.repeat(100)}`,
])('takes no trace from %s', (header) => {
  expect(readXRay(header)).toBeUndefined();
});

it('reads what it writes', () => {
  for (const isSampled of [true, false])
    expect(readXRay(writeXRay(traceId, spanId, isSampled))).toEqual({ traceId, spanId, isSampled });
});

it('makes trace ids that begin with the seconds', () => {
  expect(xRayTraceId('0123456789abcdef0123456789abcdef', 0x67891233 * 1000 + 999)).toBe(
    '6789123389abcdef0123456789abcdef',
  );
});
