import { isFailure } from '../../../../../gateway/telemetry/statistics/subgraph-durations';

it.each([
  ['POST', 200, false],
  ['POST', 404, true],
  ['GET', 404, false],
  ['GET', 410, false],
  ['GET', 400, true],
  ['GET', 503, true],
])('a %s with the status %i counts as failed: %s', (method, status, expected) => {
  expect(isFailure(status, method)).toBe(expected);
});
