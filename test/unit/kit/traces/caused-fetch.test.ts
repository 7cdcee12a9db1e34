import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { causedFetch } from '../../../../kit/traces/caused-fetch';
import { recordSpans, traceId, traceparent } from '../../../support/recorded-spans';

let server: Server;
let url: string;
let port: number;
let received: IncomingHttpHeaders;
beforeAll(async () => {
  server = createServer((request, response) => {
    received = request.headers;
    response.writeHead(request.url === '/down' ? 503 : 200).end('here');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const cause = { correlationid: 'r1', traceparent, tracestate: 'a=1' };
const { tracer, spans, reset } = recordSpans();
beforeEach(reset);

it('adds the ids of the cause to the headers of the call', async () => {
  const answer = await causedFetch(cause, undefined)(`${url}/x`, { headers: { 'x-own': '1' } });
  expect(await answer.text()).toBe('here');
  expect(received).toMatchObject({ 'x-own': '1', 'x-request-id': 'r1', traceparent, tracestate: 'a=1' });
});

it('is a span, which is the parent of what is called, and has no query and no credentials', async () => {
  await causedFetch(cause, tracer)(`${url}/x?key=secret`, { method: 'POST', body: 'secret' });
  const [span] = spans();
  expect(received).toMatchObject({
    traceparent: `00-${traceId}-${span!.spanContext().spanId}-01`,
    'x-request-id': 'r1',
  });
  expect(span).toMatchObject({ name: 'POST /x', kind: 2, parentSpanContext: { traceId } });
  expect(span!.attributes).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': port,
    'url.full': `${url}/x`,
  });
});

it('fails with a status, and with the kind of an error', async () => {
  const fetch = causedFetch(cause, tracer);
  await fetch(`${url}/down`);
  await expect(fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow();
  expect(spans().map(({ status, attributes }) => [status.code, attributes['error.type']])).toEqual([
    [2, '503'],
    [2, 'AbortError'],
  ]);
});
