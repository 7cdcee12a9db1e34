import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './documentation';
import { readerIn } from './page-steps';
import { endAll } from './process';

/** A reader of a page in an empty folder in which Weir is installed. */
export function installedReader() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-e2e-')));
  const reader = readerIn(folder);
  // As `npm install` leaves it, for who takes a folder.
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/weir'));
  for (const name of ['graphql', 'zod'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  symlinkSync('../weir/cli/weir.mjs', join(folder, 'node_modules/.bin/weir'));
  return {
    take: reader.take,
    async stop() {
      await reader.stop();
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How many processes wait for a core: a promise in seconds is one for a machine that has nothing else to do. */
export function crowding(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}
