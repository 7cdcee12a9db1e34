import { DataChanges } from '../../../../../gateway/cache/data-changes';
import { dedupe } from '../../../../../gateway/subgraph-calls/interceptors/dedupe';
import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { type Send, TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { useFakeTimers } from '../../../../support/fake-timers';
import { answerOf, type HeldCall, holdCalls } from '../../../../support/held-send';
import { operationOf, requestOf } from '../../../../support/subgraph-request';

let calls: HeldCall[];
let send: Send;
let changes: DataChanges;
useFakeTimers();
beforeEach(() => {
  const held = holdCalls();
  calls = held.calls;
  changes = new DataChanges();
  send = dedupe({ timeout: 1000, pending: new PendingCalls(), changes })(held.send);
});

const asAda = () => callerOf({ headers: { authorization: 'Ada' } });
const asAlan = () => callerOf({ headers: { authorization: 'Alan' } });
const settled = async () => jest.advanceTimersByTimeAsync(60);

it('lets identical queries in flight share one call', async () => {
  const answers = [1, 2, 3].map(() => send(requestOf('{a}', { x: 1 })));
  expect(calls).toHaveLength(1);
  calls[0]!.answer({ data: { a: 1 } });
  for (const answer of answers) expect(await answerOf(answer)).toEqual({ data: { a: 1 } });
});

it.each([
  ['document', requestOf('{a}'), requestOf('{b}')],
  ['variables', requestOf('{a}', { x: 1 }), requestOf('{a}', { x: 2 })],
  ['forwarded header', requestOf('{a}', {}, asAda()), requestOf('{a}', {}, asAlan())],
])('does not share queries with another %s', async (_, one, other) => {
  const answers = [send(one), send(other), send(one)];
  expect(calls).toHaveLength(2);
  calls[1]!.answer({ data: 2 });
  calls[0]!.answer({ data: 1 });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }, { data: 1 }]);
});

it('separates many queries of one document', async () => {
  const answers = [0, 1, 2, 3, 1, 2, 3, 0].map((x) => send(requestOf('{a}', { x })));
  expect(calls.map(({ body }) => body.variables.x)).toEqual([0, 1, 2, 3]);
  for (const { answer, body } of calls) answer({ data: body.variables.x });
  expect((await Promise.all(answers.map(answerOf))).map(({ data }) => data)).toEqual([
    0, 1, 2, 3, 1, 2, 3, 0,
  ]);
});

it('shares queries for an event with those for the same event alone, as older ones may bring what was before it', async () => {
  const [one, other] = [{}, {}];
  const answers = [undefined, one, one, other, undefined].map((event) =>
    send(requestOf('{a}', {}, callerOf({ event }))),
  );
  expect(calls).toHaveLength(3);
  calls.forEach(({ answer }, i) => answer({ data: i }));
  expect((await Promise.all(answers.map(answerOf))).map(({ data }) => data)).toEqual([0, 1, 1, 2, 0]);
});

it('never shares a mutation', () => {
  const mutation = {
    ...requestOf('mutation{a}'),
    operation: operationOf('mutation{a}', { kind: 'mutation' }),
  };
  void send(mutation);
  void send(mutation);
  expect(calls).toHaveLength(2);
});

it('joins no call that was sent before a change, as it may have read older data than its client has seen', async () => {
  const before = send(requestOf('{a}'));
  changes.note();
  const after = [send(requestOf('{a}')), send(requestOf('{a}'))];
  expect(calls).toHaveLength(2);
  calls[0]!.answer({ data: 'old' });
  calls[1]!.answer({ data: 'new' });
  expect(await answerOf(before)).toEqual({ data: 'old' });
  for (const answer of after) expect(await answerOf(answer)).toEqual({ data: 'new' });
});

it('sends a query again after the answer', async () => {
  const first = send(requestOf('{a}'));
  calls[0]!.answer({ data: 1 });
  await first;
  const second = send(requestOf('{a}'));
  calls[1]!.answer({ data: 2 });
  expect(await answerOf(second)).toEqual({ data: 2 });
});

it('sends the tracing headers of the first, which are not compared', () => {
  void send(requestOf('{a}', {}, callerOf({ tracing: { 'x-request-id': '1' } })));
  void send(requestOf('{a}', {}, callerOf({ tracing: { 'x-request-id': '2' } })));
  expect(calls.map(({ request }) => request.caller.tracing)).toEqual([{ 'x-request-id': '1' }]);
  calls[0]!.answer({});
});

it('counts the saved calls for the requests that joined', async () => {
  const callers = [callerOf(), callerOf()];
  const answers = callers.map((caller) => send(requestOf('{a}', {}, caller)));
  calls[0]!.answer({});
  await Promise.all(answers);
  expect(callers.map((caller) => caller.calls.deduplicated)).toEqual([0, 1]);
});

it('rejects all if there is no response', async () => {
  const answers = [1, 2].map(() => send(requestOf('{a}')));
  const failures = Promise.allSettled(answers);
  calls[0]!.fail(new TransportError('reviews', 'refused'));
  expect(await failures).toMatchObject([1, 2].map(() => ({ reason: { failure: 'refused' } })));
});

describe.each<[string, Record<string, string | string[]>]>([
  ['sets a cookie', { 'set-cookie': ['session=1'] }],
  ['varies with a header of one request alone', { vary: 'Accept-Encoding, X-Request-Id' }],
  ['varies with everything', { vary: '*' }],
])('an answer that %s', (_, headers) => {
  it('is only for the first request: the others send their own calls', async () => {
    const callers = [1, 2, 3].map(() => callerOf());
    const answers = callers.map((caller) => send(requestOf('{a}', {}, caller)));
    expect(calls).toHaveLength(1);
    calls[0]!.answer({ data: 1 }, { headers });
    expect(await answerOf(answers[0]!)).toEqual({ data: 1 });
    expect(calls.map(({ request }) => request.caller.provenance).slice(1)).toEqual(
      callers.slice(1).map(({ provenance }) => provenance),
    );
    calls[1]!.answer({ data: 2 }, { headers });
    calls[2]!.answer({ data: 3 }, { headers });
    expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }, { data: 3 }]);
    expect(callers.map((caller) => caller.calls.deduplicated)).toEqual([0, 0, 0]);
  });

  it('is shared by all calls of one client request', async () => {
    const caller = callerOf();
    const answers = [1, 2].map(() => send(requestOf('{a}', {}, caller)));
    calls[0]!.answer({ data: 1 }, { headers });
    expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 1 }]);
    expect(calls).toHaveLength(1);
  });

  it('is not requested again for a client that has left', async () => {
    const gone = { ...callerOf(), isGone: false };
    const first = send(requestOf('{a}'));
    const second = expect(send(requestOf('{a}', {}, gone))).rejects.toMatchObject({ failure: 'aborted' });
    gone.isGone = true;
    await settled();
    await second;
    calls[0]!.answer({ data: 1 }, { headers });
    await first;
    expect(calls).toHaveLength(1);
  });
});

it('shares an answer that varies by a header that all members share', async () => {
  const answers = [1, 2].map(() => send(requestOf('{a}', {}, asAda())));
  calls[0]!.answer({ data: 1 }, { headers: { vary: 'Authorization, Accept-Encoding, Origin' } });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 1 }]);
});

describe('a client that goes away', () => {
  it('does not cancel the others', async () => {
    const callers = [1, 2].map(() => ({ ...callerOf(), isGone: false }));
    const answers = callers.map((caller) => send(requestOf('{a}', {}, caller)));
    const first = expect(answers[0]).rejects.toMatchObject({ failure: 'aborted' });
    callers[0]!.isGone = true;
    await settled();
    await first;
    expect(calls[0]!.request.caller.isGone).toBe(false);
    calls[0]!.answer({ data: 1 });
    expect(await answerOf(answers[1]!)).toEqual({ data: 1 });
  });

  it('aborts the call if it is the last', async () => {
    const callers = [1, 2].map(() => ({ ...callerOf(), isGone: false }));
    const answers = Promise.allSettled(callers.map((caller) => send(requestOf('{a}', {}, caller))));
    for (const caller of callers) caller.isGone = true;
    expect(calls[0]!.request.caller.isGone).toBe(true);
    await settled();
    expect(await answers).toMatchObject([1, 2].map(() => ({ reason: { failure: 'aborted' } })));
  });

  it('does not affect a request that comes after the abort', async () => {
    const gone = { ...callerOf(), isGone: true };
    const first = expect(send(requestOf('{a}', {}, gone))).rejects.toMatchObject({ failure: 'aborted' });
    const second = send(requestOf('{a}'));
    calls[0]!.fail(new TransportError('reviews', 'aborted'));
    await first;
    calls[1]!.answer({ data: 1 });
    expect(await answerOf(second)).toEqual({ data: 1 });
  });
});

describe('deadlines', () => {
  it('are those of each member, and the latest for the call', async () => {
    const now = performance.now();
    const deadlines = [now + 100, now + 500, now + 300];
    const answers = deadlines.map((deadline) => send(requestOf('{a}', {}, callerOf({ deadline }))));
    expect(calls[0]!.request.caller.deadline).toBe(now + 500);
    const states = ['waits', 'waits', 'waits'];
    answers.forEach((answer, i) => {
      answer.then(
        () => (states[i] = 'answered'),
        (error: unknown) => (states[i] = (error as TransportError).failure),
      );
    });
    await jest.advanceTimersByTimeAsync(200);
    expect(states).toEqual(['timeout', 'waits', 'waits']);
    await jest.advanceTimersByTimeAsync(200);
    expect(states).toEqual(['timeout', 'waits', 'timeout']);
    calls[0]!.answer({});
    await jest.advanceTimersByTimeAsync(0);
    expect(states).toEqual(['timeout', 'answered', 'timeout']);
  });

  it('are unlimited for the call if one member has none', () => {
    void send(requestOf('{a}', {}, callerOf({ deadline: performance.now() + 100 })));
    void send(requestOf('{a}'));
    expect(calls[0]!.request.caller.deadline).toBeUndefined();
    calls[0]!.answer({});
  });

  it('give a late member a whole call after the shared one has timed out', async () => {
    const first = expect(send(requestOf('{a}'))).rejects.toMatchObject({ failure: 'timeout' });
    await jest.advanceTimersByTimeAsync(900);
    const caller = callerOf();
    const second = send(requestOf('{a}', {}, caller));
    await jest.advanceTimersByTimeAsync(100);
    calls[0]!.fail(new TransportError('reviews', 'timeout'));
    await first;
    expect(calls).toHaveLength(2);
    expect(caller.calls.deduplicated).toBe(0);
    calls[1]!.answer({ data: 1 });
    expect(await answerOf(second)).toEqual({ data: 1 });
  });

  it('end with the timeout of a call, however often it is sent', async () => {
    void send(requestOf('{a}')).catch(() => undefined);
    await jest.advanceTimersByTimeAsync(900);
    const second = expect(send(requestOf('{a}'))).rejects.toMatchObject({ failure: 'timeout' });
    await jest.advanceTimersByTimeAsync(100);
    calls[0]!.fail(new TransportError('reviews', 'timeout'));
    await jest.advanceTimersByTimeAsync(950);
    await second;
    calls[1]!.answer({});
  });
});
