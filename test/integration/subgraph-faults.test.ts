/** Subgraphs that fail, and what is done about it, over real sockets. */
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph, type TestSubgraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeEach(async () => {
  graph = await startSmallGraph();
});
afterEach(async () => {
  await gateway.stop();
  await graph.close();
});

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<void> {
  gateway = await startTestGateway({ ...options, supergraph: sourceOf(graph.supergraphSdl) });
}

const user = 'query User($id: ID!) { user(id: $id) { name reviews { rating } } }';
const fail =
  (status: number, headers: Record<string, string> = {}): NonNullable<TestSubgraph['answer']> =>
  (_, response) =>
    response.writeHead(status, headers).end();

it('asks a subgraph again that failed once, and nobody notices', async () => {
  await start();
  graph.reviews.answer = (_, response) => {
    graph.reviews.answer = undefined;
    response.destroy();
  };
  expect(await gateway.query(user, { id: 'u1' })).toEqual({
    data: { user: { name: 'Ada', reviews: [{ rating: 5 }, { rating: 3 }] } },
  });
  expect(graph.reviews.requests).toHaveLength(2);
  expect(await gateway.metrics()).toContain('weir_subgraph_retries_total{subgraph="reviews"} 1');
});

it('never sends a mutation again, not even when the connection was cut', async () => {
  await start();
  graph.accounts.answer = (_, response) => void response.destroy();
  const { errors } = await gateway.query('mutation { rename(id: "u1", name: "Ada L.") { name } }');
  expect(errors[0].extensions).toEqual({ code: 'SUBREQUEST_HTTP_ERROR', service: 'accounts' });
  expect(graph.accounts.requests).toHaveLength(1);
});

it('does not multiply the load of a subgraph that is down, and finds it when it is back', async () => {
  await start({ breaker: { pause: 100 } });
  graph.reviews.answer = fail(503);
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => gateway.query(user, { id: i % 2 === 0 ? 'u1' : 'u2' })),
    );
    for (const { data, errors } of answers) {
      expect(data.user).toMatchObject({ name: expect.any(String), reviews: null });
      expect(errors[0].extensions).toEqual({ code: 'SUBREQUEST_HTTP_ERROR', service: 'reviews' });
    }
  }
  expect(graph.reviews.requests.length).toBeLessThanOrEqual(440);
  expect(await gateway.metrics()).toContain('weir_subgraph_endpoints_open{subgraph="reviews"} 1');

  graph.reviews.answer = undefined;
  const deadline = performance.now() + 10_000;
  let last;
  do last = await gateway.query(user, { id: 'u1' });
  while (last.errors !== undefined && performance.now() < deadline);
  expect(last).toEqual({ data: { user: { name: 'Ada', reviews: [{ rating: 5 }, { rating: 3 }] } } });
  expect(await gateway.metrics()).toContain('weir_subgraph_endpoints_open{subgraph="reviews"} 0');
  expect(gateway.log.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining([
      'a circuit breaker opened: the endpoint is not called',
      'a circuit breaker closed: the endpoint is called again',
    ]),
  );
});

it('counts no endpoint as left alone that a new supergraph does not have', async () => {
  const source = sourceOf(graph.supergraphSdl);
  gateway = await startTestGateway({ supergraph: source });
  const open = async () =>
    /weir_subgraph_endpoints_open\{subgraph="reviews"\} (\d)/.exec(await gateway.metrics())?.[1];
  graph.reviews.answer = fail(503);
  while ((await open()) !== '1') await gateway.query(user, { id: 'u1' });
  graph.reviews.answer = undefined;
  source.report(graph.supergraphSdl.replace(graph.reviews.url, `${graph.reviews.url}?moved`));
  while ((await open()) !== '0') await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await gateway.query(user, { id: 'u1' })).errors).toBeUndefined();
});

it('says once for each reason that undici calls an endpoint, and counts each time', async () => {
  await start();
  graph.reviews.answer = (_, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.end('{"data":{"latestReviews":[{"rating":4}]}}');
  };
  const real = performance.now.bind(performance);
  const clock = jest.spyOn(performance, 'now');
  try {
    for (const minutes of [0, 2, 6]) {
      clock.mockImplementation(() => real() + minutes * 60_000);
      const data = { latestReviews: [{ rating: 4 }] };
      expect(await gateway.query('{ latestReviews { rating } }')).toEqual({ data });
    }
  } finally {
    clock.mockRestore();
  }
  expect(await gateway.metrics()).toContain(
    'weir_subgraph_strict_refusals_total{subgraph="reviews",reason="informational"} 3',
  );
  const lines = gateway.log.filter(({ msg }) => String(msg).includes('connections.strict'));
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'warn',
      subgraph: 'reviews',
      origin: new URL(graph.reviews.url).origin,
      reason: 'informational',
      response: 'is informational (1xx)',
      seconds: 60,
    }),
  ]);
});

it('tells a subgraph how many milliseconds are left', async () => {
  await start({ timeouts: { request: '2s', subgraph: '10s' } });
  await gateway.query(user, { id: 'u1' });
  const left = Number(graph.reviews.requests[0]!.headers['x-request-timeout']);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(2000);
});
