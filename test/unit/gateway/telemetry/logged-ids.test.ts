import { loggedIds } from '../../../../gateway/telemetry/logged-ids';

it('the ids of a request without a trace are its own alone', () => {
  expect(loggedIds({ tracing: { 'x-request-id': 'r1' } })).toEqual({ requestId: 'r1' });
});

it('the trace is that of the header for subgraphs', () => {
  const traceparent = '00-a3ce929d0e0e4736a3ce929d0e0e4736-00f067aa0ba902b7-00';
  expect(loggedIds({ tracing: { 'x-request-id': 'r1', traceparent } })).toEqual({
    ...{ requestId: 'r1', traceId: 'a3ce929d0e0e4736a3ce929d0e0e4736' },
  });
});
