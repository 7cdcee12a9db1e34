import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { wrap } from 'node:module';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { builtFor, codeFile, packageFile, type PackageManifest, sha256 } from '../../gateway/packaged/loader';
import { CommandFailure, type Context } from '../context';
import { packageVersion } from '../own-package';
import { makeFolder } from '../terminal/make-folder';
import { bundle } from './bundle';

export interface PackageContent {
  /** The names of the handlers that the code opens. */
  readonly handlers: readonly string[];
  /** The modules that are bundled, each with all that it imports, by the name of the file without `.js`. */
  readonly sources: Readonly<Record<string, string>>;
  /** The same, for what is bundled to ES modules: the name of the file without `.mjs`. @default none */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Packages that they import and never need. */
  readonly unused: readonly string[];
  /** Further parts, by file name, which may be in a folder. */
  readonly files: ReadonlyMap<string, string>;
  /** Called with the folder of the whole package before it replaces another one; rejects if it cannot be used. @default it can */
  readonly check?: (folder: string) => Promise<void>;
  readonly env: Context['env'];
}

/** The modules of a gateway: what opens it. */
export const gatewaySources = (): Readonly<Record<string, string>> => ({
  [nameOf(codeFile)]: moduleIn('gateway/lambda/packaged-handler'),
});

/**
 * What a gateway of options alone, with a supergraph that is fixed, never loads on Lambda: other sources of supergraphs, the
 * server for operators, and what `refuseOnLambda` refuses.
 */
export const unusedByGateway: readonly string[] = [
  ...['@graphql-inspector/core', 'fastify'],
  ...['@aws-sdk/client-cloudfront', '@aws-sdk/client-s3', '@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
];

/** On Lambda a subgraph has the DynamoDB of AWS. */
export const unusedBySubgraphs: readonly string[] = ['dynalite', 'level'];

/**
 * Writes a package: a folder with bundled code, what V8 has compiled of it, further files, and the list of all these parts.
 * Another package in its place is replaced once this one is whole and has run.
 *
 * @returns the size of each part in bytes, by file name
 * @throws {CommandFailure} if the folder has something else, or cannot be written
 */
export async function writePackage(
  folder: string,
  { handlers, sources, extensions = {}, unused, files, check, env }: PackageContent,
): Promise<ReadonlyMap<string, number>> {
  await refuseOthers(folder);
  const draft = `${folder}.${process.pid}.draft`;
  try {
    await makeFolder(draft);
    for (const [name, text] of files) {
      await makeFolder(dirname(join(draft, name)));
      await writeFile(join(draft, name), text);
    }
    await writeFile(join(draft, 'index.mjs'), entryFor(handlers));
    // The code finds its version here, and Node that it is CommonJS.
    const about = { name: 'weir-package', version: packageVersion(), type: 'commonjs', private: true };
    await writeFile(join(draft, 'package.json'), JSON.stringify(about));
    const modules = { ...sources, [loaderName]: moduleIn('gateway/packaged/loader') };
    for (const [name, code] of await bundle(modules, unused))
      await writeFile(join(draft, name), name === codeFile ? wrap(code) : code);
    for (const [name, code] of await bundle(extensions, unused, 'esm'))
      await writeFile(join(draft, name), code);
    await listParts(draft);
    await compile(draft, env);
    const sizes = await listParts(draft);
    await check?.(draft);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    return sizes;
  } catch (error) {
    if (error instanceof CommandFailure || (error as NodeJS.ErrnoException).syscall === undefined)
      throw error;
    throw new CommandFailure(`weir: ${folder} cannot be written: ${(error as Error).message}.`, 2);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Such as "12.3 MB". */
export function sizeOf(parts: ReadonlyMap<string, number>): string {
  const bytes = [...parts.values()].reduce((sum, size) => sum + size, 0);
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const loaderName = 'loader';

/** An ES module, so that Lambda waits until the package is open before it sends the first event. */
const entryFor = (handlers: readonly string[]): string =>
  `import loader from './${loaderName}.js';\nexport const { ${handlers.join(', ')} } = await loader.load(import.meta.dirname, (url) => import(url));\n`;

/** Whatever else is in the folder is not ours to delete. */
async function refuseOthers(folder: string): Promise<void> {
  const isOther =
    existsSync(folder) &&
    !existsSync(join(folder, packageFile)) &&
    (!(await stat(folder)).isDirectory() || (await readdir(folder)).length > 0);
  if (isOther)
    throw new CommandFailure(
      `weir: ${folder} exists, and is no package of weir: name another folder as --out.`,
      2,
    );
}

/** Writes the list of all files in the folder. */
async function listParts(folder: string): Promise<ReadonlyMap<string, number>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => name !== packageFile)
    .sort();
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const manifest: PackageManifest = {
    weir: packageVersion(),
    node: builtFor,
    parts: Object.fromEntries(names.map((name, i) => [name, sha256(contents[i]!)])),
  };
  await writeFile(join(folder, packageFile), `${JSON.stringify(manifest, null, 2)}\n`);
  return new Map(names.map((name, i) => [name, contents[i]!.length]));
}

/** Runs the package once in a process of its own, which writes what V8 has compiled then. */
async function compile(folder: string, env: Context['env']): Promise<void> {
  const arguments_ = [...threadArguments, moduleIn('gateway/packaged/make-cache'), resolve(folder)];
  try {
    await promisify(execFile)(process.execPath, arguments_, { env: { ...env } });
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string };
    throw new CommandFailure(`weir: what was packaged does not run: ${stderr.trim()}`, 2);
  }
}

const nameOf = (file: string): string => file.slice(0, -extname(file).length);

const extension = extname(__filename);

const moduleIn = (path: string): string => join(dirname(dirname(__dirname)), `${path}${extension}`);

// Jest runs the sources, which Node must be told to compile.
const threadArguments =
  extension === '.ts' ? ['--require', join(__dirname, '../../test/support/typescript.cjs')] : [];
