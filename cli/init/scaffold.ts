import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { Document, isMap, parseDocument } from 'yaml';
import { loadSupergraphConfig } from '../../schema/composition/supergraph-config';
import { CommandFailure, type Context } from '../context';
import { failWithProblems } from '../dev/failed-problems';
import { isOnThisMachine, portOf } from '../dev/ports';
import { packageName, packageRoot } from '../own-package';
import { makeFolder } from '../terminal/make-folder';
import { replaceFile } from '../terminal/replace-file';
import { optionsFile, subgraphFiles, supergraphEntry, supergraphHead } from './templates';

export interface ScaffoldOptions {
  readonly folder: string;
  /** The name of the subgraph. @default products, if there is no supergraph.yaml yet */
  readonly subgraph: string | undefined;
  readonly env: Context['env'];
}

export interface Scaffold {
  readonly folder: string;
  readonly subgraph: string;
  /** Paths of the written files, relative to the working folder. */
  readonly written: readonly string[];
  /** The existing file to which an entry was added. */
  readonly entered: string | undefined;
  readonly isInstalled: boolean;
}

/**
 * Writes the files of a graph, or of a further subgraph: all of them or none.
 *
 * @throws {CommandFailure} if none was written
 */
export async function scaffold({ folder, subgraph, env }: ScaffoldOptions): Promise<Scaffold> {
  const supergraphFile = join(folder, 'supergraph.yaml');
  const isThere = existsSync(supergraphFile);
  if (isThere && subgraph === undefined) {
    throw new CommandFailure(
      `weir: ${supergraphFile} exists already, and nothing is overwritten: --subgraph NAME adds a subgraph to it.`,
      2,
    );
  }
  const name = checkName(subgraph ?? 'products');
  const before = isThere ? await readFile(supergraphFile, 'utf8') : supergraphHead;
  const port = isThere ? await nextPort(supergraphFile, name, env) : 4001;
  const supergraph = enter(before, name, port);
  const files = new Map<string, string>(subgraphFiles(name, packageName()));
  if (!isThere) {
    files.set('weir.yaml', optionsFile(schemaOf(folder)));
    files.set('supergraph.yaml', supergraph);
  }
  await writeAll(folder, files, () =>
    isThere ? replaceFile(supergraphFile, supergraph) : Promise.resolve(),
  );
  return {
    folder,
    subgraph: name,
    written: [...files.keys()].sort(byDepth).map((file) => join(folder, file)),
    entered: isThere ? supergraphFile : undefined,
    isInstalled: isInstalledIn(folder),
  };
}

/** The text that says what was written, and what to do next. */
export function describeScaffold({ folder, subgraph, written, entered, isInstalled }: Scaffold): string {
  const weir = `npx --no-install weir`;
  const steps: [string, string][] = [
    ...(relative('.', folder) === '' ? [] : [[`cd ${folder}`, ''] satisfies [string, string]]),
    ...(isInstalled
      ? []
      : [[`npm install ${packageRoot()}`, 'Weir is not installed there yet'] satisfies [string, string]]),
    [`${weir} dev`, 'runs the graph'],
    [`node --test ${subgraph}/index.test.mjs`, 'tests the subgraph'],
    [`${weir} init --subgraph NAME`, 'adds another one'],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  return [
    `weir: wrote ${written.join(', ')}${entered === undefined ? '' : `, and entered ${subgraph} in ${entered}`}.`,
    '',
    'Next:',
    ...steps.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`.trimEnd()),
    '',
  ].join('\n');
}

function checkName(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name) && name !== 'node_modules') return name;
  throw new CommandFailure(
    `weir: --subgraph must be a name of letters, digits, - and _, such as reviews, but got: ${name}`,
    2,
  );
}

/** The first port after those of the subgraphs on this machine. @throws {CommandFailure} if the name is taken */
async function nextPort(file: string, name: string, env: Context['env']): Promise<number> {
  const { subgraphs } = await loadSupergraphConfig({ file, env }).catch(failWithProblems);
  if (subgraphs.some((each) => each.name === name)) {
    throw new CommandFailure(
      `weir: ${file} has a subgraph ${name} already: choose another name for the new one.`,
      2,
    );
  }
  const ports = subgraphs
    .filter(({ routingUrl }) => isOnThisMachine(routingUrl))
    .map(({ routingUrl }) => Number(portOf(routingUrl)));
  return Math.max(4000, ...ports.filter((port) => port < highestPort)) + 1;
}

const highestPort = 65_535;

/** Adds a subgraph to a supergraph configuration. Comments are kept. */
function enter(text: string, name: string, port: number): string {
  const document = parseDocument(text);
  if (!isMap(document.get('subgraphs', true))) document.set('subgraphs', new Document({}).contents);
  document.setIn(['subgraphs', name], document.createNode(supergraphEntry(name, port)));
  const entered = document.toString({ lineWidth: 0 });
  return text.includes('\r\n') ? entered.replace(/\r?\n/g, '\r\n') : entered;
}

/** Writes new files, and then calls `last`. If either fails, all new files are removed. */
async function writeAll(
  folder: string,
  files: ReadonlyMap<string, string>,
  last: () => Promise<void>,
): Promise<void> {
  const existing = [...files.keys()].map((file) => join(folder, file)).filter((path) => existsSync(path));
  if (existing.length > 0) {
    const [verb, rest] = existing.length === 1 ? ['exists', 'it is'] : ['exist', 'they are'];
    throw new CommandFailure(
      `weir: ${existing.join(', ')} ${verb} already, and ${rest} not overwritten: nothing was written.`,
      2,
    );
  }
  const made: string[] = [];
  try {
    for (const [file, text] of files) {
      const path = join(folder, file);
      const parent = await makeFolder(dirname(path));
      if (parent !== undefined) made.push(parent);
      await writeFile(path, text, { flag: 'wx' });
      made.push(path);
    }
    await last();
  } catch (error) {
    for (const path of made.reverse()) await rm(path, { recursive: true, force: true });
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`weir: nothing was written: ${(error as Error).message}.`, 2);
  }
}

const byDepth = (one: string, other: string): number =>
  one.split('/').length - other.split('/').length || one.localeCompare(other);

/** The path of the JSON schema, as it is written in weir.yaml. */
function schemaOf(folder: string): string {
  const schema = 'docs/configuration.schema.json';
  const from = resolve(folder);
  const inModules = join('node_modules', packageName(), schema);
  for (let above = from; ; above = dirname(above)) {
    const [found] = [
      join(above, inModules),
      ...(above === packageRoot() ? [join(above, schema)] : []),
    ].filter((path) => existsSync(path));
    if (found !== undefined) return relative(from, found).replaceAll('\\', '/');
    // Weir is not installed yet: the path where it will be.
    if (dirname(above) === above) return inModules.replaceAll('\\', '/');
  }
}

/** Whether files of a folder can import Weir. */
function isInstalledIn(folder: string): boolean {
  try {
    createRequire(join(resolve(folder), 'index.js')).resolve(`${packageName()}/package.json`);
    return true;
  } catch {
    return false;
  }
}
