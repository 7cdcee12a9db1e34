import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type * as Esbuild from 'esbuild';
import { loadPackages, missingOf, optionalPackages } from '../../optional-packages';
import { CommandFailure } from '../context';

/**
 * Bundles modules, each with all that it imports.
 *
 * @param modules absolute paths, by the name of the file without its ending
 * @param unused packages that are left out
 * @param format of what is returned: CommonJS modules, `.js`, or ES modules, `.mjs`, which may wait at their top level
 * @returns modules in ASCII alone, by file name
 * @throws {CommandFailure} if a module cannot be bundled
 * @throws {MissingPackage} if esbuild is not installed
 */
export async function bundle(
  modules: Readonly<Record<string, string>>,
  unused: readonly string[],
  format: 'cjs' | 'esm' = 'cjs',
): Promise<ReadonlyMap<string, string>> {
  const { build } = loadEsbuild();
  try {
    const { outputFiles } = await build({
      entryPoints: { ...modules },
      outdir: '.',
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      // Node 20 cannot import from code that V8 has compiled before: what is imported late is required instead.
      supported: { 'dynamic-import': false },
      format,
      ...ofFormat[format],
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      logLevel: 'silent',
      // What is missing is needed by other options and commands than these.
      external: [...unused, ...missingOf(optionalPackages)],
    });
    return new Map(outputFiles.map(({ path, text }) => [basename(path), inAscii(text)]));
  } catch (error) {
    throw new CommandFailure(`weir: the code cannot be bundled: ${(error as Error).message}`, 2);
  }
}

const ofFormat = {
  cjs: { define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' } },
  esm: {
    outExtension: { '.js': '.mjs' },
    // For the CommonJS modules in it. A module may declare a `var` of these names, too.
    banner: {
      js: "import{createRequire as weirRequire}from'node:module';var require=weirRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;",
    },
  },
} satisfies Record<string, Esbuild.BuildOptions>;

/**
 * V8 keeps code in half of the memory if all of it is ASCII. What esbuild leaves of other characters is in regular expressions,
 * which take escapes instead.
 */
export const inAscii = (code: string): string =>
  code.replace(/\\[^]|[\u0080-\uffff]/g, (found) => {
    const unit = found.charCodeAt(found.length - 1);
    return unit < 0x80 ? found : `\\u${unit.toString(16).padStart(4, '0')}`;
  });

/** It is no dependency of Weir: most never package, and it brings a program for each kind of machine. */
function loadEsbuild(): typeof Esbuild {
  try {
    return createRequire(join(process.cwd(), 'package.json'))('esbuild') as typeof Esbuild;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    const load = () => createRequire(__filename)('esbuild') as typeof Esbuild;
    return loadPackages('packaging', ['esbuild'], load);
  }
}
