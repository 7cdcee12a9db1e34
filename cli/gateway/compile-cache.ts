import { lstatSync, mkdirSync } from 'node:fs';
import nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Has what V8 has compiled kept for the next start: in this process, its threads and its children. Bundles are kept by
 * `runCached`. Other modules are kept by Node when a process or thread ends, which Node 20 cannot do.
 *
 * The folder is `weir` in `XDG_CACHE_HOME` or `~/.cache`. What is in it is run, so nothing is kept in a folder that others
 * may write to, such as one in a shared `/tmp`. `NODE_COMPILE_CACHE` names another one, and `NODE_DISABLE_COMPILE_CACHE=1`
 * forbids it: Node itself follows both.
 *
 * @param env gets `NODE_COMPILE_CACHE`, by which threads and children know the folder
 * @param node Node's `node:module`
 */
export function keepCompiled(
  env: Record<string, string | undefined>,
  node: CompileCache = nodeModule as CompileCache,
): void {
  const isDecided = Boolean(env['NODE_COMPILE_CACHE'] ?? env['NODE_DISABLE_COMPILE_CACHE']);
  if (isDecided) return;
  const folder = ownFolder(env);
  if (folder === undefined) return;
  node.enableCompileCache?.(folder);
  env['NODE_COMPILE_CACHE'] = folder;
}

/** From Node 22.8 on. */
interface CompileCache {
  readonly enableCompileCache?: (folder: string) => unknown;
}

/** Undefined where there is none that only this user may write to. */
function ownFolder({ XDG_CACHE_HOME: caches }: Record<string, string | undefined>): string | undefined {
  try {
    const folder = join(caches || join(homedir(), '.cache'), 'weir');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const isOwn = process.getuid === undefined || found.uid === process.getuid();
    return found.isDirectory() && isOwn && (found.mode & writableByOthers) === 0 ? folder : undefined;
  } catch {
    // The user has no home, or may not write there.
    return undefined;
  }
}

/** Of a file mode: by the group, or by all. */
const writableByOthers = 0o022;
