import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '../../../../gateway/net/time-limit';
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
