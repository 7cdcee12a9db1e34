/** For each test of a file: timers that the test advances. One that leaves a timer behind fails. */
export function useFakeTimers(): void {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(async () => {
    // Calls that nobody waits for any more are noticed by then.
    await jest.advanceTimersByTimeAsync(60);
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
}
