import { mkdtempSync, rmSync, unwatchFile, watchFile, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchOptions } from '../../../../cli/gateway/watch-options';

it('reads options once more for all changes during a read, and not after it has stopped', async () => {
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

it('reads options when their file is created, and not for a missing file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-watch-'));
  const [config, other] = [join(folder, 'weir.yaml'), join(folder, 'other.yaml')];
  const watch = watchOptions(config, { hangup: false });
  try {
    let isThere = false;
    const read: boolean[] = [];
    const came = new Promise<void>((resolve) => {
      watch.begin(async () => {
        read.push(isThere);
        if (isThere) resolve();
      });
    });
    // Looked at after the first file: when this one was found missing, so was that.
    await new Promise<void>((resolve) => watchFile(other, { interval: 50 }, () => resolve()));
    isThere = true;
    writeFileSync(config, 'port: 4000');
    await came;
    expect(read).toEqual([true]);
  } finally {
    watch.stop();
    unwatchFile(other);
    rmSync(folder, { recursive: true });
  }
});
