/** Which endpoint is called. Over 300 lines: circuit breakers, several endpoints, and endpoints that change. */
import { Breakers, type EndpointName } from '../../../../../gateway/subgraph-calls/endpoints/breakers';
import { chooseEndpoint, liveEndpoints } from '../../../../../gateway/subgraph-calls/endpoints/endpoints';
import { bulkhead } from '../../../../../gateway/subgraph-calls/interceptors/bulkhead';
import {
  type Send,
  type SubgraphResponse,
  TransportError,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { answerOf, holdCalls } from '../../../../support/held-send';
import { requestOf } from '../../../../support/subgraph-request';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const request = requestOf('{a}');
const ok: SubgraphResponse = { status: 200, headers: {}, body: Buffer.from('{}') };
const options = { failures: 0.5, atLeast: 10, window: 10_000, pause: 1000 };

/** An endpoint that answers as `place.answer` says, and counts its calls. */
function placeOf(answer: () => Promise<SubgraphResponse> = () => Promise.resolve(ok)) {
  const place = { calls: 0, answer, send: undefined as unknown as Send };
  place.send = () => {
    place.calls++;
    return place.answer();
  };
  return place;
}
const fails = (failure: TransportError['failure']) => () =>
  Promise.reject(new TransportError('reviews', failure));

describe('a breaker', () => {
  const changes: string[] = [];
  let breakers: Breakers;
  beforeEach(() => {
    changes.length = 0;
    breakers = new Breakers(options, ({ url }: EndpointName, state) => changes.push(`${url} ${state}`));
  });
  const connect = (place: ReturnType<typeof placeOf>) => {
    const breaker = breakers.lease().of({ subgraph: 'reviews', url: 'a' });
    return chooseEndpoint('reviews', [{ call: place.send, zone: undefined, breaker }], undefined);
  };
  const ask = (send: Send) =>
    send(request).then(
      ({ status }) => status,
      (error: unknown) => (error as TransportError).failure,
    );

  it.each([
    ['has no answers', fails('refused'), 'refused'],
    ['answers too late', fails('timeout'), 'timeout'],
    ['answers with errors of its own', () => Promise.resolve({ ...ok, status: 500 }), 500],
  ])('stops calls to an endpoint that %s', async (_, answer, outcome) => {
    const place = placeOf(answer);
    const send = connect(place);
    for (let i = 0; i < 10; i++) expect(await ask(send)).toBe(outcome);
    for (let i = 0; i < 100; i++) expect(await ask(send)).toBe('broken');
    expect(place.calls).toBe(10);
    expect(changes).toEqual(['a open']);
  });

  it('lets one call probe after a pause, and all calls after its success', async () => {
    const place = placeOf(fails('refused'));
    const send = connect(place);
    for (let i = 0; i < 10; i++) await ask(send);
    await after(1000);
    expect(await ask(send)).toBe('refused');
    expect(await ask(send)).toBe('broken');
    expect(place.calls).toBe(11);

    await after(1000);
    let answer!: (response: SubgraphResponse) => void;
    place.answer = () => new Promise((resolve) => (answer = resolve));
    const trying = ask(send);
    expect(await ask(send)).toBe('broken');
    answer(ok);
    expect(await trying).toBe(200);
    place.answer = () => Promise.resolve(ok);
    expect(await Promise.all([ask(send), ask(send)])).toEqual([200, 200]);
    expect(changes).toEqual(['a open', 'a closed']);
  });

  it('lets the next call probe if the client of the probe has left', async () => {
    const place = placeOf(fails('refused'));
    const send = connect(place);
    for (let i = 0; i < 10; i++) await ask(send);
    await after(1000);
    place.answer = fails('aborted');
    expect(await ask(send)).toBe('aborted');
    place.answer = () => Promise.resolve(ok);
    expect(await ask(send)).toBe(200);
    expect(changes).toEqual(['a open', 'a closed']);
  });

  it.each(['aborted', 'busy', 'too-large'] as const)('ignores the failure "%s"', async (failure) => {
    const place = placeOf(fails(failure));
    const send = connect(place);
    for (let i = 0; i < 100; i++) expect(await ask(send)).toBe(failure);
    expect(changes).toEqual([]);
  });

  it('stays closed while no more than the share of calls fails', async () => {
    const place = placeOf();
    const send = connect(place);
    for (let i = 0; i < 100; i++) {
      place.answer = i % 2 === 0 ? () => Promise.resolve(ok) : fails('reset');
      await ask(send);
    }
    expect(changes).toEqual([]);
  });

  it('survives a new supergraph with the same endpoint', async () => {
    const endpoint = { subgraph: 'reviews', url: 'a' };
    const first = breakers.lease();
    const breaker = first.of(endpoint);
    const place = placeOf(fails('refused'));
    const send = chooseEndpoint('reviews', [{ call: place.send, zone: undefined, breaker }], undefined);
    for (let i = 0; i < 10; i++) await ask(send);
    expect(first.of({ ...endpoint, url: 'b' })).not.toBe(breaker);
    const second = breakers.lease();
    expect(second.of(endpoint)).toBe(breaker);
    first.end();
    first.end();
    expect(changes).toEqual(['a open']);

    second.end();
    expect(changes).toEqual(['a open', 'a gone']);
    expect(breakers.lease().of(endpoint)).not.toBe(breaker);
    // Who still has it on the way tells nobody.
    await after(1000);
    place.answer = () => Promise.resolve(ok);
    expect(await ask(send)).toBe(200);
    expect(changes).toEqual(['a open', 'a gone']);
  });
});

describe('several endpoints', () => {
  const connect = (
    places: readonly ReturnType<typeof placeOf>[],
    zones: readonly string[] = [],
    zone?: string,
  ) => {
    const breakers = new Breakers(options, () => undefined).lease();
    return chooseEndpoint(
      'reviews',
      places.map(({ send: call }, i) => ({
        call,
        zone: zones[i],
        breaker: breakers.of({ subgraph: 'reviews', url: String(i) }),
      })),
      zone,
    );
  };

  it('get calls in turn', async () => {
    const places = [placeOf(), placeOf(), placeOf()];
    const send = connect(places);
    for (let i = 0; i < 9; i++) await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([3, 3, 3]);
  });

  it('with fewer calls in flight are called first', async () => {
    const places = [placeOf(() => new Promise(() => undefined)), placeOf()];
    const send = connect(places);
    void send(request);
    void send(request);
    await after(0);
    for (let i = 0; i < 5; i++) await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([1, 6]);
  });

  it('in the zone of the gateway are preferred, and avoided for a second after a failure', async () => {
    const places = [placeOf(), placeOf()];
    const send = connect(places, ['a', 'b'], 'b');
    for (let i = 0; i < 4; i++) await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([0, 4]);

    places[1]!.answer = fails('refused');
    await expect(send(request)).rejects.toMatchObject({ failure: 'refused' });
    await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([1, 5]);
    places[1]!.answer = () => Promise.resolve(ok);
    await after(1001);
    await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([1, 6]);
  });

  it('get one call a second after a failure, and the others when it has succeeded', async () => {
    const places = [placeOf(fails('refused')), placeOf()];
    const send = connect(places, ['a', 'b'], 'a');
    const counts = () => places.map(({ calls }) => calls);
    await send(request).catch(() => undefined);
    await after(1001);
    await Promise.allSettled(Array.from({ length: 10 }, () => send(request)));
    expect(counts()).toEqual([2, 9]);

    await after(1001);
    let answer!: (response: SubgraphResponse) => void;
    places[0]!.answer = () => new Promise((resolve) => (answer = resolve));
    const probe = send(request);
    await send(request);
    expect(counts()).toEqual([3, 10]);
    answer(ok);
    await probe;
    places[0]!.answer = () => Promise.resolve(ok);
    await Promise.all([send(request), send(request)]);
    expect(counts()).toEqual([5, 10]);
  });

  it('without a zone are not preferred by a gateway without one', async () => {
    const places = [placeOf(), placeOf()];
    const send = connect(places, ['a'], undefined);
    for (let i = 0; i < 4; i++) await send(request);
    expect(places.map(({ calls }) => calls)).toEqual([2, 2]);
  });

  it('are not called while all breakers are open', async () => {
    const places = [placeOf(fails('refused')), placeOf(fails('refused'))];
    const send = connect(places);
    for (let i = 0; i < 40; i++) await send(request).catch(() => undefined);
    await expect(send(request)).rejects.toMatchObject({ failure: 'broken' });
    expect(places.map(({ calls }) => calls)).toEqual([10, 10]);
  });
});

describe('endpoints that change', () => {
  function connect(zone?: string) {
    const places = new Map<string, ReturnType<typeof placeOf>>();
    const opened: string[] = [];
    const closed: string[] = [];
    const live = liveEndpoints<SubgraphResponse>('reviews', zone);
    const use = (...keys: readonly string[]) =>
      live.replace(
        keys.map((each) => {
          const [key, its] = each.split('@') as [string, string | undefined];
          return {
            key,
            zone: its,
            open: () => {
              opened.push(key);
              const place = placeOf();
              places.set(key, place);
              return { call: place.send, breaker: undefined, close: () => closed.push(key) };
            },
          };
        }),
      );
    const calls = () => Object.fromEntries(Array.from(places, ([key, place]) => [key, place.calls]));
    return { call: live.call, end: live.end, use, places, opened, closed, calls };
  }

  it('are called from the next call on, and opened once', async () => {
    const { call, use, opened, calls } = connect();
    await expect(call(request)).rejects.toMatchObject({ failure: 'nowhere' });
    use('a');
    await call(request);
    use('b', 'a');
    for (let i = 0; i < 4; i++) await call(request);
    expect(calls()).toEqual({ a: 3, b: 2 });
    expect(opened).toEqual(['a', 'b']);
    use();
    await expect(call(request)).rejects.toMatchObject({ failure: 'nowhere' });
  });

  it('get no new call when they are removed, and are closed when their last call has ended', async () => {
    const { call, use, places, closed, calls } = connect();
    use('a', 'b');
    const answers: (() => void)[] = [];
    const [a, b] = [places.get('a')!, places.get('b')!];
    a.answer = b.answer = () => new Promise((resolve) => answers.push(() => resolve(ok)));
    const inFlight = [call(request), call(request)];
    use('b');
    expect(closed).toEqual([]);
    answers.forEach((answer) => answer());
    expect(await Promise.all(inFlight)).toEqual([ok, ok]);
    expect(closed).toEqual(['a']);
    b.answer = () => Promise.resolve(ok);
    for (let i = 0; i < 3; i++) await call(request);
    expect(calls()).toEqual({ a: 1, b: 4 });
    expect(closed).toEqual(['a']);
  });

  it('keep what is known of their calls', async () => {
    const { call, use, places, calls } = connect();
    use('a', 'b');
    places.get('a')!.answer = fails('refused');
    await Promise.allSettled([call(request), call(request)]);
    use('a', 'b', 'c');
    for (let i = 0; i < 4; i++) await call(request);
    expect(calls()).toMatchObject({ a: 1 });
  });

  it('are preferred by the zone that they have now', async () => {
    const { call, use, calls } = connect('eu-1a');
    use('a@eu-1a', 'b@eu-1b');
    for (let i = 0; i < 3; i++) await call(request);
    expect(calls()).toEqual({ a: 3, b: 0 });
    use('a@eu-1b', 'b@eu-1a');
    for (let i = 0; i < 3; i++) await call(request);
    expect(calls()).toEqual({ a: 3, b: 3 });
  });

  it('are closed at the end, each once', async () => {
    const { call, end, use, closed } = connect();
    use('a', 'b');
    use('b');
    end();
    expect(closed).toEqual(['a', 'b']);
    await call(request);
    expect(closed).toEqual(['a', 'b']);
  });
});

it('bounds the calls in flight and the waiting calls, and fails further ones at once', async () => {
  const { send, calls } = holdCalls();
  const bounded = bulkhead({ concurrency: 2, waiting: 1 })(send);
  const answers = [1, 2, 3].map(() => bounded(request));
  await expect(bounded(request)).rejects.toMatchObject({ failure: 'busy' });
  expect(calls).toHaveLength(2);
  calls[0]!.answer({ data: 1 });
  await after(0);
  expect(calls).toHaveLength(3);
  calls[1]!.answer({ data: 2 });
  calls[2]!.answer({ data: 3 });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }, { data: 3 }]);
});
