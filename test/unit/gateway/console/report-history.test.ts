import { ReportHistory } from '../../../../gateway/console/report-history';
import { Counted } from './counted';

const minute = 60_000;

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

it('tells what was counted since the start, or in the last minutes', () => {
  const counted = new Counted(0);
  const history = new ReportHistory(counted as never);
  for (let i = 1; i <= 10; i++) {
    counted.run('query Product { product { name } }', i);
    jest.advanceTimersByTime(minute);
  }
  const executions = (last?: number) => {
    const { since, operations } = history.totals(last);
    return [since, operations[0]?.executions];
  };
  expect(executions()).toEqual([0, 55]);
  expect(executions(minute)).toEqual([9 * minute, 10]);
  expect(executions(3 * minute + 1)).toEqual([6 * minute, 7 + 8 + 9 + 10]);
  expect(executions(60 * minute)).toEqual([0, 55]);
  history.stop();
});

it('keeps an hour', () => {
  const history = new ReportHistory(new Counted(0) as never);
  jest.advanceTimersByTime(200 * minute);
  expect(history.totals(24 * 60 * minute).since).toBe(140 * minute);
  history.stop();
  expect(jest.getTimerCount()).toBe(0);
});
