import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type DatabaseSettings } from '../../kit';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { prepareTable } from '../../kit/serve/prepare';
import { type AnyTableDefinition } from '../../kit/table/definition';

/** A folder of its own for a test file, removed by `remove`. */
export function temporaryFolder(): {
  path: string;
  remove: () => void;
  write: (name: string, text: string) => string;
} {
  const path = mkdtempSync(join(tmpdir(), 'weir-kit-'));
  return {
    path,
    remove: () => rmSync(path, { recursive: true, force: true }),
    write(name, text) {
      const file = join(path, name);
      writeFileSync(file, text);
      return file;
    },
  };
}

/** A database with the tables there. */
export async function openDatabaseOn(settings: DatabaseSettings, ...definitions: AnyTableDefinition[]) {
  const dynamodb = await connectDynamoDB(settings);
  const { client } = dynamodb;
  const db = openDatabase({ client });
  for (const definition of definitions) await prepareTable(definition, { db, client, seed: true });
  return { db, client, stop: () => dynamodb.stop() };
}

/** The same in memory. */
export const openTestDatabase = (...definitions: AnyTableDefinition[]) =>
  openDatabaseOn({ kind: 'embedded' }, ...definitions);
