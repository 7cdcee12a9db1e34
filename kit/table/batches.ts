import { BatchGetCommand, BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { createBackoff } from '../backoff';
import { unavailable, type Commands } from './commands';
import { SubgraphError } from '../errors';
import { checkIndexKeys, keyText, pickKey, type ItemKey } from './keys';
import { createLimiter } from '../serve/limiter';
import { slices } from '../lists';
import { type ReadOptions, type Table } from './table';
import { checkOperation, type Key, type TableDefinition } from './definition';

const batchGetSize = 100;
const batchWriteSize = 25;
const batchesInFlight = 8;
const batchWriteRetryMilliseconds = 30_000;

/** Batch reads and writes. DynamoDB may process only part of a batch; the rest is sent again. */
export function openBatches<Item extends object, KeyAttribute extends string, IndexName extends string>(
  definition: TableDefinition<Item, KeyAttribute, IndexName>,
  { client, run, retryMilliseconds, signal }: Commands,
): Pick<Table<Item, KeyAttribute, IndexName>, 'batchGet' | 'batchPut'> {
  const { name: table } = definition;
  const limiter = createLimiter(batchesInFlight);

  async function batchGet(
    keys: readonly Key<Item, KeyAttribute>[],
    { consistent = false }: ReadOptions = {},
  ): Promise<(Item | null | Error)[]> {
    checkOperation(definition, 'BatchGetItem');
    const picked = keys.map((key) => pickedOrError(key));
    const distinct = new Map(
      picked.flatMap((key) => (key instanceof Error ? [] : [[keyText(definition, key), key] as const])),
    );
    const answers = new Map<string, Item | Error>();
    await Promise.all(
      slices([...distinct.values()], batchGetSize).map((chunk) =>
        limiter(() => getChunk(chunk, consistent, answers)),
      ),
    );
    return picked.map((key) =>
      key instanceof Error ? key : (answers.get(keyText(definition, key)) ?? null),
    );
  }

  /** One key that no item can have must not fail the others. */
  function pickedOrError(key: Key<Item, KeyAttribute>): ItemKey | Error {
    try {
      return pickKey(definition, key);
    } catch (error) {
      return error as Error;
    }
  }

  async function getChunk(
    chunk: ItemKey[],
    consistent: boolean,
    answers: Map<string, Item | Error>,
  ): Promise<void> {
    const backoff = createBackoff({ budgetMilliseconds: retryMilliseconds, signal });
    let pending = chunk;
    let failure: Error;
    do {
      const input = {
        RequestItems: { [table]: { Keys: pending, ...(consistent && { ConsistentRead: true }) } },
      };
      try {
        const { Responses, UnprocessedKeys } = await run(
          { name: 'BatchGetItem', table, size: pending.length },
          (measured) =>
            client.send(new BatchGetCommand({ ...input, ...measured }), signal && { abortSignal: signal }),
        );
        for (const item of Responses?.[table] ?? []) answers.set(keyText(definition, item), item as Item);
        pending = (UnprocessedKeys?.[table]?.Keys ?? []) as ItemKey[];
        if (pending.length === 0) return;
        failure = unavailable();
      } catch (error) {
        failure = error as Error;
        if (!isUnavailable(error)) break;
      }
    } while (await backoff.pause());
    for (const key of pending) answers.set(keyText(definition, key), failure);
  }

  async function batchPut(items: Iterable<Item>): Promise<void> {
    checkOperation(definition, 'BatchWriteItem');
    const writes = [...items].map((item) => {
      pickKey(definition, item);
      checkIndexKeys(definition, item);
      return { PutRequest: { Item: item } };
    });
    await Promise.all(slices(writes, batchWriteSize).map((chunk) => limiter(() => putChunk(chunk))));
  }

  async function putChunk(chunk: { PutRequest: { Item: Item } }[]): Promise<void> {
    const backoff = createBackoff({ budgetMilliseconds: batchWriteRetryMilliseconds });
    let pending = chunk;
    for (;;) {
      const input = { RequestItems: { [table]: pending } };
      const { UnprocessedItems } = await run(
        { name: 'BatchWriteItem', table, size: pending.length },
        (measured) => client.send(new BatchWriteCommand({ ...input, ...measured })),
      );
      pending = (UnprocessedItems?.[table] ?? []) as typeof chunk;
      if (pending.length === 0) return;
      if (!(await backoff.pause())) throw unavailable();
    }
  }

  return { batchGet, batchPut };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SubgraphError && error.code === 'UNAVAILABLE';
}
