import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { parseOptions } from '../../../../gateway/options';
import { createEventHandlers } from '../../../../gateway/lambda/event-handlers';
import type { ResponsePart } from '../../../../gateway/request/sink';
import { flowOf } from '../../../../gateway/subgraph-calls/contract/source';
import { HeldSource } from '../../../support/held-source';
import { lambdaEvent } from '../../../support/lambda-events';
import { awsLambdaStub, setAwsLambda } from '../../../support/lambda-runtime-stub';
import { openRequests } from '../../../support/requests-in-flight';

/** API Gateway and proxies cut streams that are quiet for 30 s or longer. */
const quietAtMost = 20_000;

describe('a stream of events', () => {
  const reset = setAwsLambda(awsLambdaStub);
  afterAll(reset);
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
  afterEach(() => void jest.useRealTimers());

  /** Begins a stream, and returns what its client has got, its source, and its end. */
  function open(accept: string) {
    const { requests } = openRequests();
    const source = new HeldSource<ResponsePart>();
    const steps = {
      inFlight: requests,
      pipeline: undefined as never,
      reply: undefined as never,
      route: ({ request }: { request: { sink: { answer(answer: object): void } } }) =>
        request.sink.answer({ status: 200, headers: [], body: { ...flowOf(source), kind: 'events' } }),
    };
    const { streamHandler } = createEventHandlers(
      parseOptions({}),
      () => steps as never,
      () => Promise.resolve(),
    );
    const got: string[] = [];
    const stream = Object.assign(new PassThrough(), { setContentType: () => undefined });
    stream.on('data', (bytes: Buffer) => got.push(bytes.toString()));
    const event = lambdaEvent('function url', {
      method: 'GET',
      path: '/graphql',
      headers: [['accept', accept]],
    });
    const context = { getRemainingTimeInMillis: () => 900_000 };
    return { got, source, ended: streamHandler(event, stream, context) };
  }

  it.each([
    ['text/event-stream', ':\n\n'],
    ['multipart/mixed;subscriptionSpec=1.0', '{}'],
  ])('is never quiet for 20 s over %s', async (accept, heartbeat) => {
    const { got, source, ended } = open(accept);
    const heard = async (milliseconds: number): Promise<string> => {
      got.length = 0;
      jest.advanceTimersByTime(milliseconds);
      await turn();
      return got.join('');
    };
    await heard(0);
    expect(await heard(quietAtMost)).toContain(heartbeat);
    expect(await heard(quietAtMost)).toContain(heartbeat);
    source.give({ body: Buffer.from('{"data":1}') });
    expect(await heard(0)).toContain('{"data":1}');
    expect(await heard(quietAtMost)).toContain(heartbeat);
    source.end();
    await ended;
    expect(jest.getTimerCount()).toBe(0);
  });
});
