/** What `test/contracts/sink.test.ts` does not say of every sink: the ends of a stream. */
import { PassThrough } from 'node:stream';
import { readEvent } from '../../../../gateway/lambda/event';
import {
  LambdaStreamSink,
  type LambdaStreamSinkOptions,
} from '../../../../gateway/lambda/lambda-stream-sink';
import type { ResponseStream } from '../../../../gateway/lambda/response-stream';
import type { ResponsePart } from '../../../../gateway/request/sink';
import { flowOf } from '../../../../gateway/subgraph-calls/contract/source';
import { HeldSource } from '../../../support/held-source';
import { lambdaEvent } from '../../../support/lambda-events';
import { awsLambdaStub, setAwsLambda, startFunctionStub } from '../../../support/lambda-runtime-stub';
import { openRequests } from '../../../support/requests-in-flight';
import { sinkOptions } from '../../../support/sink-options';

type Times = Partial<Pick<LambdaStreamSinkOptions, 'eventsEnd' | 'end' | 'idle'>>;

function setUp(times: Times) {
  const { requests, log } = openRequests();
  const reply = {
    answerTo: (): never => {
      throw new Error('No answer is too large.');
    },
  };
  const options = {
    ...sinkOptions(),
    requests,
    reply,
    eventsEnd: 60_000,
    end: 60_000,
    longest: 2 ** 30,
    ...times,
  };
  return { options, requests, log };
}

const event = () => {
  const headers = [['accept', 'text/event-stream']] as const;
  return lambdaEvent('function url', { method: 'GET', path: '/graphql', headers });
};

/** Begins the request of an event. */
function begin(given: unknown, stream: ResponseStream, { options, requests }: ReturnType<typeof setUp>) {
  const { head, address, ...form } = readEvent(given, { endpoint: '/graphql', basePath: undefined });
  const sink = new LambdaStreamSink(stream, form, options);
  sink.belongTo(requests.begin(head, address, sink, performance.now()));
  return sink;
}

/** Answers one event by `answer`; nobody reads the answer. Resolves with the access log when the function has done. */
async function unread(answer: (sink: LambdaStreamSink) => void, times: Times): Promise<number[]> {
  const reset = setAwsLambda(awsLambdaStub);
  const opened = setUp(times);
  let done: () => void;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const api = await startFunctionStub(
    awsLambdaStub.streamifyResponse(async (given, stream) => {
      const sink = begin(given, stream, opened);
      answer(sink);
      expect(await sink.ended).toBe(false);
      done();
    }),
  );
  api.invoke(event());
  await isDone;
  await api.close();
  reset();
  return opened.log.map(({ status }) => status);
}

it("closes a stream that is not read when the function's time is over", async () => {
  const answer = { status: 200, headers: [], body: Buffer.alloc(2 ** 26) };
  expect(await unread((sink) => sink.answer(answer), { end: 200 })).toEqual([499]);
});

it('closes a stream of which nothing is taken for too long', async () => {
  const answer = { status: 200, headers: [], body: Buffer.alloc(2 ** 26) };
  expect(await unread((sink) => sink.answer(answer), { idle: 200 })).toEqual([499]);
});

it('ends its source in time, however slowly its client reads', async () => {
  const events = new HeldSource<ResponsePart>();
  events.give({ body: Buffer.alloc(2 ** 26, '1') }, { body: Buffer.from('2') });
  let isClosedFirst = false;
  const statuses = await unread(
    (sink) => {
      void sink.ended.then(() => (isClosedFirst = events.isClosed));
      sink.answer({ status: 200, headers: [], body: { ...flowOf(events), kind: 'events' } });
    },
    { eventsEnd: 100, end: 300 },
  );
  expect([statuses, isClosedFirst, events.asked]).toEqual([[499], true, 1]);
});

it('ends its source in time, however late it was opened', () => {
  const reset = setAwsLambda(awsLambdaStub);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const stream = Object.assign(new PassThrough(), { setContentType: () => undefined });
  const sink = begin(event(), stream, setUp({ eventsEnd: 300, end: 400 }));
  const events = new HeldSource<ResponsePart>();
  jest.advanceTimersByTime(200);
  sink.answer({ status: 200, headers: [], body: { ...flowOf(events), kind: 'events' } });
  jest.advanceTimersByTime(99);
  expect([events.isClosed, stream.writableEnded]).toEqual([false, false]);
  jest.advanceTimersByTime(1);
  expect([events.isClosed, stream.writableEnded]).toEqual([true, true]);
  jest.useRealTimers();
  reset();
});
