import { ServerTiming } from '../../../../gateway/request/server-timing';
import { PendingAnswer } from '../../../../gateway/subgraph-calls/contract/pending-answer';
import type { SubgraphResponse } from '../../../../gateway/subgraph-calls/contract/transport';
import { useFakeTimers } from '../../../support/fake-timers';
import { holdCalls } from '../../../support/held-send';
import { requestOf } from '../../../support/subgraph-request';

useFakeTimers();

it('says how long plans were awaited, and for how long at least one call was under way', async () => {
  const timing = new ServerTiming();
  const planned = timing.ofPlan(new Promise((resolve) => setTimeout(resolve, 7)));
  await jest.advanceTimersByTimeAsync(7);
  await planned;
  const { send, calls } = holdCalls();
  const timed = timing.around(send);
  const call = () => timed(requestOf('{a}'));
  const answers = [call()];
  jest.advanceTimersByTime(10);
  answers.push(call());
  jest.advanceTimersByTime(10);
  calls[0]!.answer({});
  await answers[0];
  jest.advanceTimersByTime(10);
  calls[1]!.answer({});
  await answers[1];
  // Nothing is under way now.
  await jest.advanceTimersByTimeAsync(100);
  answers.push(call());
  await jest.advanceTimersByTimeAsync(5);
  calls[2]!.answer({});
  await answers[2];
  expect(timing.write('MISS', 142.25)).toBe('total;dur=142.3, plan;dur=7.0, calls;dur=35.0, cache;desc=MISS');
  expect(new ServerTiming().write(undefined, 1)).toBe('total;dur=1.0, plan;dur=0.0, calls;dur=0.0');
});

it('ends with a call that fails, and makes no promise of its own', async () => {
  const timing = new ServerTiming();
  const pending = new PendingAnswer<SubgraphResponse>();
  const answer = timing.around(() => pending)(requestOf('{a}'));
  expect(answer).toBe(pending);
  jest.advanceTimersByTime(10);
  pending.reject(new Error('gone'));
  await expect(answer).rejects.toThrow('gone');
  jest.advanceTimersByTime(10);
  expect(timing.write(undefined, 20)).toBe('total;dur=20.0, plan;dur=0.0, calls;dur=10.0');
});
