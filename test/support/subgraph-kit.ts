import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, openEmbeddedDynamoDB, type Database, type TableDefinition } from '../../subgraphs/kit';
import { connectDynamoDB } from '../../subgraphs/kit/dynamodb';
import { prepareTable } from '../../subgraphs/kit/prepare';

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

/** A database over an in-memory DynamoDB, with the tables there. */
export async function openTestDatabase(...definitions: TableDefinition<any, string, string>[]) {
  const embedded = await openEmbeddedDynamoDB();
  const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint: embedded.endpoint });
  const db: Database = openDatabase({ client });
  for (const definition of definitions) await prepareTable(definition, { db, client, seed: true });
  return {
    db,
    client,
    endpoint: embedded.endpoint,
    async stop() {
      await stop();
      await embedded.stop();
    },
  };
}
