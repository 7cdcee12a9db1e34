import { resetAnswered } from '../../../../gateway/http/reset-answered';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const streamThat = (state: { destroyed?: boolean; state: { localClose: number } }) => {
  const close = jest.fn();
  const stream = { destroyed: false, close, ...state };
  resetAnswered(stream as never);
  return stream;
};

it('resets a stream at once whose answer is sent', () => {
  expect(streamThat({ state: { localClose: 1 } }).close).toHaveBeenCalledWith(0);
});

it('waits until the answer is sent', () => {
  const stream = streamThat({ state: { localClose: 0 } });
  jest.advanceTimersByTime(100);
  expect(stream.close).not.toHaveBeenCalled();
  stream.state.localClose = 1;
  jest.advanceTimersByTime(200);
  expect(stream.close).toHaveBeenCalledTimes(1);
});

it('waits 5 seconds for a client that does not read, and looks ten times', () => {
  const look = jest.spyOn(global, 'setTimeout');
  const stream = streamThat({ state: { localClose: 0 } });
  jest.advanceTimersByTime(5_000);
  expect(stream.close).not.toHaveBeenCalled();
  jest.advanceTimersByTime(200);
  expect(stream.close).toHaveBeenCalledTimes(1);
  expect(look).toHaveBeenCalledTimes(10);
  expect(jest.getTimerCount()).toBe(0);
});

it('leaves a stream alone that has ended meanwhile', () => {
  const stream = streamThat({ state: { localClose: 0 } });
  stream.destroyed = true;
  jest.runAllTimers();
  expect(stream.close).not.toHaveBeenCalled();
});
