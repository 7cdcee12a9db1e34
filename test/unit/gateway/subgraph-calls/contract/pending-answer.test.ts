import {
  conclude,
  follow,
  PendingAnswer,
} from '../../../../../gateway/subgraph-calls/contract/pending-answer';

const noEffect = (): void => undefined;

/** Both kinds of promises that calls are made of: each with how its owner settles it. */
const kinds = [
  [
    'a pending answer',
    () => {
      const answer = new PendingAnswer<number>();
      return {
        answer: answer as Promise<number>,
        resolve: (value: number) => answer.resolve(value),
        reject: (error: Error) => answer.reject(error),
      };
    },
  ],
  [
    'a promise of another kind',
    () => {
      let [resolve, reject]: [(value: number) => void, (error: Error) => void] = [noEffect, noEffect];
      const answer = new Promise<number>((...both) => ([resolve, reject] = both));
      return { answer, resolve, reject };
    },
  ],
] as const;

const add = (value: number, more: number): number => value + more;
const double = (value: number): number => 2 * value;
const rethrow = (error: unknown): never => {
  throw error;
};

describe.each(kinds)('%s', (_, begin) => {
  it('passes an answer through those that follow it, each with its own context', async () => {
    const { answer, resolve } = begin();
    const last = follow(follow(answer, 10, add, rethrow), undefined, double, undefined);
    resolve(1);
    expect(await last).toBe(22);
  });

  it('passes a failure by those that want answers alone', async () => {
    const { answer, reject } = begin();
    const answered = jest.fn(double);
    const last = follow(follow(answer, 1, answered, undefined), 7, undefined, (error, context) => {
      expect(error).toEqual(new Error('lost'));
      return context;
    });
    reject(new Error('lost'));
    expect(await last).toBe(7);
    expect(answered).not.toHaveBeenCalled();
  });

  it('passes an answer by those that want failures alone', async () => {
    const { answer, resolve } = begin();
    const last = follow(answer, undefined, undefined, () => 0);
    resolve(3);
    expect(await last).toBe(3);
  });

  it('fails with what one of them throws', async () => {
    const { answer, resolve } = begin();
    const last = follow(
      answer,
      undefined,
      () => {
        throw new Error('wrong');
      },
      undefined,
    );
    resolve(1);
    await expect(last).rejects.toThrow('wrong');
  });

  it.each([
    ['answer', async () => 5, 15],
    ['failure', async () => Promise.reject(new Error('later')), -1],
  ])('waits for one that returns a promise of an %s', async (_kind, later, expected) => {
    const { answer, resolve } = begin();
    const waited = follow(answer, undefined, later, undefined);
    const last = follow(waited, 10, add, () => -1);
    resolve(1);
    expect(await last).toBe(expected);
  });

  it('tells the last one the answer', async () => {
    const { answer, resolve } = begin();
    const told = new Promise((answered, failed) => conclude(answer, 'x', (...all) => answered(all), failed));
    resolve(1);
    expect(await told).toEqual([1, 'x']);
  });

  it('tells the last one the failure', async () => {
    const { answer, reject } = begin();
    const told = new Promise((failed, answered) => conclude(answer, 'x', answered, (...all) => failed(all)));
    reject(new Error('lost'));
    expect(await told).toEqual([new Error('lost'), 'x']);
  });

  it('may be awaited by several, before it is settled and after', async () => {
    const { answer, resolve } = begin();
    const early = answer.then(double);
    const other = answer.finally(() => undefined);
    resolve(4);
    expect(await Promise.all([early, other, answer, answer.catch(() => 0)])).toEqual([8, 4, 4, 4]);
    expect(await answer).toBe(4);
  });

  it('rejects for all that await it', async () => {
    const { answer, reject } = begin();
    const early = answer.catch(String);
    reject(new Error('lost'));
    expect(await early).toBe('Error: lost');
    await expect(answer).rejects.toThrow('lost');
    await expect(answer.finally(() => undefined)).rejects.toThrow('lost');
  });

  it('calls those that follow it late, but never at once', async () => {
    const { answer, resolve } = begin();
    resolve(1);
    await answer;
    const answered = jest.fn(double);
    const last = follow(answer, undefined, answered, undefined);
    expect(answered).not.toHaveBeenCalled();
    expect(await last).toBe(2);
  });
});

it('calls its followers at once when it is settled', () => {
  const answer = new PendingAnswer<number>();
  const told: number[] = [];
  conclude(follow(answer, 10, add, undefined), undefined, (value) => told.push(value), rethrow);
  answer.resolve(1);
  expect(told).toEqual([11]);
});

it('is settled once', async () => {
  const answer = new PendingAnswer<number>();
  answer.resolve(1);
  answer.resolve(2);
  answer.reject(new Error('too late'));
  expect(await answer).toBe(1);
});
