import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot, packageVersion } from '../gateway/telemetry/package-root';

export { packageRoot, packageVersion };

/** The name under which others import the package. */
export function packageName(): string {
  const { name } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { name: string };
  return name;
}

/** The compiled entry point of a reference subgraph; `undefined` if none has this name. */
export function subgraphScript(name: string): string | undefined {
  return subgraphNames().includes(name) ? join(distFolder('subgraphs'), name, 'index.js') : undefined;
}

/** The module of a subgraph: one of the reference graph by its name, else a file; `undefined` if there is neither. */
export const subgraphModule = (name: string): string | undefined =>
  subgraphScript(name) ?? (statSync(name, { throwIfNoEntry: false })?.isFile() ? resolve(name) : undefined);

export function subgraphNames(): string[] {
  const folder = distFolder('subgraphs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'index.js')))
    .sort();
}

/** The script that serves the embedded DynamoDB. */
export function embeddedDynamoDBScript(): string {
  return join(distFolder('kit'), 'store', 'embedded-dynamodb.js');
}

/** A script of `weir rehearse-recovery`: the subgraph that it writes to, or the one that dumps and restores its tables. */
export function rehearsalScript(name: 'rehearsal' | 'rehearsal-store'): string {
  return join(distFolder('kit'), 'recovery', `${name}.js`);
}

/** Whether this is a clone, and not a package that was installed. */
export const isCheckout = (): boolean => existsSync(join(packageRoot(), 'setup.mjs'));

function distFolder(source: string): string {
  return join(packageRoot(), 'dist', source);
}
