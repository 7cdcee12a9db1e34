/**
 * What starts a package that `weir package` has written: checks its parts, and runs its code. It is bundled apart from the
 * code, which it checks, too, so it imports nothing but Node.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { PackageError } from './package-error';

/** The file that lists the parts of a package. */
export const packageFile = 'weir-package.json';
/**
 * The code of a package, a function around a CommonJS module in ASCII alone, and what V8 has compiled of it. The second may be
 * missing.
 */
export const codeFile = 'code.js';
export const cacheFile = 'code.cache';

export interface PackageManifest {
  /** The version of Weir that wrote it. */
  readonly weir: string;
  /** The Node that compiled the code: `builtFor` of it. Another one compiles it anew at each start. */
  readonly node: string;
  /** The SHA-256 of each part, in hex, by its file name. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The parts of a package that are no code, by their file names. */
export type PackageTexts = ReadonlyMap<string, string>;

/** What the code of a package exports. */
export interface PackagedCode {
  /**
   * Resolves with the handlers of AWS Lambda, by the names that the package exports.
   *
   * @param importModule imports the module of a URL, which code that V8 has compiled before cannot do on Node 20
   */
  open(
    folder: string,
    parts: PackageTexts,
    importModule: (url: string) => Promise<unknown>,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** Runs what the first events will run, so that V8 compiles it. */
  rehearse?(folder: string, parts: PackageTexts): Promise<void>;
}

export interface ReadPackage {
  /** The code. Its `cachedDataRejected` is false where V8 has nothing to compile. */
  readonly script: Script;
  readonly parts: PackageTexts;
  /** What the code was compiled for, as `builtFor`. */
  readonly node: string;
}

/** The handlers of the package in a folder. Rejects with a `PackageError` if one of its parts is not what was packaged. */
export async function load(
  folder: string,
  importModule: (url: string) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  const { script, parts, node } = readPackage(folder);
  if (script.cachedDataRejected !== false) warn(node);
  return runCode(script, folder).open(folder, parts, importModule);
}

function warn(node: string): void {
  const why =
    node === builtFor
      ? 'V8 refuses it, such as for the flags of NODE_OPTIONS'
      : `it is of Node ${node}, but this is Node ${builtFor}`;
  process.emitWarning(`The package starts slower than it could, without its ${cacheFile}: ${why}.`);
}

/** Such as `24.11.0 linux x64`. What V8 has compiled is safe with this alone: it does not notice each change of Node. */
export const builtFor = `${process.versions.node} ${process.platform} ${process.arch}`;

/**
 * Reads all parts of a package, and runs none of them.
 * @throws {PackageError} with the part that is missing, or is not what was packaged
 */
export function readPackage(folder: string): ReadPackage {
  const { node, parts } = readManifest(folder);
  const read = partReader(folder, parts);
  // The code first, as it is the largest part; what is compiled last, as it is used where it was read.
  const code = read(codeFile).toString('latin1');
  const others = Object.keys(parts).filter((name) => name !== codeFile && name !== cacheFile);
  const texts = others.flatMap((name): [string, string][] => {
    const content = read(name);
    return /\.m?js$/.test(name) ? [] : [[name, content.toString()]];
  });
  const cache = cacheFile in parts ? read(cacheFile) : undefined;
  const script = compileCode(code, node === builtFor ? cache : undefined);
  return { script, parts: new Map(texts), node };
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** @throws {PackageError} if the folder has none */
export function readManifest(folder: string): PackageManifest {
  let text: string;
  try {
    text = readFileSync(join(folder, packageFile), 'utf8');
  } catch (error) {
    throw notRun(folder, `${packageFile} cannot be read (${(error as Error).message})`, error);
  }
  try {
    return JSON.parse(text) as PackageManifest;
  } catch (error) {
    throw notRun(folder, `${packageFile} is not JSON`, error);
  }
}

/** Returns a function that reads a part and checks it. The next call overwrites what it returns, to save memory. */
function partReader(folder: string, digests: PackageManifest['parts']): (name: string) => Buffer {
  let memory = Buffer.alloc(0);
  const readWhole = (name: string): Buffer => {
    const file = openSync(join(folder, name), 'r');
    try {
      const { size } = fstatSync(file);
      if (size > memory.length) memory = Buffer.allocUnsafeSlow(size);
      let length = 0;
      for (let got = -1; got !== 0 && length < size; length += got)
        got = readSync(file, memory, length, size - length, null);
      return memory.subarray(0, length);
    } finally {
      closeSync(file);
    }
  };
  return (name) => {
    let content: Buffer;
    try {
      content = readWhole(name);
    } catch (error) {
      throw notRun(folder, `${name} cannot be read (${(error as Error).message})`, error);
    }
    if (sha256(content) === digests[name]) return content;
    throw notRun(folder, `${name} is not what was packaged, as its SHA-256 differs`);
  };
}

const notRun = (folder: string, why: string, cause?: unknown): PackageError =>
  new PackageError(`The package in ${folder} is not run: ${why}. Package it again.`, { cause });

function compileCode(code: string, cachedData: Buffer | undefined): Script {
  for (const flag of flagsOfDefault) setFlagsFromString(flag);
  return new Script(code, { filename: codeFile, cachedData });
}

/**
 * V8 takes what it has compiled only with the same flags. Lambda starts Node with these by other values, for the size of the
 * heap and `gc`. They have had their effect when this runs, and change nothing of what is compiled.
 */
const flagsOfDefault = ['--no-expose-gc', '--max-semi-space-size=0', '--max-old-space-size=0'];

export function runCode(script: Script, folder: string): PackagedCode {
  const file = join(folder, codeFile);
  const module = { exports: {} as PackagedCode };
  const run = script.runInThisContext() as (...given: unknown[]) => void;
  run.call(module.exports, module.exports, createRequire(file), module, file, folder);
  return module.exports;
}
