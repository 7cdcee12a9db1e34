import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { threadId } from 'node:worker_threads';

export interface CachedCode<Exports> {
  readonly exports: Exports;
  /**
   * Keeps what V8 has compiled so far, for the next start. Called after the code has run what a start runs: V8 compiles a
   * function when it is first called, and forgets it when it is not called for long. Does nothing if the cache was good, or
   * while V8 has other flags than when the code was loaded.
   */
  readonly save: () => void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs a bundle, a CommonJS module in ASCII alone, with what V8 has compiled of it before. Node's own compile cache has no
 * function that was called after its module was loaded, and Node 20 has no such cache. The folder is the same: that of
 * `NODE_COMPILE_CACHE`. Without one, or if the file is no JavaScript, the module is just required.
 */
export function runCached<Exports>(
  file: string,
  { NODE_COMPILE_CACHE: folder, NODE_DISABLE_COMPILE_CACHE: disabled }: Environment,
): CachedCode<Exports> {
  if (!folder || disabled || extname(file) !== '.js')
    return { exports: require(file) as Exports, save: () => undefined };
  const code = readFileSync(file);
  const tag = cachedDataVersionTag();
  const cache = new CacheFile(join(folder, nameOf(file, tag)), code);
  const script = new Script(`${wrapper.begin}${code.toString('latin1')}${wrapper.end}`, {
    filename: file,
    columnOffset: -wrapper.begin.length,
    cachedData: cache.read(),
  });
  const module = { exports: {} as Exports };
  const run = script.runInThisContext() as (...given: unknown[]) => void;
  run.call(module.exports, module.exports, createRequire(file), module, file, dirname(file));
  return {
    exports: module.exports,
    save: () => {
      if (script.cachedDataRejected !== false && cachedDataVersionTag() === tag)
        cache.write(script.createCachedData());
    },
  };
}

const wrapper = { begin: '(function (exports, require, module, __filename, __dirname) {', end: '\n})' };

/** V8 does not notice each other build of it, and may crash with the cache of one. */
function nameOf(file: string, tag: number): string {
  const { version, arch, platform } = process;
  const place = sha256(file).toString('hex').slice(0, 8);
  return `${basename(file, '.js')}-${version}-${platform}-${arch}-${tag.toString(16)}-${place}.cache`;
}

/** The digest of the code, that of what V8 has compiled, and the latter. */
class CacheFile {
  readonly #path: string;
  readonly #code: Buffer;

  constructor(path: string, code: Buffer) {
    this.#path = path;
    this.#code = sha256(code);
  }

  /** Undefined where there is none, it is of other code, or it is damaged. */
  read(): Buffer | undefined {
    let content: Buffer;
    try {
      content = readFileSync(this.#path);
    } catch {
      return undefined;
    }
    const data = content.subarray(2 * digestLength);
    const isWhole = Buffer.concat([this.#code, sha256(data)]).equals(content.subarray(0, 2 * digestLength));
    return isWhole ? data : undefined;
  }

  /** Nothing is lost where it cannot be written: then the next start compiles again. */
  write(data: Buffer): void {
    const draft = `${this.#path}.${process.pid}-${threadId}`;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(draft, Buffer.concat([this.#code, sha256(data), data]), { mode: 0o600 });
      renameSync(draft, this.#path);
    } catch {
      removeIfPossible(draft);
    }
  }
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is in a folder that is none.
  }
}

const digestLength = 32;

const sha256 = (content: string | Buffer): Buffer => createHash('sha256').update(content).digest();
