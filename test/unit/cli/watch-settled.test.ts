/** When cli/gateway/watch-options.ts reads a changed options file: looks and the state of files are the test's own. */
import { watchOptions } from '../../../cli/gateway/watch-options';

interface State {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}
const files = new Map<string, State>();
function mockFound(file: string): State {
  const state = files.get(file);
  if (state === undefined) throw new Error('ENOENT');
  return state;
}
jest.mock('node:fs', () => ({
  ...jest.requireActual<object>('node:fs'),
  statSync: (file: string) => mockFound(file),
}));
jest.mock('node:fs/promises', () => ({ stat: async (file: string) => mockFound(file) }));

const write = (file: string, size: number, mtimeNs = size, ino = 1): unknown =>
  files.set(file, { ino: BigInt(ino), size: BigInt(size), mtimeNs: BigInt(mtimeNs) });
const look = (times = 1): Promise<void> => jest.advanceTimersByTimeAsync(1_000 * times);

let reloads = 0;
let watch: ReturnType<typeof watchOptions>;
beforeEach(() => {
  jest.useFakeTimers();
  files.clear();
  write('weir.yaml', 100);
  reloads = 0;
  watch = watchOptions('weir.yaml');
  watch.begin(() => {
    reloads++;
    return Promise.resolve();
  });
});
afterEach(() => {
  watch.stop();
  jest.useRealTimers();
});

it('reads a file only when two looks in a row find it unchanged', async () => {
  await look(3);
  for (let size = 0; size < 5; size++) {
    write('weir.yaml', size);
    await look();
  }
  expect(reloads).toBe(0);
  await look();
  expect(reloads).toBe(1);
  await look(3);
  expect(reloads).toBe(1);
});

it('reads a file of the same size and time that has replaced the one before', async () => {
  write('weir.yaml', 100, 100, 2);
  await look(2);
  expect(reloads).toBe(1);
});

it('reads at once with SIGHUP, and an edit that came with it no second time', async () => {
  write('weir.yaml', 101);
  await look();
  process.emit('SIGHUP');
  expect(reloads).toBe(1);
  await look(3);
  expect(reloads).toBe(1);
  write('weir.yaml', 102);
  process.emit('SIGHUP');
  await look(3);
  expect(reloads).toBe(2);
});

it('waits for all files that the options refer to, also for one that was gone', async () => {
  watch.follow(['key', 'manifest.json']);
  write('key', 10);
  await look();
  write('manifest.json', 10);
  await look();
  expect(reloads).toBe(0);
  await look();
  expect(reloads).toBe(1);
  files.delete('key');
  await look(2);
  expect(reloads).toBe(2);
});
