import { createMetrics, type Metrics } from '../../../../../gateway/telemetry/metrics/metrics';
import type { MeasuredRequest } from '../../../../../gateway/telemetry/statistics/request-statistics';

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics('https');
});
afterEach(() => metrics.close());

const lines = (start: string): string[] =>
  metrics
    .text()
    .split('\n')
    .filter((line) => line.startsWith(start));

const request = (given: Partial<MeasuredRequest> = {}): MeasuredRequest => ({
  head: { method: 'POST', url: '/graphql', headers: {} },
  ...{
    operation: undefined,
    earlierOperations: undefined,
    clientName: '',
    clientVersion: '',
    span: undefined,
    ...{ id: 'r1', codes: undefined, errors: undefined },
    ...{ cacheResult: undefined, callsSent: 0, graphLabel: undefined },
  },
  ...given,
});

const record = (given: Partial<MeasuredRequest> = {}, isOperation = true, status: number | undefined = 200) =>
  metrics.requests.record(request(given), isOperation ? '/graphql' : undefined, status, 0.0625);

const operationOf = (type: string, name: string | null) => ({ type, name, id: '' });

describe('the duration of requests', () => {
  const durations = 'http_server_request_duration_seconds';

  it('has the attributes and the buckets of the semantic conventions', () => {
    record();
    expect(lines(`${durations}_count`)).toEqual([
      `${durations}_count{http_request_method="POST",url_scheme="https",http_route="/graphql",http_response_status_code="200"} 1`,
    ]);
    const boundaries = lines(`${durations}_bucket`).map((line) => /le="([^"]*)"/.exec(line)![1]);
    expect(boundaries.join(' ')).toBe('0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf');
  });

  it('says the type of an error, and has no status if the client left', () => {
    record({}, true, 503);
    metrics.requests.record(request(), '/graphql', undefined, 1);
    expect(lines(`${durations}_count`).map((line) => /http_route="\/graphql",(.*)\}/.exec(line)![1])).toEqual(
      ['http_response_status_code="503",error_type="503"', 'error_type="client_disconnected"'],
    );
  });

  it('has no route for what is not the endpoint', () => {
    record({ head: { method: 'GET', url: '/made-up', headers: {} } }, false, 404);
    expect(lines(`${durations}_count`)).toEqual([
      `${durations}_count{http_request_method="GET",url_scheme="https",http_response_status_code="404"} 1`,
    ]);
  });

  it('counts methods that HTTP does not have together', () => {
    for (let i = 0; i < 100; i++)
      record({ head: { method: `MADE-${i}`, url: '/graphql', headers: {} } }, true, 405);
    expect(lines(`${durations}_count`)).toEqual([
      `${durations}_count{http_request_method="_OTHER",url_scheme="https",http_route="/graphql",http_response_status_code="405"} 100`,
    ]);
  });
});

it('counts operations by type and name', () => {
  record({ operation: operationOf('query', 'Page') });
  record({ operation: operationOf('query', null) });
  record({
    operation: operationOf('mutation', 'Page'),
    earlierOperations: [operationOf('query', 'Page')],
  });
  const count = 'weir_graphql_operation_duration_seconds_count';
  expect(lines(count)).toEqual([
    `${count}{graphql_operation_type="query",graphql_operation_name="Page"} 2`,
    `${count}{graphql_operation_type="query",graphql_operation_name="anonymous"} 1`,
    `${count}{graphql_operation_type="mutation",graphql_operation_name="Page"} 1`,
  ]);
});

it('has a bounded number of series, however many operations and clients there are', () => {
  for (let i = 0; i < 5_000; i++)
    record({
      operation: operationOf('query', `Made${i}`),
      ...{ clientName: `app-${i}`, clientVersion: 'é"\n' },
    });
  const operations = lines('weir_graphql_operation_duration_seconds_count');
  expect(operations).toHaveLength(101);
  expect(operations.at(-1)).toMatch(/name="other"\} 4900$/);
  const clients = lines('weir_client_requests_total');
  expect(clients).toHaveLength(102);
  expect(clients[0]).toBe('weir_client_requests_total 0');
  expect(clients[1]).toBe('weir_client_requests_total{client_name="app-0",client_version="?\\"?"} 1');
  expect(clients.at(-1)).toBe('weir_client_requests_total{client_name="other",client_version="other"} 4900');
});

it('writes no series twice, whatever clients and operations are called', () => {
  const names = ['other', 'anonymous', '', 'é', '?', 'x'.repeat(64)];
  for (const name of [...names, ...names])
    for (const version of names)
      record({
        operation: operationOf('query', name === '' ? null : name),
        ...{ clientName: name, clientVersion: version },
      });
  const series = lines('weir_').map((line) => line.slice(0, line.lastIndexOf(' ')));
  expect(new Set(series).size).toBe(series.length);
});
