import { createPolling } from '../../../../gateway/supergraph/polling';

const never = () => new Promise<undefined>(() => undefined);
const nobody = { onSupergraph: () => undefined, onUnavailable: () => undefined };

it('begins without a supergraph when its source swallows the first look, says so, and takes the next', async () => {
  const looks = [never, () => Promise.resolve('schema')];
  const polling = createPolling({ look: () => (looks.shift() ?? never)(), interval: 1, patience: 30 });
  const reasons: string[] = [];
  const found = new Promise((onSupergraph) => {
    void polling
      .start({ onSupergraph, onUnavailable: ({ message }) => reasons.push(message) })
      .then((first) => expect(first).toBeUndefined());
  });
  expect(await found).toBe('schema');
  expect(reasons).toEqual(['The supergraph did not come within 30 ms.']);
  await polling.stop();
});

it('stops at once while a look is under way', async () => {
  const looks = [() => Promise.resolve('schema')];
  let isUnderWay!: () => void;
  const underWay = new Promise<void>((resolve) => (isUnderWay = resolve));
  const look = () => {
    const next = looks.shift();
    if (next === undefined) isUnderWay();
    return (next ?? never)();
  };
  const polling = createPolling({ look, interval: 1 });
  expect(await polling.start(nobody)).toBe('schema');
  await underWay;
  await polling.stop();
});
