import {
  type ArrivingResponse,
  ArrivingResponses,
} from '../../../../../gateway/subgraph-calls/wire/arriving-responses';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

class Response implements ArrivingResponse {
  taken = 0;
  isPaused = false;

  constructor(
    readonly target: object,
    readonly announced: number,
  ) {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

const accounts = { name: 'accounts' };
const reviews = { name: 'reviews' };
const arriving = (limit: number) => {
  const responses = new ArrivingResponses(limit);
  return {
    comes: (response: Response, taken: number) => {
      response.taken = taken;
      responses.add(response);
    },
    ends: (response: Response) => responses.delete(response),
  };
};
const pausedOf = (responses: readonly Response[]) => responses.map(({ isPaused }) => isPaused);

it('pauses responses for which there is no room, as their heads announce', () => {
  const { comes } = arriving(1000);
  const responses = [600, 400, 1].map((announced) => new Response(accounts, announced));
  for (const response of responses) comes(response, 1);
  expect(pausedOf(responses)).toEqual([false, false, true]);
});

it('pauses responses that announce nothing once too much of them has come', () => {
  const { comes } = arriving(1000);
  const responses = [1, 2].map(() => new Response(accounts, 0));
  for (const taken of [300, 600]) for (const response of responses) comes(response, taken);
  expect(pausedOf(responses)).toEqual([false, true]);
});

it('never pauses the oldest response of a target', () => {
  const { comes } = arriving(1000);
  const responses = [accounts, accounts, reviews, reviews].map((target) => new Response(target, 5000));
  for (const response of responses) comes(response, 1);
  expect(pausedOf(responses)).toEqual([false, true, false, true]);
});

it('goes on as soon as there is room, the oldest first, and with the oldest in any case', () => {
  const { comes, ends } = arriving(1000);
  const responses = [1000, 5000, 700, 300].map((announced) => new Response(accounts, announced));
  const [first, second, third, fourth] = responses as [Response, Response, Response, Response];
  for (const response of responses) comes(response, 1);
  jest.advanceTimersByTime(100);
  expect(pausedOf(responses)).toEqual([false, true, true, true]);
  ends(first);
  jest.advanceTimersByTime(100);
  expect(pausedOf([second, third, fourth])).toEqual([false, true, true]);
  ends(second);
  jest.advanceTimersByTime(100);
  expect(pausedOf([third, fourth])).toEqual([false, false]);
});

it('keeps no timer when nothing waits', () => {
  const { comes, ends } = arriving(10);
  const responses = [1, 2].map(() => new Response(accounts, 100));
  for (const response of responses) comes(response, 1);
  expect(jest.getTimerCount()).toBe(1);
  for (const response of responses) ends(response);
  expect(jest.getTimerCount()).toBe(0);
});
