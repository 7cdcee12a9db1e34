import { type OptionsInput, parseOptions } from '../../../../gateway/options';

const traces = { datadog: true, xRay: true };

it.each<[string, OptionsInput]>([
  ['headers.forward.1', { headers: { forward: ['x-*', 'X-Datadog-Trace-Id'] } }],
  ['headers.rename.x-mine', { headers: { rename: { 'x-mine': 'x-datadog-parent-id' } } }],
  ['headers.set.x-datadog-tags', { headers: { set: { 'x-datadog-tags': 'a' } } }],
  [
    'subgraphs.a.headers.defaults.x-datadog-sampling-priority',
    { subgraphs: { a: { headers: { defaults: { 'x-datadog-sampling-priority': '2' } } } } },
  ],
  [
    'subgraphs.a.headers.claims.x-datadog-tags',
    { subgraphs: { a: { headers: { claims: { 'x-datadog-tags': 'sub' } } } } },
  ],
  ['headers.operationName', { headers: { operationName: 'x-datadog-tags' } }],
  ['calls.sharedHeaders.0', { calls: { sharedHeaders: ['x-datadog-trace-id'] } }],
])('are refused as `%s` where traces are those of Datadog', (option, more) => {
  expect(() => parseOptions({ telemetry: { traces }, ...more })).toThrow(
    `\`${option}\` must not be a header that \`telemetry.traces.datadog\` writes`,
  );
  expect(() => parseOptions(more)).not.toThrow();
});

it('is refused where traces are those of X-Ray', () => {
  const headers = { forward: ['x-amzn-trace-id'] };
  expect(() => parseOptions({ telemetry: { traces }, headers })).toThrow(
    '`headers.forward.0` must not be a header that `telemetry.traces.xRay` writes',
  );
  expect(() => parseOptions({ headers })).not.toThrow();
});

it('may be forwarded if the gateway does not write it, or under another name', () => {
  const headers = { forward: ['x-datadog-origin', 'x-*'], rename: { 'x-datadog-trace-id': 'x-sent' } };
  expect(() => parseOptions({ telemetry: { traces }, headers })).not.toThrow();
});
