import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit, withTimeout } from '../../../../gateway/net/time-limit';
import { collectGarbage } from '../../../support/heap';

it('comes within AbortSignal.any, although garbage was collected before', async () => {
  const signal = AbortSignal.any([new AbortController().signal, timeLimit(100)]);
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
  for (let i = 0; i < 5; i++) {
    await sleep(10);
    collectGarbage();
  }
  // The timer of a limit does not keep a process alive.
  await Promise.race([aborted, sleep(10_000, undefined, { ref: false })]);
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

describe('work with a time', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('settles as it does, and leaves no timer behind', async () => {
    expect(await withTimeout(100, () => Promise.resolve(7))).toBe(7);
    await expect(withTimeout(100, () => Promise.reject(new Error('odd')))).rejects.toThrow('odd');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind where it fails at once', async () => {
    const failing = () => {
      throw new Error('at once');
    };
    await expect(withTimeout(100, failing)).rejects.toThrow('at once');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects when the time is over, not before', async () => {
    let ended = '';
    const waited = withTimeout(100, () => new Promise(() => undefined)).catch((error: unknown) => {
      ended = (error as Error).message;
    });
    await jest.advanceTimersByTimeAsync(99);
    expect(ended).toBe('');
    await jest.advanceTimersByTimeAsync(1);
    await waited;
    expect(ended).toBe('No answer within 100 ms.');
  });
});
