/** Over 300 lines: a case for each way in which calls go together. */
import { noStore } from '../../../../../gateway/cache/policy';
import {
  batchEntities,
  type CallBatchOptions,
} from '../../../../../gateway/subgraph-calls/interceptors/batch';
import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { ScopesInFlight } from '../../../../../gateway/subgraph-calls/sharing/scopes-in-flight';
import { type Caller, TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { deepJson, writesDeepJson } from '../../../../support/deep-json';
import { useFakeTimers } from '../../../../support/fake-timers';
import { answerOf, holdCalls } from '../../../../support/held-send';
import { entitiesRequestOf, operationOf, requestOf } from '../../../../support/subgraph-request';

useFakeTimers();

const endOfTurn = async () => jest.advanceTimersByTimeAsync(0);
const product = (upc: number) => ({ __typename: 'Product', upc });
const productsOf = (...upcs: number[]) => upcs.map(product);

/** A batch in front of calls that the test answers, while client requests of these callers are served. */
function batching(callers: readonly Caller[] = [], options: Partial<CallBatchOptions> = {}) {
  const scopes = new ScopesInFlight();
  for (const { scope } of callers) scopes.enter(scope);
  const { send, calls } = holdCalls();
  const pending = new PendingCalls();
  const batch = batchEntities({
    window: 'turn',
    maxRepresentations: 100,
    timeout: 1000,
    scopes,
    pending,
    ...options,
  });
  return { send: batch(send), calls, scopes };
}

it('gives each request the policies of its own entities, and the strictest of these', async () => {
  const { calls, answers } = askFor([
    [1, 2],
    [2, 3],
  ]);
  await endOfTurn();
  const life = { ...noStore, scope: 'public', maxAge: 60 } as const;
  const shorter = { ...life, maxAge: 5 };
  const data = { _entities: productsOf(1, 2, 3).map(named) };
  calls[0]!.answer({ data }, { policy: noStore, policies: [[noStore, life, shorter]] });
  const [one, other] = await Promise.all(answers);
  expect(one).toMatchObject({ policy: noStore, policies: [[noStore, life]] });
  expect(other).toMatchObject({ policy: shorter, policies: [[life, shorter]] });
});

/** Callers without headers who ask for products, all in one turn. */
function askFor(lists: readonly number[][], options: Partial<CallBatchOptions> = {}) {
  const callers = lists.map(() => callerOf());
  const { send, calls } = batching(callers, options);
  const answers = lists.map((upcs, i) =>
    send(entitiesRequestOf({ representations: productsOf(...upcs), caller: callers[i]! })),
  );
  return { callers, calls, answers };
}

const named = ({ upc }: { upc: number }) => ({ name: `product ${upc}` });

it('joins entity fetches of several client requests in one call, with equal entities once', async () => {
  const { callers, calls, answers } = askFor([[1, 2], [2, 3], [1]]);
  await endOfTurn();
  expect(calls.map(({ body }) => body.variables)).toEqual([{ representations: productsOf(1, 2, 3) }]);
  calls[0]!.answer({ data: { _entities: productsOf(1, 2, 3).map(named) } });
  expect(await Promise.all(answers.map(answerOf))).toEqual([
    { data: { _entities: [{ name: 'product 1' }, { name: 'product 2' }] } },
    { data: { _entities: [{ name: 'product 2' }, { name: 'product 3' }] } },
    { data: { _entities: [{ name: 'product 1' }] } },
  ]);
  expect(callers.map((caller) => caller.calls.batched)).toEqual([0, 1, 1]);
});

it('sends a fetch that no other joins unchanged', async () => {
  const request = entitiesRequestOf({ representations: productsOf(1) });
  const { send, calls } = batching([callerOf(), callerOf()]);
  const answer = send(request);
  await endOfTurn();
  expect(calls[0]!.request).toBe(request);
  calls[0]!.answer({ data: 1 });
  expect(await answerOf(answer)).toEqual({ data: 1 });
});

it('does not wait without another client request of the scope in flight', () => {
  const ada = callerOf({ headers: { authorization: 'Ada' } });
  const alan = callerOf({ headers: { authorization: 'Alan' } });
  const { send, calls, scopes } = batching([ada, alan, alan]);
  void send(entitiesRequestOf({ representations: productsOf(1), caller: ada }));
  expect(calls).toHaveLength(1);
  scopes.leave(alan.scope);
  void send(entitiesRequestOf({ representations: productsOf(1), caller: alan }));
  expect(calls).toHaveLength(2);
});

it('does not wait for root fields and mutations', () => {
  const { send, calls } = batching([callerOf(), callerOf()]);
  void send(requestOf('{products{upc}}'));
  void send({
    ...entitiesRequestOf({ representations: productsOf(1) }),
    operation: operationOf('mutation{a}', { kind: 'mutation' }),
  });
  expect(calls).toHaveLength(2);
});

it.each([
  ['another selection', { selection: 'price' }],
  ['other variables', { variables: { first: 5 } }],
  ['other forwarded headers', { caller: callerOf({ headers: { authorization: 'Alan' } }) }],
])('does not join fetches with %s', async (_, difference) => {
  const alan = callerOf({ headers: { authorization: 'Alan' } });
  const { send, calls } = batching([callerOf(), callerOf(), alan, alan]);
  void send(entitiesRequestOf({ representations: productsOf(1), variables: { first: 3 } }));
  void send(entitiesRequestOf({ representations: productsOf(2), variables: { first: 3 }, ...difference }));
  void send(entitiesRequestOf({ representations: productsOf(3), variables: { first: 3 } }));
  await endOfTurn();
  expect(calls.map(({ body }) => body.variables.representations.length)).toEqual([2, 1]);
  for (const call of calls) call.answer({ data: { _entities: call.body.variables.representations } });
});

it('joins fetches of different client operations with different names', async () => {
  const { send, calls } = batching([callerOf(), callerOf()]);
  void send(entitiesRequestOf({ representations: productsOf(1), name: 'Page' }));
  void send(entitiesRequestOf({ representations: productsOf(2), name: 'Basket' }));
  await endOfTurn();
  expect(calls.map(({ request }) => request.operation.name)).toEqual(['Page']);
  calls[0]!.answer({ data: { _entities: [{}, {}] } });
});

it('collects for 1 ms with the window `1ms`', async () => {
  const { send, calls } = batching([callerOf(), callerOf()], { window: '1ms' });
  void send(entitiesRequestOf({ representations: productsOf(1) }));
  await endOfTurn();
  void send(entitiesRequestOf({ representations: productsOf(2) }));
  await jest.advanceTimersByTimeAsync(1);
  expect(calls.map(({ body }) => body.variables.representations.length)).toEqual([2]);
  calls[0]!.answer({ data: { _entities: [{}, {}] } });
});

it('bounds the representations of a call, but does not split the fetch of one client', async () => {
  const { calls, answers } = askFor([[1, 2], [2, 3], [4], [5, 6, 7, 8], [9]], { maxRepresentations: 3 });
  await endOfTurn();
  expect(calls.map(({ body }) => body.variables.representations.map(({ upc }: never) => upc))).toEqual([
    [1, 2, 3],
    [4],
    [5, 6, 7, 8],
    [9],
  ]);
  // Each has its answer when its own call has it.
  calls[1]!.answer({ data: { _entities: ['third'] } });
  expect(await answerOf(answers[2]!)).toEqual({ data: { _entities: ['third'] } });
  for (const call of calls) call.answer({ data: { _entities: call.body.variables.representations } });
  await Promise.all(answers);
});

describe('errors', () => {
  it('of an entity go to the requests for it; other errors and extensions go to all', async () => {
    const { calls, answers } = askFor([[1, 2], [2, 3], [1]]);
    await endOfTurn();
    calls[0]!.answer(
      {
        data: { _entities: [{ name: 'a' }, null, { name: null }] },
        errors: [
          { message: 'second', path: ['_entities', 1] },
          { message: 'third', path: ['_entities', 2, 'name'], extensions: { code: 'X' } },
          { message: 'slow' },
        ],
        extensions: { cost: 3 },
      },
      { status: 207, headers: { 'cache-control': 'max-age=1' } },
    );
    expect((await answers[0]!).status).toBe(207);
    expect((await answers[0]!).headers).toEqual({ 'cache-control': 'max-age=1' });
    expect(await Promise.all(answers.map(answerOf))).toEqual([
      {
        data: { _entities: [{ name: 'a' }, null] },
        errors: [{ message: 'slow' }, { message: 'second', path: ['_entities', 1] }],
        extensions: { cost: 3 },
      },
      {
        data: { _entities: [null, { name: null }] },
        errors: [
          { message: 'slow' },
          { message: 'second', path: ['_entities', 0] },
          { message: 'third', path: ['_entities', 1, 'name'], extensions: { code: 'X' } },
        ],
        extensions: { cost: 3 },
      },
      { data: { _entities: [{ name: 'a' }] }, errors: [{ message: 'slow' }], extensions: { cost: 3 } },
    ]);
  });

  const whole = { data: null, errors: [{ message: 'no such product', path: ['_entities'] }] };
  it.each<[string, unknown, number]>([
    ['without data', whole, 200],
    ['of status 400', { errors: [{ message: 'bad' }] }, 400],
    ['of status 500 that is a GraphQL response', whole, 500],
    ['that is too large for the subgraph', 'Payload Too Large', 413],
    ['with too few entities', { data: { _entities: [{}] } }, 200],
    ['that is no JSON', '<html>', 200],
  ])('an answer %s is not shared: each sends its own call', async (_, body, status) => {
    const { callers, calls, answers } = askFor([[1], [2]]);
    await endOfTurn();
    calls[0]!.answer(body, { status });
    await endOfTurn();
    expect(calls.slice(1).map((call) => call.body.variables.representations)).toEqual([
      productsOf(1),
      productsOf(2),
    ]);
    calls[1]!.answer({ data: 1 });
    calls[2]!.answer({ data: 2 });
    expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }]);
    expect(callers.map((caller) => caller.calls.batched)).toEqual([0, 0]);
  });

  it.each<[number, unknown, string]>([
    [401, { errors: [{ message: 'who?' }] }, '{"errors":[{"message":"who?"}]}'],
    [429, 'slow down', ''],
    [502, 'Bad gateway', ''],
    [503, { data: { _entities: [{}] } }, ''],
  ])('an answer of status %i about no representation goes to all', async (status, body, told) => {
    const { calls, answers } = askFor([[1], [2]]);
    await endOfTurn();
    calls[0]!.answer(body, { status });
    for (const answer of answers) {
      expect(await answer).toEqual({ status, headers: {}, body: Buffer.from(told) });
    }
    expect(calls).toHaveLength(1);
  });

  it('of the transport go to all', async () => {
    const { calls, answers } = askFor([[1], [2]]);
    const failures = Promise.allSettled(answers);
    await endOfTurn();
    calls[0]!.fail(new TransportError('reviews', 'refused'));
    expect(await failures).toMatchObject([1, 2].map(() => ({ reason: { failure: 'refused' } })));
  });

  it('of a joint response that is too large make each send its own call', async () => {
    const { calls, answers } = askFor([[1], [2]]);
    await endOfTurn();
    calls[0]!.fail(new TransportError('reviews', 'too-large'));
    await endOfTurn();
    calls[1]!.answer({ data: 1 });
    calls[2]!.answer({ data: 2 });
    expect(await Promise.all(answers.map(answerOf))).toEqual([{ data: 1 }, { data: 2 }]);
  });

  it('that are nested too deeply to be written are a failure of the subgraph', async () => {
    const { calls, answers } = askFor([[1], [2]]);
    const failures = Promise.allSettled(answers);
    await endOfTurn();
    const error = `{"message":"a","extensions":{"a":${deepJson()}}}`;
    calls[0]!.answer(`{"data":{"_entities":[{},{}]},"errors":[${error}]}`);
    const expected = writesDeepJson ? { status: 'fulfilled' } : { reason: { failure: 'failed' } };
    expect(await failures).toMatchObject([expected, expected]);
  });
});

describe('a member of a batch', () => {
  it('leaves at its own deadline, and when its client goes', async () => {
    const now = performance.now();
    const callers = [
      callerOf({ deadline: now + 100 }),
      callerOf({ deadline: now + 5000 }),
      { ...callerOf(), isGone: false },
    ];
    const { send, calls } = batching(callers);
    const answers = callers.map((caller, i) =>
      send(entitiesRequestOf({ representations: productsOf(i), caller })),
    );
    const late = expect(answers[0]).rejects.toMatchObject({ failure: 'timeout' });
    const gone = expect(answers[2]).rejects.toMatchObject({ failure: 'aborted' });
    await endOfTurn();
    expect(calls[0]!.request.caller.deadline).toBeUndefined();
    callers[2] = Object.assign(callers[2]!, { isGone: true });
    await jest.advanceTimersByTimeAsync(200);
    await late;
    await gone;
    expect(calls[0]!.request.caller).toMatchObject({ isGone: false, deadline: now + 5000 });
    calls[0]!.answer({ data: { _entities: [0, 1, 2] } });
    expect(await answerOf(answers[1]!)).toEqual({ data: { _entities: [1] } });
  });

  it('that has left is not sent again', async () => {
    const callers = [{ ...callerOf(), isGone: false }, callerOf()];
    const { send, calls } = batching(callers);
    const answers = Promise.allSettled(
      callers.map((caller, i) => send(entitiesRequestOf({ representations: productsOf(i), caller }))),
    );
    await endOfTurn();
    Object.assign(callers[0]!, { isGone: true });
    await jest.advanceTimersByTimeAsync(50);
    calls[0]!.answer({ data: null, errors: [{ message: 'x' }] });
    await endOfTurn();
    expect(calls).toHaveLength(2);
    calls[1]!.answer({ data: 1 });
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

describe.each<[string, Record<string, string | string[]>]>([
  ['sets a cookie', { 'set-cookie': ['session=1'] }],
  ['varies with a header of one request alone', { vary: 'Accept-Encoding, X-Request-Id' }],
  ['varies with everything', { vary: '*' }],
])('an answer that %s', (_, headers) => {
  it('is not shared with other clients: each sends its own call', async () => {
    const { callers, calls, answers } = askFor([[1], [2]]);
    await endOfTurn();
    calls[0]!.answer({ data: { _entities: [1, 2].map(product).map(named) } }, { headers });
    await endOfTurn();
    expect(calls.slice(1).map(({ body }) => body.variables)).toEqual([
      { representations: productsOf(1) },
      { representations: productsOf(2) },
    ]);
    calls[1]!.answer({ data: { _entities: [{ name: 'own 1' }] } }, { headers });
    calls[2]!.answer({ data: { _entities: [{ name: 'own 2' }] } }, { headers });
    expect(await Promise.all(answers.map(answerOf))).toEqual([
      { data: { _entities: [{ name: 'own 1' }] } },
      { data: { _entities: [{ name: 'own 2' }] } },
    ]);
    expect(callers.map((caller) => caller.calls.batched)).toEqual([0, 0]);
  });

  it('is shared by all calls of one client request', async () => {
    const caller = callerOf();
    const { send, calls } = batching([caller, callerOf()]);
    const answers = [1, 2].map((upc) =>
      send(entitiesRequestOf({ representations: productsOf(upc), caller })),
    );
    await endOfTurn();
    calls[0]!.answer({ data: { _entities: [1, 2].map(product).map(named) } }, { headers });
    await Promise.all(answers);
    expect(calls).toHaveLength(1);
  });
});
