import { type Retry, retry } from '../../../../../gateway/subgraph-calls/interceptors/retry';
import {
  type Send,
  type SubgraphRequest,
  TransportError,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { answerOf, type HeldCall, holdCalls } from '../../../../support/held-send';
import { operationOf, requestOf } from '../../../../support/subgraph-request';

let calls: HeldCall[];
let send: Send;
const retried: SubgraphRequest[] = [];
const reasons: [number, Retry['reason']][] = [];

const options = {
  max: 2,
  pause: 100,
  timeout: 5000,
  onRetry: (request: SubgraphRequest, { attempt, reason }: Retry) => {
    retried.push(request);
    reasons.push([attempt, reason]);
  },
};

beforeEach(() => {
  jest.useFakeTimers();
  retried.length = reasons.length = 0;
  const held = holdCalls();
  calls = held.calls;
  send = retry(options)(held.send);
});
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const refused = () => new TransportError('reviews', 'refused');

it('retries a query that could not be delivered', async () => {
  const answer = send(requestOf('{a}'));
  calls[0]!.fail(refused());
  await after(100);
  expect(calls).toHaveLength(2);
  calls[1]!.answer({ data: { a: 1 } });
  expect(await answerOf(answer)).toEqual({ data: { a: 1 } });
  expect(retried).toEqual([calls[0]!.request]);
  expect(reasons).toEqual([[1, 'refused']]);
});

it.each([429, 502, 503, 504])('retries a query that was answered with %d', async (status) => {
  const answer = send(requestOf('{a}'));
  calls[0]!.answer('', { status });
  await after(100);
  calls[1]!.answer({ data: { a: 1 } });
  expect(await answerOf(answer)).toEqual({ data: { a: 1 } });
  expect(reasons).toEqual([[1, status]]);
});

it.each([200, 400, 401, 500])('does not retry after an answer with %d', async (status) => {
  const answer = send(requestOf('{a}'));
  calls[0]!.answer({ errors: [] }, { status });
  expect((await answer).status).toBe(status);
  expect(calls).toHaveLength(1);
});

it.each(['timeout', 'aborted', 'too-large', 'broken', 'busy'] as const)(
  'does not retry after the failure "%s"',
  async (failure) => {
    const answer = send(requestOf('{a}'));
    calls[0]!.fail(new TransportError('reviews', failure));
    await expect(answer).rejects.toMatchObject({ failure });
    expect(calls).toHaveLength(1);
  },
);

it('never retries a mutation', async () => {
  const answer = send({
    ...requestOf('mutation{a}'),
    operation: operationOf('mutation{a}', { kind: 'mutation' }),
  });
  calls[0]!.fail(refused());
  await expect(answer).rejects.toMatchObject({ failure: 'refused' });
  await after(5000);
  expect(calls).toHaveLength(1);
});

it('gives up after `max` retries, with the last failure', async () => {
  const answer = send(requestOf('{a}'));
  const settled = expect(answer).rejects.toMatchObject({ failure: 'reset' });
  calls[0]!.fail(refused());
  await after(100);
  calls[1]!.fail(refused());
  await after(200);
  calls[2]!.fail(new TransportError('reviews', 'reset'));
  await settled;
  expect(calls).toHaveLength(3);
});

it('waits as long as Retry-After says, in seconds or as a date', async () => {
  const answer = send(requestOf('{a}'));
  calls[0]!.answer('', { status: 503, headers: { 'retry-after': '1' } });
  await after(999);
  expect(calls).toHaveLength(1);
  await after(1);
  calls[1]!.answer('', {
    status: 429,
    headers: { 'retry-after': new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000).toUTCString() },
  });
  await after(1900);
  expect(calls).toHaveLength(2);
  await after(1200);
  calls[2]!.answer({ data: 1 });
  expect(await answerOf(answer)).toEqual({ data: 1 });
});

it('returns the failure if Retry-After is longer than the remaining time', async () => {
  const answer = send(requestOf('{a}'));
  calls[0]!.answer('', { status: 503, headers: { 'retry-after': '60' } });
  expect((await answer).status).toBe(503);
});

it('does not retry after the deadline of the request', async () => {
  const answer = send(requestOf('{a}', {}, callerOf({ deadline: performance.now() + 1 })));
  jest.spyOn(Math, 'random').mockReturnValueOnce(0.9);
  calls[0]!.fail(refused());
  await expect(answer).rejects.toMatchObject({ failure: 'refused' });
});

it('does not retry for a client that has left', async () => {
  const caller = { ...callerOf(), isGone: false };
  const answer = send(requestOf('{a}', {}, caller));
  const settled = expect(answer).rejects.toMatchObject({ failure: 'refused' });
  calls[0]!.fail(refused());
  caller.isGone = true;
  await after(100);
  await settled;
  expect(calls).toHaveLength(1);
});

it('adds at most ten calls, however many fail, and retries again after successes', async () => {
  for (let i = 0; i < 1000; i++) {
    const answer = send(requestOf('{a}'));
    const settled = expect(answer).rejects.toMatchObject({ failure: 'refused' });
    for (let sent = calls.length - 1; sent < calls.length; sent++) {
      calls[sent]!.fail(refused());
      await after(400);
    }
    await settled;
  }
  expect(calls.length).toBeLessThanOrEqual(1010);

  for (let i = 0; i < 200; i++) {
    const answer = send(requestOf('{a}'));
    calls.at(-1)!.answer({ data: 1 });
    await answer;
  }
  const before = calls.length;
  const answer = send(requestOf('{a}'));
  calls.at(-1)!.fail(refused());
  await after(100);
  calls.at(-1)!.answer({ data: 1 });
  await answer;
  expect(calls.length).toBe(before + 2);
});
