/**
 * A process of `weir package`: runs the code of a package, and writes what V8 has compiled meanwhile beside it. The argument
 * is the folder of the package.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFile, readPackage, runCode } from './loader';

async function makeCache(folder: string): Promise<void> {
  const { script, parts } = readPackage(folder);
  await runCode(script, folder).rehearse?.(folder, parts);
  writeFileSync(join(folder, cacheFile), script.createCachedData());
}

void makeCache(process.argv[2]!).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
