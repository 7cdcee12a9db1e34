import { watchOptions } from '../../../cli/watch-options';

it('has options read once more for all that asks for it while they are read, and no more once it has stopped', async () => {
  const watch = watchOptions(undefined);
  const ends: (() => void)[] = [];
  watch.begin(() => new Promise((resolve) => ends.push(resolve)));
  const hangUp = (times: number): void => {
    for (let i = 0; i < times; i++) process.emit('SIGHUP', 'SIGHUP');
  };
  const end = async (): Promise<void> => {
    ends.at(-1)!();
    await new Promise(setImmediate);
  };
  hangUp(20);
  expect(ends).toHaveLength(1);
  await end();
  expect(ends).toHaveLength(2);
  await end();
  expect(ends).toHaveLength(2);
  hangUp(2);
  watch.stop();
  await end();
  expect(ends).toHaveLength(3);
});
