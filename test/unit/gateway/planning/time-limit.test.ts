import { TimeOver, withTimeLimit } from '../../../../gateway/planning/time-limit';
import { processorTime } from '../../../support/times';

describe('a time limit', () => {
  it('returns what the work returns, and throws what it throws', () => {
    const failure = new RangeError('It fails.');
    expect(withTimeLimit(1000, () => 'done')).toBe('done');
    expect(() =>
      withTimeLimit(1000, () => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(() =>
      withTimeLimit(1000, () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- a planner may throw anything
        throw undefined;
      }),
    ).toThrow();
  });

  it('ends work that takes longer, wherever it is, and can be used again', async () => {
    for (let time = 0; time < 3; time++) {
      let turns = 0;
      const endless = (): void => {
        for (;;) turns++;
      };
      const took = await processorTime(() => expect(() => withTimeLimit(20, endless)).toThrow(TimeOver));
      expect(turns).toBeGreaterThan(0);
      expect(took).toBeLessThan(500);
    }
  });
});
