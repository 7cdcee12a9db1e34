import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { eventually } from '../support/process';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';
import { within } from '../support/times';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
});

beforeEach(() => {
  graph.accounts.requests.length = 0;
  graph.accounts.answer = undefined;
});

afterEach(() => gateway.stop());
afterAll(() => graph.close());

const start = async (options: Parameters<typeof startTestGateway>[0] = {}) => {
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), ...options });
};

/** Lets accounts wait with its answer; resolves when it was asked. */
function holdAccounts(): Promise<ServerResponse> {
  return new Promise((asked) => {
    graph.accounts.answer = (_, response) => asked(response);
  });
}

const answerMe = (response: ServerResponse) =>
  response.setHeader('content-type', 'application/json').end('{"data":{"me":{"name":"Ada"}}}');

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((turn) => setImmediate(turn));
}

describe('while it stops', () => {
  it('finishes what is in flight, and takes no new connection', async () => {
    await start();
    const held = holdAccounts();
    const inFlight = gateway.post({ query: '{ me { name } }' });
    const response = await held;
    const stopped = gateway.stop();
    await eventually(async () => {
      const error: unknown = await fetch(gateway.url).catch((failure: unknown) => (failure as Error).cause);
      return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    });
    answerMe(response);
    expect(await (await inFlight).json()).toEqual({ data: { me: { name: 'Ada' } } });
    await stopped;
  });

  it('answers all who have connected, also those that it has not accepted yet', async () => {
    await start();
    const { hostname, port } = new URL(gateway.url);
    const body = '{"query":"{ me { name } }"}';
    const request = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const clients = Array.from({ length: 20 }, async () => {
      const socket = connect(Number(port), hostname);
      socket.on('connect', () => socket.write(request));
      return (await text(socket)).split('\r\n\r\n')[1];
    });
    // The system has accepted them then; the gateway needs turns of its loop.
    await new Promise((connecting) => process.nextTick(connecting));
    const stopped = gateway.stop();
    expect(new Set(await Promise.all(clients))).toEqual(new Set(['{"data":{"me":{"name":"Ada"}}}']));
    await stopped;
  });

  it('is not ready at once, and goes on answering until load balancers know', async () => {
    await start({ shutdown: { delay: 200 } });
    const stopped = gateway.stop();
    const ready = await fetch(new URL('/health/ready', gateway.url));
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not ready', reasons: ['shutting down'] },
    ]);
    expect((await fetch(new URL('/health/live', gateway.url))).status).toBe(200);
    expect(await gateway.query('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
    await stopped;
  });

  it('answers probes on the port for health until the last request is answered', async () => {
    await start({ health: { port: 0 } });
    const held = holdAccounts();
    const at = (path: string): Promise<Response> => fetch(`${gateway.healthUrl}/health/${path}`);
    expect((await at('ready')).status).toBe(200);
    const asked = gateway.query('{ me { name } }');
    const response = await held;
    const stopped = gateway.stop();
    expect([(await at('ready')).status, (await at('live')).status]).toEqual([503, 200]);
    answerMe(response);
    expect(await asked).toEqual({ data: { me: { name: 'Ada' } } });
    await stopped;
    await expect(at('live')).rejects.toThrow();
  });

  it('answers what has come on a connection that was idle, and says that it is the last', async () => {
    await start();
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    const body = '{"query":"{ me { name } }"}';
    const request = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const answers = () => text.split('{"data":{"me":{"name":"Ada"}}}').length - 1;
    socket.write(request);
    await until(() => answers() === 1);
    expect(text).not.toMatch(/connection: close/i);
    socket.write(request);
    const stopped = gateway.stop();
    await once(socket, 'close');
    expect(answers()).toBe(2);
    expect(text).toMatch(/connection: close/i);
    await stopped;
  });

  it('tells what hangs that the grace is over, and ends', async () => {
    await start({ shutdown: { grace: 100 } });
    const held = holdAccounts();
    const hanging = gateway.post({ query: '{ me { name } }' });
    await held;
    const began = performance.now();
    await gateway.stop();
    expect(performance.now() - began).toBeLessThan(within(1000));
    const answer = await hanging;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'SHUTTING_DOWN' } }] });
  });

  it('closes connections that are idle, or that no request came on yet', async () => {
    await start();
    await gateway.query('{ me { name } }');
    const { hostname, port } = new URL(gateway.url);
    const unused = connect(Number(port), hostname);
    await once(unused, 'connect');
    const began = performance.now();
    await gateway.stop();
    expect(performance.now() - began).toBeLessThan(within(1000));
  });
});

it('leaves nothing behind that listens, however many have run in a process', async () => {
  const listeners = () =>
    Object.fromEntries(process.eventNames().map((name) => [name, process.listenerCount(name)]));
  // With the log that a gateway has by itself, to standard output.
  const options = { logDestination: undefined, logging: { level: 'silent' } } as const;
  await start(options);
  const ofOne = listeners();
  const others = await Promise.all(
    Array.from({ length: 11 }, () =>
      startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), ...options }),
    ),
  );
  expect(listeners()).toEqual(ofOne);
  await Promise.all([gateway, ...others].map((each) => each.stop()));
  expect(listeners()).toEqual(ofOne);
});

describe('the deadline of a request', () => {
  it('is answered with 504 in time, and ends the calls that run for it', async () => {
    await start({ timeouts: { request: 1000 } });
    // An operation that is known gets to its call in time, also on a busy machine.
    await eventually(async () => (await gateway.post({ query: '{ me { name } }' })).status === 200);
    graph.accounts.requests.length = 0;
    const held = holdAccounts();
    const began = performance.now();
    const answer = await gateway.post({ query: '{ me { name } }' });
    const took = performance.now() - began;
    expect(answer.status).toBe(504);
    expect(await answer.json()).toEqual({
      errors: [{ message: 'The request took longer than 1000 ms.', extensions: { code: 'GATEWAY_TIMEOUT' } }],
    });
    expect(took).toBeGreaterThanOrEqual(995);
    expect(took).toBeLessThan(within(1100));
    await held;
    await until(() => graph.accounts.requests[0]!.aborted);
  });

  it('is 504 also when its calls are given up before its own timer comes, as on a busy machine', async () => {
    await start({ timeouts: { request: 200 } });
    const { setTimeout: setTimer } = globalThis;
    const late = jest.spyOn(globalThis, 'setTimeout');
    late.mockImplementation((callback, delay = 0) =>
      setTimer(callback, delay > 150 && delay <= 200 ? delay + 500 : delay),
    );
    try {
      void holdAccounts();
      const answer = await gateway.post({ query: '{ me { name } }' });
      expect([answer.status, await answer.json()]).toMatchObject([
        504,
        { errors: [{ extensions: { code: 'GATEWAY_TIMEOUT' } }] },
      ]);
    } finally {
      late.mockRestore();
    }
  });

  it('is not that of a subgraph, whose fields are null in an answer with 200', async () => {
    await start({ timeouts: { request: '10s', subgraph: 100 } });
    void holdAccounts();
    const answer = await gateway.post({ query: '{ me { name } }' });
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { data: { me: null }, errors: [{ extensions: { code: 'GATEWAY_TIMEOUT', service: 'accounts' } }] },
    ]);
  });
});

describe('a client that leaves', () => {
  it('ends the calls that run for it', async () => {
    await start();
    const held = holdAccounts();
    const leaving = new AbortController();
    const answer = gateway.post({ query: '{ me { name } }' }, { signal: leaving.signal });
    await held;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await until(() => graph.accounts.requests[0]!.aborted);
    await until(() => gateway.log.some(({ status }) => status === 499));
    expect(await gateway.inFlight()).toBe(0);
    expect(gateway.log.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});
