import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Esbuild from 'esbuild';
import { CommandFailure } from '../context';

/**
 * Bundles modules, each with all that it imports, into files of a folder.
 *
 * @param modules absolute paths, by the name of the file without `.js`
 * @param unused packages that are left out
 * @throws {CommandFailure} where esbuild is not installed, or a module cannot be bundled
 */
export async function bundle(
  modules: Readonly<Record<string, string>>,
  folder: string,
  unused: readonly string[],
): Promise<void> {
  const { build } = loadEsbuild();
  try {
    await build({
      entryPoints: { ...modules },
      outdir: folder,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'cjs',
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      logLevel: 'silent',
      define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
      external: [...unused],
    });
  } catch (error) {
    throw new CommandFailure(`weir: the code cannot be bundled: ${(error as Error).message}`, 2);
  }
}

/** It is no dependency of Weir: most never package, and it brings a program for each kind of machine. */
function loadEsbuild(): typeof Esbuild {
  for (const from of [join(process.cwd(), 'package.json'), __filename])
    try {
      return createRequire(from)('esbuild') as typeof Esbuild;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  throw new CommandFailure(
    'weir: packaging needs esbuild, which is not installed here: run `npm install --save-dev esbuild`.',
    2,
  );
}
