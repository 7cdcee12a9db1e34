import { polling } from '../../../../gateway/discovery/polling';
import { targetOf } from '../../../../gateway/options/targets';
import { collectGarbage } from '../../../support/heap';
import { eventually } from '../../../support/process';

it('keeps nothing of questions that were answered', async () => {
  const asked: WeakRef<AbortSignal>[] = [];
  const resolver = polling(
    (_, signal) => {
      signal.addEventListener('abort', () => undefined, { once: true });
      asked.push(new WeakRef(signal));
      return Promise.resolve({ instances: [], freshFor: 1 });
    },
    { interval: 1 },
  );
  const watcher = { found: () => undefined, failed: () => undefined };
  const stop = resolver.watch(targetOf('dns://stock.test'), watcher);
  await eventually(() => asked.length > 10);
  await eventually(() => {
    collectGarbage();
    return asked.slice(0, 10).every((each) => each.deref() === undefined);
  });
  stop();
});
