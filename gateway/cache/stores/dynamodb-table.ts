import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;

/** A DynamoDB table with the partition key `pk` (a string). */
export class DynamoTable {
  readonly #client: DynamoDBClient;
  readonly #name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Reads items, by key, with strong consistency. */
  async read(keys: readonly string[]): Promise<Map<string, Item>> {
    const unique = [...new Set(keys)];
    const items = new Map<string, Item>();
    const chunks = Array.from({ length: Math.ceil(unique.length / batchSize) }, (_, index) =>
      unique.slice(index * batchSize, (index + 1) * batchSize),
    );
    await Promise.all(chunks.map((chunk) => this.#readChunk(chunk, items)));
    return items;
  }

  /** Writes an item. If the condition does not hold, it resolves without writing. */
  async put(item: Item, condition?: Omit<PutItemCommandInput, 'TableName' | 'Item'>): Promise<void> {
    await held(this.#client.send(new PutItemCommand({ TableName: this.#name, Item: item, ...condition })));
  }

  /** Resolves with the attributes that `ReturnValues` names, or with undefined if the condition does not hold. */
  async update(
    key: string,
    change: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<Item | undefined> {
    const update = new UpdateItemCommand({ TableName: this.#name, Key: { pk: { S: key } }, ...change });
    const output = await held(this.#client.send(update));
    return output && (output.Attributes ?? {});
  }

  close(): void {
    this.#client.destroy();
  }

  async #readChunk(keys: readonly string[], items: Map<string, Item>): Promise<void> {
    let Keys = keys.map((pk): Item => ({ pk: { S: pk } }));
    for (let attempt = 0; attempt < readAttempts; attempt++) {
      const { Responses, UnprocessedKeys } = await this.#client.send(
        new BatchGetItemCommand({ RequestItems: { [this.#name]: { Keys, ConsistentRead: true } } }),
      );
      for (const item of Responses?.[this.#name] ?? []) items.set(item['pk']?.S ?? '', item);
      Keys = UnprocessedKeys?.[this.#name]?.Keys ?? [];
      if (Keys.length === 0) return;
      await delay(2 ** attempt * 5);
    }
    throw new Error('DynamoDB left out keys again and again.');
  }
}

/** The most keys that DynamoDB accepts in one `BatchGetItem`. */
const batchSize = 100;
const readAttempts = 4;

/** Resolves with undefined if the condition of a write did not hold. */
async function held<Output>(write: Promise<Output>): Promise<Output | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
