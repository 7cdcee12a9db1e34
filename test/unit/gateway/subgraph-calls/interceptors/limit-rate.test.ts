import { limitRate } from '../../../../../gateway/subgraph-calls/interceptors/limit-rate';
import type { Send } from '../../../../../gateway/subgraph-calls/contract/transport';
import { type HeldCall, holdCalls } from '../../../../support/held-send';
import { requestOf } from '../../../../support/subgraph-request';

let calls: HeldCall[];
let send: Send;

function open(wait: number): void {
  const held = holdCalls();
  calls = held.calls;
  send = limitRate({ limit: 2, window: 1000, wait })(held.send);
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const after = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const ask = (): Promise<unknown> => send(requestOf('{a}')).catch((error: unknown) => error);

const refusal = {
  code: 'SUBGRAPH_RATE_LIMITED',
  message: 'Subgraph "reviews" was not called: it has had as many calls as its `rate` allows.',
  cause: { message: 'The limit is 2 calls in 1000 ms.' },
};

it('refuses calls beyond the limit at once, and names it', async () => {
  open(0);
  void ask();
  await after(600);
  void ask();
  expect(await ask()).toMatchObject(refusal);
  expect(calls).toHaveLength(2);
});

it('sends no more than the limit in any time of the window', async () => {
  open(0);
  void ask();
  await after(600);
  void ask();
  await after(400);
  // The first one is a second old, the other one is not.
  void ask();
  expect(calls).toHaveLength(3);
  expect(await ask()).toMatchObject(refusal);
  await after(600);
  void ask();
  expect(calls).toHaveLength(4);
});

it('keeps calls waiting as long as they may, in their order, and refuses those that would wait longer', async () => {
  open(1500);
  void ask();
  void ask();
  const waiting = [send(requestOf('{b}')), send(requestOf('{c}'))];
  // Two seconds.
  expect(await ask()).toMatchObject(refusal);
  await after(999);
  expect(calls).toHaveLength(2);
  await after(1);
  expect(calls.map(({ body }) => body.query)).toEqual(['{a}', '{a}', '{b}', '{c}']);
  for (const call of calls) call.answer({ data: {} });
  expect(await Promise.all(waiting)).toHaveLength(2);
});

it('passes on why a call failed that has waited', async () => {
  open(1000);
  void ask();
  void ask();
  const failed = ask();
  await after(1000);
  const error = new Error('gone');
  calls[2]!.fail(error as never);
  expect(await failed).toBe(error);
});
