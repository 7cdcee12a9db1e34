import { batchAsArrays } from '../../../../../gateway/subgraph-calls/interceptors/array-batch';
import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { type Send, TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { useFakeTimers } from '../../../../support/fake-timers';
import { answerOf, type HeldCall, holdCalls } from '../../../../support/held-send';
import { operationOf, requestOf } from '../../../../support/subgraph-request';

let calls: HeldCall[];
let send: Send;
useFakeTimers();
beforeEach(() => {
  const held = holdCalls();
  calls = held.calls;
  send = batchAsArrays({ maxRequests: 3, timeout: 1000, pending: new PendingCalls() })(held.send);
});

const endOfTurn = async () => jest.advanceTimersByTimeAsync(0);

it('sends the queries of one turn as an array, and gives each its response', async () => {
  const callers = [callerOf(), callerOf()];
  const answers = [
    send(requestOf('{a}', { x: 1 }, callers[0])),
    send({ ...requestOf('{b}', {}, callers[1]), variables: Buffer.alloc(0) }),
  ];
  await endOfTurn();
  expect(calls.map(({ body }) => body)).toEqual([
    [
      { query: '{a}', variables: { x: 1 } },
      { query: '{b}', variables: {} },
    ],
  ]);
  calls[0]!.answer('[{"data":{"a":1}} , {"data":null,"errors":[{"message":"b"}]}]');
  expect(await Promise.all(answers.map(answerOf))).toEqual([
    { data: { a: 1 } },
    { data: null, errors: [{ message: 'b' }] },
  ]);
  expect(callers.map((caller) => caller.calls.batched)).toEqual([0, 1]);
});

it('sends a single query unchanged', async () => {
  const request = requestOf('{a}');
  void send(request);
  await endOfTurn();
  expect(calls[0]!.request).toBe(request);
});

it('sends mutations alone, at once', () => {
  const mutation = {
    ...requestOf('mutation{a}'),
    operation: operationOf('mutation{a}', { kind: 'mutation' }),
  };
  void send(mutation);
  void send(mutation);
  expect(calls).toHaveLength(2);
});

it('never mixes the forwarded headers of clients', async () => {
  const [ada, alan] = ['Ada', 'Alan'].map((authorization) => callerOf({ headers: { authorization } }));
  for (const caller of [ada, alan, ada]) void send(requestOf('{a}', {}, caller));
  await endOfTurn();
  expect(calls.map(({ body, request }) => [[body].flat().length, request.caller.headers])).toEqual([
    [2, ada!.headers],
    [1, alan!.headers],
  ]);
  for (const { answer } of calls) answer('[{},{}]');
});

it('sends no more in one array than a subgraph takes', async () => {
  const answers = [1, 2, 3, 4, 5, 6, 7].map((x) => send(requestOf('{a}', { x })));
  await endOfTurn();
  expect(calls.map(({ body }) => [body].flat().length)).toEqual([3, 3, 1]);
  for (const { answer, body } of calls) {
    const data = [body].flat().map(({ variables }) => ({ data: variables.x }));
    answer(data.length === 1 ? data[0] : data);
  }
  expect((await Promise.all(answers.map(answerOf))).map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it.each<[string, string, number, string]>([
  [
    'errors without data',
    '{"errors":[{"message":"no batches"}]}',
    400,
    '{"errors":[{"message":"no batches"}]}',
  ],
  ['an error of HTTP', 'Bad gateway', 502, ''],
])('gives %s to each', async (_, body, status, told) => {
  const answers = [1, 2].map(() => send(requestOf('{a}')));
  await endOfTurn();
  calls[0]!.answer(body, { status });
  for (const answer of answers)
    expect(await answer).toEqual({ status, headers: {}, body: Buffer.from(told) });
});

it.each(['{"data":{"a":1}}', '[{"data":{}}]', '[{},{},{}]', '[{},{}', '[{},{}]]', 'OK', ''])(
  'accepts only an array of the same length: %s',
  async (body) => {
    const answers = Promise.allSettled([1, 2].map(() => send(requestOf('{a}'))));
    await endOfTurn();
    calls[0]!.answer(body);
    const reason = { code: 'SUBREQUEST_MALFORMED_RESPONSE', failure: 'mismatched' };
    expect(await answers).toMatchObject([{ reason }, { reason }]);
  },
);

it('rejects all if there is no response', async () => {
  const answers = Promise.allSettled([1, 2].map(() => send(requestOf('{a}'))));
  await endOfTurn();
  calls[0]!.fail(new TransportError('reviews', 'reset'));
  expect(await answers).toMatchObject([1, 2].map(() => ({ reason: { failure: 'reset' } })));
});

it('sends each alone if only the joint response is too large', async () => {
  const answers = [1, 2].map((x) => send(requestOf('{a}', { x })));
  await endOfTurn();
  calls[0]!.fail(new TransportError('reviews', 'too-large'));
  await endOfTurn();
  for (const { answer, body } of calls.slice(1)) answer({ data: body.variables.x });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }]);
});

it('rejects each at its own deadline', async () => {
  const deadline = performance.now() + 100;
  const late = expect(send(requestOf('{a}', {}, callerOf({ deadline })))).rejects.toMatchObject({
    failure: 'timeout',
  });
  const other = send(requestOf('{b}'));
  await jest.advanceTimersByTimeAsync(200);
  await late;
  calls[0]!.answer('[{},{"data":2}]');
  expect(await answerOf(other)).toEqual({ data: 2 });
});

it.each<[string, Record<string, string | string[]>]>([
  ['sets a cookie', { 'set-cookie': ['session=1'] }],
  ['varies with a header of one request alone', { vary: 'traceparent' }],
])('does not share an answer that %s with another client: each sends its own call', async (_, headers) => {
  const callers = [callerOf(), callerOf()];
  const answers = callers.map((caller, x) => send(requestOf('{a}', { x }, caller)));
  await endOfTurn();
  calls[0]!.answer([{ data: 1 }, { data: 2 }], { headers });
  await endOfTurn();
  expect(calls.slice(1).map(({ body }) => body.variables)).toEqual([{ x: 0 }, { x: 1 }]);
  calls[1]!.answer({ data: 3 }, { headers });
  calls[2]!.answer({ data: 4 }, { headers });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 3 }, { data: 4 }]);
  expect(callers.map((caller) => caller.calls.batched)).toEqual([0, 0]);
});

it('shares it between calls of one client request', async () => {
  const caller = callerOf();
  const answers = [0, 1].map((x) => send(requestOf('{a}', { x }, caller)));
  await endOfTurn();
  calls[0]!.answer([{ data: 1 }, { data: 2 }], { headers: { 'set-cookie': ['session=1'] } });
  expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }]);
  expect(calls).toHaveLength(1);
});
