import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

type ProcessVariables = Readonly<Record<string, string | undefined>>;

/**
 * Runs a bundle, a CommonJS module in ASCII alone, with what V8 has compiled of it before. Node's own compile cache has no
 * function that was called after its module was loaded, and Node 20 has no such cache. The folder is the same: that of
 * `NODE_COMPILE_CACHE`. Without one, or if the file is no JavaScript, the module is just required.
 */
export function runCached<Exports>(
  file: string,
  { NODE_COMPILE_CACHE: folder, NODE_DISABLE_COMPILE_CACHE: disabled }: ProcessVariables,
): CachedCode<Exports> {
  if (!folder || disabled || extname(file) !== '.js')
    return { exports: require(file) as Exports, save: () => undefined };
  const code = readPages(file, wrapper);
  const tag = cachedDataVersionTag();
  const cache = new CacheFile(join(folder, nameOf(file, tag)), code.bytes);
  const cached = cache.read();
  const script = new Script(code.bytes.toString('latin1'), {
    filename: file,
    columnOffset: -wrapper.begin.length,
    cachedData: cached?.data,
  });
  code.release();
  cached?.release();
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
  const ofFile = sha256(file).toString('hex').slice(0, 8);
  return `${basename(file, '.js')}-${version}-${platform}-${arch}-${tag.toString(16)}-${ofFile}.cache`;
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
  read(): { readonly data: Buffer; readonly release: () => void } | undefined {
    let content: Pages;
    try {
      content = readPages(this.#path);
    } catch {
      return undefined;
    }
    const { bytes, release } = content;
    const data = bytes.subarray(2 * digestLength);
    if (Buffer.concat([this.#code, sha256(data)]).equals(bytes.subarray(0, 2 * digestLength)))
      return { data, release };
    release();
    return undefined;
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

interface Pages {
  readonly bytes: Buffer;
  /** Gives the memory back; `bytes` is empty then. */
  readonly release: () => void;
}

/**
 * Reads a file between two texts in ASCII. A resizable `ArrayBuffer` has pages of its own, which can be given back at once. A
 * Buffer stays until a full collection. Once that has freed a piece of several megabytes, glibc keeps as much free memory for
 * each thread: a process that has just started had 14 MB more.
 */
function readPages(file: string, around = { begin: '', end: '' }): Pages {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const length = around.begin.length + size + around.end.length;
    const pages = new ArrayBuffer(length, { maxByteLength: length });
    const bytes = Buffer.from(pages);
    bytes.write(around.begin, 'latin1');
    bytes.write(around.end, length - around.end.length, 'latin1');
    for (let read = 0; read < size;) {
      const got = readSync(descriptor, bytes, around.begin.length + read, size - read, null);
      if (got === 0) throw new Error(`${file} was cut while it was read.`);
      read += got;
    }
    return { bytes, release: () => pages.resize(0) };
  } finally {
    closeSync(descriptor);
  }
}

const digestLength = 32;

const sha256 = (content: string | Buffer): Buffer => createHash('sha256').update(content).digest();
