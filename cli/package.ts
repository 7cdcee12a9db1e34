import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of Weir's `package.json`: above `cli/` and above `dist/cli/`.
 * @throws where there is none
 */
export function packageRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder)
      throw new Error(`Weir's package.json is missing: neither ${from} nor a folder above it has one.`);
  }
}

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** The compiled entry point of a reference subgraph; `undefined` when there is none of that name. */
export function subgraphScript(name: string): string | undefined {
  return subgraphNames().includes(name) ? join(subgraphsFolder(), name, 'index.js') : undefined;
}

export function subgraphNames(): string[] {
  const folder = subgraphsFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name !== 'kit' && existsSync(join(folder, name, 'index.js')));
}

/** The process that serves the embedded DynamoDB. */
export function embeddedDynamoDBScript(): string {
  return join(subgraphsFolder(), 'kit', 'embedded-dynamodb.js');
}

function subgraphsFolder(): string {
  return join(packageRoot(), 'dist', 'subgraphs');
}
