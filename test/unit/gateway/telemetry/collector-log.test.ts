import { collectorLog } from '../../../../gateway/telemetry/collector-log';

it('logs once a minute at most that a collector takes every second request', () => {
  jest.useFakeTimers({ doNotFake: ['nextTick'] });
  const [warn, info] = [jest.fn(), jest.fn()];
  const log = collectorLog({ warn, info }, 'spans', { url: 'u' });
  log.succeeded();
  for (let second = 0; second < 150; second += 5) {
    if (second % 10 === 0) log.failed(new Error(`at ${second}`));
    else log.succeeded();
    jest.advanceTimersByTime(5000);
  }
  expect(warn.mock.calls.map(([{ err }]) => err.message)).toEqual(['at 0', 'at 60', 'at 120']);
  expect(warn).toHaveBeenCalledWith(
    { err: expect.any(Error), url: 'u' },
    'spans could not be sent to the collector',
  );
  expect(info).toHaveBeenCalledTimes(3);
  expect(info).toHaveBeenCalledWith({ url: 'u' }, 'the collector takes spans again');
  jest.useRealTimers();
});
