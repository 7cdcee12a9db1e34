/**
 * What starts a package that `weir package` has written: checks its parts, and runs its code. It is bundled apart from the
 * code, which it checks, too, so it imports nothing but Node.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';
import { PackageError } from './package-error';

/** The file that lists the parts of a package. */
export const packageFile = 'weir-package.json';
/** The code of a package, and what V8 has compiled of it. The second may be missing. */
export const codeFile = 'code.js';
export const cacheFile = 'code.cache';

export interface PackageManifest {
  /** The version of Weir that wrote it. */
  readonly weir: string;
  /** The version of Node that compiled the code. Another one compiles it anew at each start. */
  readonly node: string;
  /** The SHA-256 of each part, in hex, by its file name. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The parts of a package by their file names. */
export type Parts = ReadonlyMap<string, Buffer>;

/** What the code of a package exports. */
export interface PackagedCode {
  /** Resolves with a handler of AWS Lambda. */
  open(folder: string, parts: Parts): Promise<unknown>;
  /** Runs what the first events will run, so that V8 compiles it. */
  rehearse?(folder: string, parts: Parts): Promise<void>;
}

/** The handler of the package in a folder. Rejects with a `PackageError` if one of its parts is not what was packaged. */
export async function load(folder: string): Promise<unknown> {
  const parts = readParts(folder);
  return runCode(compileCode(folder, parts), folder).open(folder, parts);
}

/** @throws {PackageError} with the part that is missing, or is not what was packaged */
export function readParts(folder: string): Parts {
  const { parts } = readManifest(folder);
  return new Map(
    Object.entries(parts).map(([name, digest]) => {
      const content = readPart(folder, name);
      if (sha256(content) !== digest)
        throw new PackageError(
          `The package in ${folder} is not run: ${name} is not what was packaged, as its SHA-256 differs. Package it again.`,
        );
      return [name, content];
    }),
  );
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function readManifest(folder: string): PackageManifest {
  const text = readPart(folder, packageFile).toString();
  try {
    return JSON.parse(text) as PackageManifest;
  } catch (error) {
    throw new PackageError(
      `The package in ${folder} is not run: ${packageFile} is not JSON. Package it again.`,
      {
        cause: error,
      },
    );
  }
}

function readPart(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    throw new PackageError(
      `The package in ${folder} is not run: ${name} cannot be read (${(error as Error).message}). Package it again.`,
      { cause: error },
    );
  }
}

/** V8 takes what it has compiled before, if this is the same version with the same flags; otherwise it compiles anew. */
export function compileCode(folder: string, parts: Parts): Script {
  return new Script(wrap(parts.get(codeFile)!.toString()), {
    filename: join(folder, codeFile),
    cachedData: parts.get(cacheFile),
    // Options may name modules.
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

export function runCode(script: Script, folder: string): PackagedCode {
  const file = join(folder, codeFile);
  const module = { exports: {} as PackagedCode };
  const run = script.runInThisContext() as (...given: unknown[]) => void;
  run.call(module.exports, module.exports, createRequire(file), module, file, folder);
  return module.exports;
}
