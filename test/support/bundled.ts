import { buildSync, type BuildOptions } from 'esbuild';

/** Puts a program and all that it imports into one file: a process of it starts in half of the time, and needs no build. */
export function bundle(
  outfile: string,
  program: Pick<BuildOptions, 'entryPoints' | 'stdin' | 'external'>,
): void {
  buildSync({
    ...program,
    outfile,
    bundle: true,
    platform: 'node',
    logLevel: 'error',
    // No file of the bundle is the one that node was started with.
    define: { 'require.main': 'undefined' },
  });
}
