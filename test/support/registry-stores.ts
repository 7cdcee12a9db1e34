import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { dynamodbStore } from '../../schema/store/dynamodb';
import { filesStore } from '../../schema/store/files';
import { openRegistryStore } from '../../schema/store/open';
import type { RegistryStore } from '../../schema/store/store';
import { openEmbeddedDynamoDB } from '../../kit/store/embedded-dynamodb';

/** A place for registries, and whoever shares it. */
export interface TestRegistryStores {
  /** As `--registry` takes it. */
  readonly location: string;
  open(): Promise<RegistryStore>;
  /** All that is stored, as PARTITION/SORT. */
  keys(): Promise<string[]>;
  close(): Promise<void>;
}

/** Every kind of store, each with nothing in it, and the function that opens it. */
export const registryStoreKinds: [
  string,
  () => Promise<TestRegistryStores>,
  (...args: never[]) => RegistryStore | Promise<RegistryStore>,
][] = [
  ['files', async () => filesStores(), filesStore],
  ['DynamoDB', dynamodbStores, dynamodbStore],
];

function filesStores(): TestRegistryStores {
  const folder = mkdtempSync(join(tmpdir(), 'weir-registry-'));
  const location = join(folder, 'registry');
  return {
    location,
    open: () => openRegistryStore(location),
    keys: async () => readdirSync(location, { recursive: true, encoding: 'utf8' }),
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function dynamodbStores(): Promise<TestRegistryStores> {
  // The SDK asks the environment for them; the embedded DynamoDB takes any.
  process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const database = await openEmbeddedDynamoDB();
  const { endpoint } = database;
  const client = new DynamoDBClient({ region: 'eu-west-1', endpoint });
  await client.send(
    new CreateTableCommand({
      TableName: 'weir-registry',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'partition', AttributeType: 'S' },
        { AttributeName: 'sort', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'partition', KeyType: 'HASH' },
        { AttributeName: 'sort', KeyType: 'RANGE' },
      ],
    }),
  );
  const location = `dynamodb://weir-registry?region=eu-west-1&endpoint=${endpoint}`;
  const opened: RegistryStore[] = [];
  return {
    location,
    async open() {
      const store = await openRegistryStore(location);
      opened.push(store);
      return store;
    },
    async keys() {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: 'weir-registry' }));
      return Items.map(({ partition, sort }) => `${partition!.S}/${sort!.S}`);
    },
    async close() {
      client.destroy();
      await Promise.all(opened.map((store) => store.close()));
      await database.stop();
    },
  };
}
