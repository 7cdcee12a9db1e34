/** What `test/contracts/sink.test.ts` does not say of every sink: the ends of a stream whose client does not read. */
import { readEvent } from '../../../../gateway/lambda/event';
import { LambdaStreamSink } from '../../../../gateway/lambda/lambda-stream-sink';
import type { Part } from '../../../../gateway/request/sink';
import { flowOf } from '../../../../gateway/subgraph-calls/source';
import { HeldSource } from '../../../support/held-source';
import { lambdaEvent } from '../../../support/lambda-events';
import { awsLambdaStub, setAwsLambda, startFunctionStub } from '../../../support/lambda-runtime-stub';
import { openRequests } from '../../../support/requests-in-flight';
import { sinkOptions } from '../../../support/sink-options';

/** Answers one event by `answer`; nobody reads the answer. Resolves with the access log when the function has done. */
async function unread(
  answer: (sink: LambdaStreamSink) => void,
  times: { eventsEnd?: number; end?: number; idle?: number },
): Promise<number[]> {
  const reset = setAwsLambda(awsLambdaStub);
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
  let done: () => void;
  const isDone = new Promise<void>((resolve) => (done = resolve));
  const api = await startFunctionStub(
    awsLambdaStub.streamifyResponse(async (event, stream) => {
      const { head, address, ...form } = readEvent(event, { endpoint: '/graphql', basePath: undefined });
      const sink = new LambdaStreamSink(stream, form, options);
      const request = requests.begin(head, address, sink, performance.now());
      sink.belongTo(request);
      answer(sink);
      expect(await sink.ended).toBe(false);
      done();
    }),
  );
  const headers = [['accept', 'text/event-stream']] as const;
  api.invoke(lambdaEvent('function url', { method: 'GET', path: '/graphql', headers }));
  await isDone;
  await api.close();
  reset();
  return log.map(({ status }) => status);
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
  const events = new HeldSource<Part>();
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
