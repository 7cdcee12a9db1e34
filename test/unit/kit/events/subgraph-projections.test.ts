import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import Fastify from 'fastify';
import { z } from 'zod';
import { defineProjection, type Database } from '../../../../kit';
import { consumersTable } from '../../../../kit/events/consumers/consumers-table';
import { SubgraphProjections } from '../../../../kit/events/subgraph-projections';
import { openTestDatabase } from '../../../support/subgraph-kit';

const accounts = defineProjection({
  name: 'accounts',
  from: { bank: { Opened: { 1: z.object({ owner: z.string() }) } } },
  apply: (_: { owner: string } | undefined, { data }) => data,
});
const table = consumersTable('bank');
const key = { consumer: 'accounts', item: 'projection' } as const;

let opened: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => (opened = await openTestDatabase(table, accounts.table(1), accounts.table(2))));
afterAll(() => opened.stop());

it('a restart does not delete a generation that becomes live meanwhile', async () => {
  const items = opened.db.table(table);
  await items.put({ ...key, live: 1, last: 2, building: 2 });
  let isComplete = false;
  /** Another process makes the second generation live, just after the restart has read that it is being built. */
  const db: Database = {
    ...opened.db,
    table(definition) {
      const own = opened.db.table(definition);
      const get = own.get.bind(own);
      return Object.assign(own, {
        async get(...args: Parameters<typeof own.get>) {
          const found = await get(...args);
          if (!isComplete) await items.put({ ...key, live: 2, last: 2, previous: 1 });
          isComplete = true;
          return found;
        },
      });
    },
  };
  const { client } = opened;
  const projections = new SubgraphProjections({
    ...{ db, client, table, seed: false, projections: [accounts], log: Fastify().log },
    publisher: () => ({ url: 'http://127.0.0.1:1/events', headers: () => ({}) }),
    scopeOf: () => undefined as never,
  });
  expect(await projections.rebuild('accounts', undefined)).toBe(true);
  expect(isComplete).toBe(true);
  expect(await items.get(key)).toMatchObject({ live: 2, last: 3, building: 3 });
  const describeTable = (generation: number) =>
    client.send(new DescribeTableCommand({ TableName: accounts.table(generation).name }));
  expect((await describeTable(2)).Table?.TableStatus).toBe('ACTIVE');
  await projections.stop();
});
