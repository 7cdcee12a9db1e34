import { join } from 'node:path';
import { z } from 'zod';
import { type Database } from '../table/database';
import { consumersTable } from '../events/consumers/consumers-table';
import { defineEvent } from '../events/event';
import { type WithOutbox } from '../events/log/outbox';
import { defineProjection } from '../events/projection';
import { runWhenMain } from '../serve/serve';
import { defineSubgraph } from '../subgraph';
import { defineTable } from '../table/definition';

/** The subgraph that `weir rehearse-recovery` writes to, and whose tables it loses. Nobody else uses it. */
interface RehearsedItem extends WithOutbox {
  readonly id: string;
  /** Numbers the writes of the item, from 1. */
  readonly revision: number;
  readonly value: string;
}

interface Context {
  readonly db: Database;
}

export const source = 'weir-rehearsal';

export const itemsTable = defineTable<RehearsedItem>()({
  name: `${source}-items`,
  partitionKey: 'id',
  outbox: true,
});

const data = z.object({ revision: z.int(), value: z.string() });

/** It has all that its item needs, so that items are made of events again. */
export const ItemWritten = defineEvent({ type: 'ItemWritten', data });

const copies = defineProjection({
  name: `${source}-copies`,
  from: { [source]: { [ItemWritten.type]: { [ItemWritten.version]: data } } },
  apply: (_: z.infer<typeof data> | undefined, event) => event.data,
});

/** Of the only generation: nothing rebuilds it. */
export const copiesTable = copies.table(1);
export const ownConsumersTable = consumersTable(source);

const rehearsal = defineSubgraph<Context>({
  name: source,
  schema: join(__dirname, 'rehearsal.graphql'),
  tables: [itemsTable],
  projections: [copies],
  context: ({ db }) => ({ db }),
  resolvers: {
    Query: {
      item: (_: unknown, key: { id: string }, { db }) => db.table(itemsTable).get(key, { consistent: true }),
    },
    Mutation: {
      write: (_: unknown, { id, ...written }: RehearsedItem, { db }) =>
        db
          .table(itemsTable)
          .update({ id }, { set: written, upsert: true, events: [ItemWritten.create(written)] }),
    },
  },
});

runWhenMain(module, rehearsal);
