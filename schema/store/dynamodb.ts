import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type Item,
  type Key,
  type ListOptions,
  type PutOptions,
  type RegistryStore,
  StoreError,
} from './store';

/** Agents that open the connections of a store, for example through a proxy. */
export interface ConnectionAgents {
  readonly httpAgent?: HttpAgent;
  readonly httpsAgent?: HttpsAgent;
}

export interface DynamoDBStoreOptions {
  readonly table: string;
  /** @default the region that the AWS SDK finds in the environment */
  readonly region?: string | undefined;
  /** The URL of a DynamoDB that is not Amazon's. @default the endpoint of the region */
  readonly endpoint?: string | undefined;
  /** Node's agents for connections. @default those of the SDK */
  readonly agents?: ConnectionAgents | undefined;
  /** Timeout of one request, in milliseconds. The SDK makes up to three requests per operation. @default 3_000 */
  readonly timeout?: number;
}

/**
 * A registry in one DynamoDB table with the keys `partition` and `sort`, both strings. IAM is its access control:
 * partitions are chosen so that `dynamodb:LeadingKeys` can give teams, gateways and readers different permissions.
 */
export async function dynamodbStore(options: DynamoDBStoreOptions): Promise<RegistryStore> {
  const { table: TableName, region, endpoint, agents = {}, timeout = 3_000 } = options;
  // Loaded only for a registry in DynamoDB, as loading is slow.
  const { DeleteItemCommand, DynamoDBClient, GetItemCommand, paginateQuery, PutItemCommand } =
    await import('@aws-sdk/client-dynamodb');
  const client = new DynamoDBClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    // Without `throwOnRequestTimeout` the SDK only prints a warning after the timeout, and keeps waiting.
    requestHandler: {
      ...agents,
      ...{ connectionTimeout: 2_000, requestTimeout: timeout, throwOnRequestTimeout: true },
    },
  });

  const get = async ({ partition, sort }: Key): Promise<Item | undefined> => {
    const Key = { partition: { S: partition }, sort: { S: sort } };
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Item && toItem(Item);
  };

  async function list(partition: string, options: ListOptions = {}): Promise<Item[]> {
    const { prefix = '', limit, newestFirst = false } = options;
    const pages = paginateQuery(
      { client },
      {
        TableName,
        KeyConditionExpression: `#partition = :partition${prefix === '' ? '' : ' AND begins_with(#sort, :prefix)'}`,
        ExpressionAttributeNames: {
          '#partition': 'partition',
          ...(prefix === '' ? {} : { '#sort': 'sort' }),
        },
        ExpressionAttributeValues: {
          ':partition': { S: partition },
          ...(prefix === '' ? {} : { ':prefix': { S: prefix } }),
        },
        ConsistentRead: true,
        ScanIndexForward: !newestFirst,
        ...(limit === undefined ? {} : { Limit: limit }),
      },
    );
    const items: Item[] = [];
    for await (const { Items = [] } of pages) {
      items.push(...Items.map(toItem));
      if (limit !== undefined && items.length >= limit) break;
    }
    return items.slice(0, limit);
  }

  async function put(key: Key, value: Buffer, { expected, expires }: PutOptions = {}): Promise<boolean> {
    const revision = expected === undefined ? 0 : expected + 1;
    const command = new PutItemCommand({
      TableName,
      Item: {
        partition: { S: key.partition },
        sort: { S: key.sort },
        value: { B: value },
        revision: { N: String(revision) },
        ...(expires === undefined ? {} : { expires: { N: String(expires) } }),
      },
      ...conditionOf(expected),
    });
    try {
      await client.send(command);
      return true;
    } catch (error) {
      if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
      // The SDK retries a request whose answer is lost. Then the conflict may be with our own write.
      const found = await get(key);
      return found?.revision === revision && found.value.equals(value);
    }
  }

  async function remove({ partition, sort }: Key, expected: number | undefined): Promise<boolean> {
    const Key = { partition: { S: partition }, sort: { S: sort } };
    try {
      await client.send(new DeleteItemCommand({ TableName, Key, ...conditionOf(expected) }));
      return true;
    } catch (error) {
      if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
      // It may have been deleted already, also by this request if its first answer was lost.
      return (await get({ partition, sort })) === undefined;
    }
  }

  return {
    get: (key) => guard(TableName, () => get(key)),
    list: (partition, options) => guard(TableName, () => list(partition, options)),
    put: (key, value, options) => guard(TableName, () => put(key, value, options)),
    delete: (key, { expected } = {}) => guard(TableName, () => remove(key, expected)),
    close: () => {
      client.destroy();
      return Promise.resolve();
    },
  };
}

function conditionOf(expected: number | undefined) {
  if (expected === undefined) return {};
  const ExpressionAttributeNames = { '#revision': 'revision' };
  if (expected === 0)
    return { ConditionExpression: 'attribute_not_exists(#revision)', ExpressionAttributeNames };
  return {
    ConditionExpression: '#revision = :expected',
    ExpressionAttributeNames,
    ExpressionAttributeValues: { ':expected': { N: String(expected) } },
  };
}

const toItem = ({ sort, value, revision }: Record<string, AttributeValue>): Item => ({
  sort: sort!.S!,
  value: Buffer.from(value!.B!),
  revision: Number(revision!.N),
});

async function guard<Result>(table: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new StoreError(`The registry in the DynamoDB table ${table} cannot be used: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'ResourceNotFoundException')
    return 'there is no such table in this region and account; docs/registry.md has the command that makes it';
  // A refused connection is an AggregateError with a code and an empty message.
  if (message === '') return code ?? name;
  return (name === 'Error' ? message : `${name}: ${message}`).replace(/\.$/, '');
}
